// What a picture of a graph shows, whatever it is drawn with: nodes in an order in which they can run, and edges between them.
import type { ComputationalGraph, NodeType } from '../computational-graph.js';
import type { Graph, Operator, OperatorType, TensorType } from '../graph.js';
import { attributeEntries } from '../operator-attributes.js';

/** What a node does, which gives it its colour and shape. */
export type NodeKind =
  | 'input'
  | 'output'
  | 'weights'
  | 'bias'
  | 'norm'
  | 'attention'
  | 'embedding'
  | 'combine'
  | 'pool'
  | 'activation'
  | 'shape'
  | 'foreign';

/** How a node of one network differs from another's: only one has it, it is not the same, or only its values are not. */
export type NodeMark = 'added' | 'removed' | 'changed' | 'values';

/** Something that can be said of a node. */
export interface Fact {
  readonly what: string;
  readonly is: string;
}

export interface DrawnParameter {
  readonly role: string;
  readonly name: string;
  readonly shape: readonly number[];
}

export interface DrawnNode {
  readonly kind: NodeKind;
  /** The first line: what it does. */
  readonly title: string;
  /** Smaller lines below: parameters with their shapes, sizes of results. */
  readonly details: readonly string[];
  /** All that there is to say of it, in one line: its name, what it gives, its parameters by their names. */
  readonly hint: string;
  /** What makes nodes of repeated blocks alike. */
  readonly signature: string;
  /** In a picture of a difference. */
  readonly mark?: NodeMark;
  /** The same as the hint, thing by thing. */
  readonly facts?: readonly Fact[];
  /** What a network's operator learns. */
  readonly parameters?: readonly DrawnParameter[];
}

export interface DrawnEdge {
  readonly from: number;
  readonly to: number;
  /** Passes by what another operand of the same sum goes through. */
  readonly isShortcut: boolean;
}

/** A picture to be. Edges point from earlier to later nodes. */
export interface Drawing {
  readonly title: string;
  readonly nodes: readonly DrawnNode[];
  readonly edges: readonly DrawnEdge[];
}

const OPERATOR_KINDS: Readonly<Record<OperatorType, NodeKind>> = {
  linear: 'weights',
  conv2d: 'weights',
  layer_norm: 'norm',
  batch_norm: 'norm',
  rms_norm: 'norm',
  embedding: 'embedding',
  positions: 'shape',
  position_embedding: 'embedding',
  prepend_token: 'embedding',
  attention: 'attention',
  rotary_embedding: 'attention',
  grouped_attention: 'attention',
  activation: 'activation',
  add: 'combine',
  multiply: 'combine',
  scale: 'weights',
  concat: 'combine',
  max_pool: 'pool',
  avg_pool: 'pool',
  global_avg_pool: 'pool',
  adaptive_avg_pool: 'pool',
  reshape: 'shape',
  transpose: 'shape',
  select: 'shape',
  onnx: 'foreign',
};

const NODE_KINDS: Readonly<Record<NodeType, NodeKind>> = {
  max_pool: 'pool',
  avg_pool: 'pool',
  sep_conv: 'weights',
  dil_conv: 'weights',
  conv: 'weights',
  msa: 'attention',
  cse: 'combine',
  sum: 'combine',
  concat: 'combine',
  input: 'input',
  bias: 'bias',
  bn: 'norm',
  ln: 'norm',
  pos_enc: 'embedding',
  glob_avg: 'pool',
  rmsnorm: 'norm',
  rot_emb: 'attention',
  gate: 'combine',
};

const show = (shape: ReadonlyArray<number | string>): string => shape.join('×');
const list = (shape: ReadonlyArray<number | string>): string => `[${shape.join(', ')}]`;

