// Graphs as versioned JSON text. The schema of the format is `graph.schema.json` beside the package's code.
import { type Graph, GraphError, LAYOUTS, type Operator, type OperatorType, type Parameter } from './graph.js';
import { numbers, type Reader, readJson, strings, tensorType } from './json-reader.js';
import { OPERATORS } from './operators.js';
import { validate } from './validate.js';

const FORMAT = 'logah-graph';
const VERSION = 1;

const OPERATOR_TYPES = Object.keys(OPERATORS) as OperatorType[];

/** The graph as JSON text of version 1 of the format `logah-graph`. */
export function graphToJson(graph: Graph): string {
  return JSON.stringify({ format: FORMAT, version: VERSION, ...graph }, spellNumber);
}

/** JSON has no words for numbers that are not finite: constants of kept operators write them as text. */
const spellNumber = (_: string, value: unknown): unknown =>
  typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;

/**
 * Reads and validates a graph. Throws {@link GraphError} naming `source` and the field at fault: not JSON, another format or
 * version, a field of the wrong kind, or a graph that is not sound.
 */
export function graphFromJson(text: string, source = 'graph'): Graph {
  const graph = readGraph(readJson(text, source));
  try {
    validate(graph);
  } catch (error) {
    if (error instanceof GraphError) throw new GraphError(`${source}: ${error.message}`, { cause: error });
    throw error;
  }
  return graph;
}

/** An operator. Throws {@link GraphError} naming the field at fault. */
export function readOperator(reader: Reader): Operator {
  const type = reader.field('type').literal(...OPERATOR_TYPES);
  const operator = {
    name: reader.field('name').string(),
    type,
    inputs: strings(reader.field('inputs')),
    parameters: reader.field('parameters').entries((entry) => entry.string()),
    attributes: OPERATORS[type].attributes(reader.field('attributes')),
    outputs: strings(reader.field('outputs')),
  };
  // The table gives each type its own attributes; TypeScript cannot follow that through a type variable.
  return operator as Operator;
}

/** A parameter. Throws {@link GraphError} naming the field at fault. */
export const readParameter = (item: Reader): Parameter => ({
  name: item.field('name').string(),
  shape: numbers(item.field('shape')),
  layout: item.field('layout').literal(...LAYOUTS),
});

function readGraph(root: Reader): Graph {
  root.field('format').literal(FORMAT);
  root.field('version').literal(VERSION);
  return {
    name: root.field('name').string(),
    inputs: strings(root.field('inputs')),
    outputs: strings(root.field('outputs')),
    operators: root.field('operators').list(readOperator),
    values: root.field('values').entries(tensorType),
    parameters: root.field('parameters').list(readParameter),
  };
}
