// Two networks in one picture: what both have once, what only one has marked.
import { type Drawing, type DrawnEdge, type DrawnNode, drawGraph, type NodeMark } from '../draw/drawing.js';
import type { Graph } from '../graph.js';
import type { AttributeChange, GraphDifference } from './diff-graphs.js';

/**
 * The picture of B with what only A has between it. `valuesDiffer` tells of parameters, by B's names, whose values are
 * others. Nodes are A's and B's inputs, operators and outputs; those that are in both are B's.
 */
export function drawDifference(
  a: Graph,
  b: Graph,
  difference: GraphDifference,
  valuesDiffer: (parameter: string) => boolean = () => false,
): Drawing {
  const [drawnA, drawnB] = [drawGraph(a), drawGraph(b)];
  const [placesA, placesB] = [a, b].map(
    ({ inputs, operators }) => new Map(operators.map(({ name }, i) => [name, inputs.length + i])),
  );
  const placeOf = (places: ReadonlyMap<string, number>, name: string): number => places.get(name) ?? 0;
  /** For nodes of A the nodes of B that they are. */
  const inB = new Map<number, number>();
  for (const pair of [...difference.operators.same, ...difference.operators.changed])
    inB.set(placeOf(placesA, pair.a), placeOf(placesB, pair.b));
  a.inputs.slice(0, b.inputs.length).forEach((_, i) => inB.set(i, i));
  const outputsOf = (graph: Graph): number => graph.inputs.length + graph.operators.length;
  a.outputs.slice(0, b.outputs.length).forEach((_, i) => inB.set(outputsOf(a) + i, outputsOf(b) + i));

  const marks = new Map<number, NodeMark>();
  b.operators.forEach(({ parameters }, i) => {
    if (Object.values(parameters).some(valuesDiffer)) marks.set(b.inputs.length + i, 'values');
  });
  const changes = new Map(difference.operators.changed.map((change) => [placeOf(placesB, change.b), change]));
  for (const place of changes.keys()) marks.set(place, 'changed');
  for (const name of difference.operators.added) marks.set(placeOf(placesB, name), 'added');
  for (const place of [...b.inputs.keys()].slice(a.inputs.length)) marks.set(place, 'added');
  for (const place of [...b.outputs.keys()].slice(a.outputs.length)) marks.set(outputsOf(b) + place, 'added');

  /** Nodes of A alone, by the node of B behind which they stand. */
  const behind = new Map<number, number[]>();
  let last = -1;
  drawnA.nodes.forEach((_, i) => {
    const counterpart = inB.get(i);
    if (counterpart === undefined) behind.set(last, [...(behind.get(last) ?? []), i]);
    else last = Math.max(last, counterpart);
  });
  const nodes: DrawnNode[] = [];
  const [ofA, ofB] = [new Map<number, number>(), new Map<number, number>()];
  const addBehind = (place: number): void => {
    for (const i of behind.get(place) ?? []) {
      ofA.set(i, nodes.length);
      nodes.push(marked(drawnA.nodes[i], 'removed'));
    }
  };
  addBehind(-1);
  drawnB.nodes.forEach((node, place) => {
    ofB.set(place, nodes.length);
    const change = changes.get(place);
    const mark = marks.get(place);
    nodes.push(mark === undefined ? node : marked(withChanges(node, change?.changes ?? []), mark));
    addBehind(place);
  });
  for (const [i, place] of inB) ofA.set(i, ofB.get(place) ?? 0);
  const edges: DrawnEdge[] = drawnB.edges.map((edge) => ({
    ...edge,
    from: ofB.get(edge.from) ?? 0,
    to: ofB.get(edge.to) ?? 0,
  }));
  // Edges of A alone; where A's order is not B's, one would point backwards and is left out.
  for (const { from, to } of drawnA.edges) {
    if (inB.has(from) && inB.has(to)) continue;
    const edge = { from: ofA.get(from) ?? 0, to: ofA.get(to) ?? 0, isShortcut: false };
    if (edge.from < edge.to) edges.push(edge);
  }
  return { title: `${a.name} → ${b.name}`, nodes, edges };
}

/** The node with what was and what is. */
const withChanges = (node: DrawnNode, changes: readonly AttributeChange[]): DrawnNode => ({
  ...node,
  hint: [node.hint, ...changes.map(({ what, a, b }) => `${what}: ${a} → ${b}`)].join('; '),
  facts: [...(node.facts ?? []), ...changes.map(({ what, a, b }) => ({ what: `${what}, changed`, is: `${a} → ${b}` }))],
});

const marked = (node: DrawnNode, mark: NodeMark): DrawnNode => ({
  ...node,
  mark,
  signature: `${mark} ${node.signature}`,
});