/** A network with all its operators, its inputs and outputs. */
export function drawGraph(graph: Graph): Drawing {
  const shapeOf = new Map(graph.parameters.map(({ name, shape }) => [name, shape]));
  const nodes: DrawnNode[] = graph.inputs.map((name) => ({
    kind: 'input',
    title: name,
    details: [show(graph.values[name].shape)],
    hint: `input ${name}: ${list(graph.values[name].shape)}`,
    facts: [
      { what: 'input', is: name },
      { what: 'type', is: typeText(graph.values[name]) },
    ],
    signature: `input ${name}`,
  }));
  const producers = new Map(graph.inputs.map((name, i) => [name, i]));
  const edges: Array<readonly [from: number, to: number]> = [];
  for (const operator of graph.operators) {
    const to = nodes.length;
    const parameters = Object.entries(operator.parameters).map(([role, name]) => ({ role, name }));
    const details = parameters.map(({ role, name }) => `${role} ${show(shapeOf.get(name) ?? [])}`);
    const given = graph.values[operator.outputs[0]].shape;
    nodes.push({
      kind: OPERATOR_KINDS[operator.type],
      title: titleOf(operator),
      details: details.length > 0 ? details : OPERATOR_KINDS[operator.type] === 'shape' ? [show(given)] : [],
      hint: [
        `${operator.name}: ${titleOf(operator)}, gives ${list(given)}`,
        ...parameters.map(({ role, name }) => `${role} ${name} ${list(shapeOf.get(name) ?? [])}`),
      ].join('; '),
      facts: factsOf(operator, graph),
      parameters: parameters.map(({ role, name }) => ({ role, name, shape: shapeOf.get(name) ?? [] })),
      signature: JSON.stringify([operator.type, operator.attributes, details, given]),
    });
    for (const input of operator.inputs) edges.push([producers.get(input) ?? 0, to]);
    for (const output of operator.outputs) producers.set(output, to);
  }
  for (const name of graph.outputs) {
    edges.push([producers.get(name) ?? 0, nodes.length]);
    nodes.push({
      kind: 'output',
      title: 'output',
      details: [show(graph.values[name].shape)],
      hint: `output ${name}: ${list(graph.values[name].shape)}`,
      facts: [
        { what: 'output', is: name },
        { what: 'type', is: typeText(graph.values[name]) },
      ],
      signature: `output ${name}`,
    });
  }
  return { title: graph.name, nodes, edges: markShortcuts(nodes, edges) };
}

const typeText = ({ dtype, element, shape }: TensorType): string => `${element ?? dtype} ${list(shape)}`;

/** Constants in attributes may be long. */
const LONGEST_FACT = 300;

function factsOf(operator: Operator, { values }: Graph): Fact[] {
  const short = (text: string): string => (text.length > LONGEST_FACT ? `${text.slice(0, LONGEST_FACT)}…` : text);
  return [
    { what: 'operator', is: operator.name },
    { what: 'does', is: titleOf(operator) },
    ...attributeEntries(operator).map(([what, value]) => ({
      what,
      is: short(typeof value === 'string' ? value : JSON.stringify(value)),
    })),
    ...operator.inputs.map((name) => ({ what: 'reads', is: `${name}: ${typeText(values[name])}` })),
    ...operator.outputs.map((name) => ({ what: 'gives', is: `${name}: ${typeText(values[name])}` })),
  ];
}

/** What an operator does, in a word or two. */
export function titleOf(operator: Operator): string {
  switch (operator.type) {
    case 'activation':
      return operator.attributes.function;
    case 'onnx':
      return operator.attributes.operator;
    default:
      return operator.type.replaceAll('_', ' ');
  }
}

/** A computational graph: what a graph hypernetwork reads. */
export function drawComputationalGraph({ nodes, edges }: ComputationalGraph, title: string): Drawing {
  const drawn = nodes.map(({ op, parameter, shape }, i): DrawnNode => {
    const details = shape === null ? [] : [show(shape)];
    const hint = `node ${i}: ${op}${parameter === null || shape === null ? '' : `, ${parameter} ${list(shape)}`}`;
    return { kind: NODE_KINDS[op], title: op, details, hint, signature: JSON.stringify([op, shape]) };
  });
  const pairs = Array.from({ length: edges.length / 2 }, (_, i) => [edges[2 * i], edges[2 * i + 1]] as const);
  return { title, nodes: drawn, edges: markShortcuts(drawn, pairs) };
}

/** Of the operands of a sum, product or concatenation, all but the latest come by a shortcut, unless that comes from nowhere, as a positional encoding does. */
function markShortcuts(
  nodes: readonly DrawnNode[],
  edges: ReadonlyArray<readonly [from: number, to: number]>,
): DrawnEdge[] {
  const latest = new Map<number, number>();
  for (const [from, to] of edges) latest.set(to, Math.max(from, latest.get(to) ?? 0));
  const isPassing = (from: number, to: number): boolean => {
    const other = latest.get(to) ?? from;
    return nodes[to].kind === 'combine' && from !== other && latest.has(other);
  };
  return edges.map(([from, to]) => ({ from, to, isShortcut: isPassing(from, to) }));
}
