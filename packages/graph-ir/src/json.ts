// Graphs as versioned JSON text. The schema of the format is `graph.schema.json` beside the package's code.
import { type Graph, GraphError } from './graph.js';
import { validate } from './validate.js';

const FORMAT = 'logah-graph';
const VERSION = 1;

/** The graph as JSON text of version 1 of the format `logah-graph`. */
export function graphToJson(graph: Graph): string {
  return JSON.stringify({ format: FORMAT, version: VERSION, ...graph });
}

/**
 * Reads and validates a graph. Throws {@link GraphError} naming `source` and the field at fault: not JSON, another format or
 * version, a field of the wrong kind, or a graph that is not sound.
 */
export function graphFromJson(text: string, source = 'graph'): Graph {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new GraphError(`${source}: not JSON`, { cause });
  }
  const graph = readGraph(new Reader(source, '', json));
  validate(graph);
  return graph;
}

/** A field of the JSON, with its path for messages. */
class Reader {
  constructor(
    readonly source: string,
    readonly path: string,
    readonly value: unknown,
  ) {}

  fail(wanted: string): never {
    const found = JSON.stringify(this.value) ?? 'nothing';
    throw new GraphError(
      `${this.source}: ${this.path || 'the file'} should be ${wanted}, got ${found.length > 60 ? `${found.slice(0, 60)}…` : found}`,
    );
  }

  record(): Record<string, unknown> {
    if (typeof this.value !== 'object' || this.value === null || Array.isArray(this.value))
      return this.fail('an object');
    return Object.fromEntries(Object.entries(this.value));
  }

  field(key: string): Reader {
    return new Reader(this.source, this.path ? `${this.path}.${key}` : key, this.record()[key]);
  }

  entries<T>(read: (entry: Reader) => T): Record<string, T> {
    return Object.fromEntries(Object.keys(this.record()).map((key) => [key, read(this.field(key))]));
  }

  list<T>(read: (item: Reader) => T): T[] {
    if (!Array.isArray(this.value)) return this.fail('a list');
    return this.value.map((item: unknown, i) => read(new Reader(this.source, `${this.path}[${i}]`, item)));
  }

  string(): string {
    return typeof this.value === 'string' ? this.value : this.fail('a string');
  }

  number(): number {
    return typeof this.value === 'number' ? this.value : this.fail('a number');
  }

  boolean(): boolean {
    return typeof this.value === 'boolean' ? this.value : this.fail('true or false');
  }

  literal<const T extends string | number>(...allowed: readonly T[]): T {
    return (
      allowed.find((literal) => literal === this.value) ??
      this.fail(allowed.map((literal) => JSON.stringify(literal)).join(' or '))
    );
  }
}

const strings = (reader: Reader): string[] => reader.list((item) => item.string());
const numbers = (reader: Reader): number[] => reader.list((item) => item.number());

function pair(reader: Reader): readonly [number, number] {
  const [height, width, ...rest] = numbers(reader);
  return height === undefined || width === undefined || rest.length > 0
    ? reader.fail('[height, width]')
    : [height, width];
}

function padding(reader: Reader) {
  const side = (name: string): number => reader.field(name).number();
  return { top: side('top'), left: side('left'), bottom: side('bottom'), right: side('right') };
}

const window = (attributes: Reader) => ({
  kernel: pair(attributes.field('kernel')),
  stride: pair(attributes.field('stride')),
  padding: padding(attributes.field('padding')),
});

function readOperator(reader: Reader): Graph['operators'][number] {
  const common = {
    name: reader.field('name').string(),
    inputs: strings(reader.field('inputs')),
    parameters: reader.field('parameters').entries((entry) => entry.string()),
    outputs: strings(reader.field('outputs')),
  };
  const attributes = reader.field('attributes');
  const type = reader
    .field('type')
    .literal(
      'linear',
      'conv2d',
      'layer_norm',
      'batch_norm',
      'rms_norm',
      'embedding',
      'positions',
      'position_embedding',
      'prepend_token',
      'attention',
      'rotary_embedding',
      'grouped_attention',
      'activation',
      'add',
      'multiply',
      'concat',
      'max_pool',
      'avg_pool',
      'global_avg_pool',
      'reshape',
      'transpose',
      'select',
    );
  switch (type) {
    case 'linear':
      return { ...common, type, attributes: { layout: attributes.field('layout').literal('out_in', 'in_out') } };
    case 'conv2d':
      return {
        ...common,
        type,
        attributes: {
          stride: pair(attributes.field('stride')),
          padding: padding(attributes.field('padding')),
          dilation: pair(attributes.field('dilation')),
          groups: attributes.field('groups').number(),
        },
      };
    case 'layer_norm':
    case 'batch_norm':
    case 'rms_norm':
      return { ...common, type, attributes: { epsilon: attributes.field('epsilon').number() } };
    case 'attention':
      return {
        ...common,
        type,
        attributes: { heads: attributes.field('heads').number(), causal: attributes.field('causal').boolean() },
      };
    case 'rotary_embedding':
      return {
        ...common,
        type,
        attributes: { heads: attributes.field('heads').number(), base: attributes.field('base').number() },
      };
    case 'grouped_attention':
      return {
        ...common,
        type,
        attributes: {
          heads: attributes.field('heads').number(),
          keyValueHeads: attributes.field('keyValueHeads').number(),
          causal: attributes.field('causal').boolean(),
        },
      };
    case 'activation':
      return {
        ...common,
        type,
        attributes: { function: attributes.field('function').literal('relu', 'gelu', 'gelu_tanh', 'silu') },
      };
    case 'concat':
      return { ...common, type, attributes: { axis: attributes.field('axis').number() } };
    case 'max_pool':
    case 'avg_pool':
      return { ...common, type, attributes: window(attributes) };
    case 'reshape':
      return { ...common, type, attributes: { shape: numbers(attributes.field('shape')) } };
    case 'transpose':
      return { ...common, type, attributes: { permutation: numbers(attributes.field('permutation')) } };
    case 'select':
      return {
        ...common,
        type,
        attributes: { axis: attributes.field('axis').number(), index: attributes.field('index').number() },
      };
    case 'embedding':
    case 'positions':
    case 'position_embedding':
    case 'prepend_token':
    case 'add':
    case 'multiply':
    case 'global_avg_pool':
      return { ...common, type, attributes: {} };
  }
}

function readGraph(root: Reader): Graph {
  root.field('format').literal(FORMAT);
  root.field('version').literal(VERSION);
  return {
    name: root.field('name').string(),
    inputs: strings(root.field('inputs')),
    outputs: strings(root.field('outputs')),
    operators: root.field('operators').list(readOperator),
    values: root.field('values').entries((entry) => ({
      dtype: entry.field('dtype').literal('float32', 'int32'),
      shape: entry.field('shape').list((size) => (typeof size.value === 'string' ? size.value : size.number())),
    })),
    parameters: root.field('parameters').list((item) => ({
      name: item.field('name').string(),
      shape: numbers(item.field('shape')),
      layout: item
        .field('layout')
        .literal('out_in', 'in_out', 'out_in_h_w', 'rows_features', 'one_tokens_features', 'features'),
    })),
  };
}
