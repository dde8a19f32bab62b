// A piece of a drawing laid out by dagre: few crossings, short edges. For hundreds of nodes it takes seconds.
import { Graph as LayoutGraph, layout } from '@dagrejs/dagre';
import { type Box, LAYER_GAP, NODE_GAP, type Piece, type PieceLayout, type Point } from './piece.js';

/** The piece as dagre places it. */
export function layOutWithDagre({ sizes, edges, folds }: Piece): PieceLayout {
  const graph = new LayoutGraph({ compound: true });
  graph.setGraph({ rankdir: 'TB', nodesep: NODE_GAP, ranksep: LAYER_GAP });
  graph.setDefaultEdgeLabel(() => ({}));
  sizes.forEach((size, i) => {
    graph.setNode(`n${i}`, { ...size });
  });
  folds.forEach(({ start, length }, i) => {
    graph.setNode(`f${i}`, {});
    for (let node = start; node < start + length; node++) graph.setParent(`n${node}`, `f${i}`);
  });
  for (const { from, to, isShortcut } of edges) graph.setEdge(`n${from}`, `n${to}`, { weight: isShortcut ? 1 : 4 });
  layout(graph);
  return {
    boxes: sizes.map((_, i) => graph.node(`n${i}`) as Box),
    frames: folds.map((_, i) => graph.node(`f${i}`) as Box),
    routes: edges.map(({ from, to }) => {
      const { points = [] } = graph.edge(`n${from}`, `n${to}`) as { points?: Point[] };
      return points;
    }),
  };
}
