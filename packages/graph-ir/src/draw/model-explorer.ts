// A network in the JSON that Google's Model Explorer opens: a GraphCollection, as its input_graph.ts defines it
// (github.com/google-ai-edge/model-explorer, src/ui/src/components/visualizer/common).
import type { Graph, OnnxBody, Operator, TensorType } from '../graph.js';
import { attributeEntries } from '../operator-attributes.js';
import { titleOf } from './drawing.js';
import { namespacesOf } from './namespaces.js';

interface KeyValue {
  readonly key: string;
  readonly value: string;
}

interface MetadataItem {
  /** Of the input or output: its place. */
  readonly id: string;
  readonly attrs: readonly KeyValue[];
}

interface IncomingEdge {
  readonly sourceNodeId: string;
  readonly sourceNodeOutputId: string;
  readonly targetNodeInputId: string;
}

interface ExplorerNode {
  readonly id: string;
  readonly label: string;
  /** A path, "a/b": nodes of one namespace are in one box, which opens. */
  readonly namespace: string;
  readonly subgraphIds?: readonly string[];
  readonly attrs: readonly KeyValue[];
  readonly incomingEdges: readonly IncomingEdge[];
  readonly inputsMetadata: readonly MetadataItem[];
  readonly outputsMetadata: readonly MetadataItem[];
}

interface ExplorerGraph {
  readonly id: string;
  readonly nodes: readonly ExplorerNode[];
}

/** Whose result a value is: a node and the place among its results. */
interface Source {
  readonly node: string;
  readonly output: string;
}

const LONGEST_TEXT = 400;

/**
 * The network as a graph collection in JSON. Names of operators give its layers; graphs of conditions and loops are
 * graphs of their own that their operator leads to.
 */
export function toModelExplorer(graph: Graph): string {
  const bodies = graph.operators.flatMap(bodiesOf);
  const graphs = [explorerGraph(graph), ...bodies.map(({ id, body }) => bodyGraph(id, body))];
  return JSON.stringify({ label: graph.name, graphs });
}

function explorerGraph(graph: Graph): ExplorerGraph {
  const taken = new Set(graph.operators.map(({ name }) => name));
  const fresh = (name: string): string => {
    let id = name;
    while (taken.has(id)) id = `${id}'`;
    taken.add(id);
    return id;
  };
  const sources = new Map<string, Source>();
  const shapes = new Map(graph.parameters.map(({ name, shape }) => [name, shape]));
  const namespaces = namespacesOf(graph);
  const inputs = graph.inputs.map((name): ExplorerNode => {
    const id = fresh(name);
    sources.set(name, { node: id, output: '0' });
    return node(id, 'Input', { outputsMetadata: [tensor('0', name, graph.values[name])] });
  });
  const operators = graph.operators.map((operator, i): ExplorerNode => {
    const incoming = edges(operator.inputs, sources);
    operator.outputs.forEach((value, place) => {
      sources.set(value, { node: operator.name, output: String(place) });
    });
    const subgraphIds = bodiesOf(operator).map(({ id }) => id);
    return {
      ...node(operator.name, titleOf(operator), {
        incomingEdges: incoming,
        inputsMetadata: operator.inputs.map((value, place) => tensor(String(place), value, graph.values[value])),
        outputsMetadata: operator.outputs.map((value, place) => tensor(String(place), value, graph.values[value])),
        attrs: [
          ...attributesOf(operator),
          ...Object.entries(operator.parameters).map(([role, name]) => ({
            key: role,
            value: `${name} float32[${(shapes.get(name) ?? []).join(',')}]`,
          })),
        ],
      }),
      namespace: namespaces[i].join('/'),
      ...(subgraphIds.length > 0 ? { subgraphIds } : {}),
    };
  });
  const outputs = graph.outputs.map((name, i) =>
    node(fresh(`output ${i}`), 'Output', {
      incomingEdges: edges([name], sources),
      inputsMetadata: [tensor('0', name, graph.values[name])],
    }),
  );
  return { id: graph.name, nodes: [...inputs, ...operators, ...outputs] };
}

const node = (id: string, label: string, rest: Partial<Omit<ExplorerNode, 'id' | 'label'>>): ExplorerNode => ({
  id,
  label,
  namespace: '',
  attrs: [],
  incomingEdges: [],
  inputsMetadata: [],
  outputsMetadata: [],
  ...rest,
});

const edges = (values: readonly string[], sources: ReadonlyMap<string, Source>): IncomingEdge[] =>
  values.flatMap((value, place) => {
    const source = sources.get(value);
    return source === undefined
      ? []
      : [{ sourceNodeId: source.node, sourceNodeOutputId: source.output, targetNodeInputId: String(place) }];
  });

/** `__tensor_tag` is what Model Explorer calls a tensor by, `tensor_shape` what it writes on edges. */
const tensor = (id: string, name: string, { dtype, element, shape }: TensorType): MetadataItem => ({
  id,
  attrs: [
    { key: '__tensor_tag', value: name },
    { key: 'tensor_shape', value: `${element ?? dtype}[${shape.join(',')}]` },
  ],
});

const textOf = (value: unknown): string => {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text;
};

/** Graphs within an operator are graphs of their own. */
const attributesOf = (operator: Operator): KeyValue[] =>
  attributeEntries(operator).flatMap(([key, value]) => (isBody(value) ? [] : [{ key, value: textOf(value) }]));

const isBody = (value: unknown): value is { readonly body: OnnxBody } =>
  typeof value === 'object' && value !== null && 'body' in value;

/** The graphs within an operator, with ids of their own. */
const bodiesOf = (operator: Operator): ReadonlyArray<{ readonly id: string; readonly body: OnnxBody }> =>
  attributeEntries(operator).flatMap(([key, value]) =>
    isBody(value) ? [{ id: `${operator.name}/${key}`, body: value.body }] : [],
  );

function bodyGraph(id: string, body: OnnxBody): ExplorerGraph {
  const sources = new Map<string, Source>();
  const given = [...body.inputs, ...body.captures, ...body.constants.map(({ name }) => name)].map((name) => {
    sources.set(name, { node: `value ${name}`, output: '0' });
    return node(`value ${name}`, name, {});
  });
  const nodes = body.nodes.map(({ operator, inputs, outputs, attributes }, i) => {
    const incomingEdges = edges(inputs, sources);
    outputs.forEach((value, place) => {
      sources.set(value, { node: `node ${i}`, output: String(place) });
    });
    const attrs = Object.entries(attributes).map(([key, value]) => ({ key, value: textOf(value) }));
    return node(`node ${i}`, operator, { incomingEdges, attrs });
  });
  const ends = body.outputs.map((name, i) => node(`output ${i}`, 'Output', { incomingEdges: edges([name], sources) }));
  return { id, nodes: [...given, ...nodes, ...ends] };
}
