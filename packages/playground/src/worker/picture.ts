// The network drawn: with its operators, as a hypernetwork reads it, or the distances between its nodes.
import { type Graph, toComputationalGraph } from '@logah/graph-ir';
import { drawComputationalGraph, drawGraph, type Fold, fold, heatMap, toSvg } from '@logah/graph-ir/draw';
import type { Blocks, Calls, Picture } from './protocol.js';

/** Laying out more nodes takes longer than anyone waits. */
const MOST_NODES = 1500;
/** A larger matrix of distances shows no more. */
const MOST_WIDTH = 640;

/** The picture of a view; `open` are the folds whose blocks are drawn one by one, `width` is what there is for distances. Throws Error for a picture too large to lay out. */
export function pictureOf(graph: Graph, { view, open, width }: Calls['picture']['request']): Picture {
  if (view === 'distances') {
    const svg = heatMap(toComputationalGraph(graph), graph.name, { width: Math.min(MOST_WIDTH, width) });
    return { svg: withoutStyle(svg), nodes: [], blocks: [] };
  }
  const drawing =
    view === 'network' ? drawGraph(graph) : drawComputationalGraph(toComputationalGraph(graph), graph.name);
  const { folds } = fold(drawing);
  const isOpen = ({ origin }: Fold): boolean => open === 'all' || open.includes(origin);
  const folded = fold(drawing, new Set(folds.filter(isOpen).map(({ origin }) => origin)));
  if (folded.nodes.length > MOST_NODES) {
    throw new Error(`a picture of ${folded.nodes.length} nodes is too large to lay out here; at most ${MOST_NODES}`);
  }
  return {
    svg: withoutStyle(toSvg(folded)),
    nodes: folded.nodes.map(({ hint }) => hint),
    blocks: blocksOf(folds, isOpen),
  };
}

/** Where blocks are among the nodes of a picture in which those that are not open are drawn once. */
function blocksOf(folds: readonly Fold[], isOpen: (fold: Fold) => boolean): Blocks[] {
  let hidden = 0;
  return folds.map((fold) => {
    const { origin, length, count } = fold;
    const start = origin - hidden;
    if (isOpen(fold)) return { origin, start, length: length * count, count, isOpen: true };
    hidden += length * (count - 1);
    return { origin, start, length, count, isOpen: false };
  });
}

/** The page has its own colours, and its content security policy allows no styles in a picture. */
const withoutStyle = (svg: string): string => svg.replace(/<style>.*?<\/style>/s, '');
