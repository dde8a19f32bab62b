// Where everything of a picture is. A drawing is laid out in pieces between nodes that all goes through, each by dagre, which draws best,
// while there is time; pieces that would take dagre long, and those that come when the time is over, in plain layers.
import { layOutWithDagre } from './dagre-layout.js';
import type { DrawnEdge } from './drawing.js';
import type { FoldedDrawing } from './fold.js';
import { layOutInLayers } from './layered-layout.js';
import { type Box, LAYER_GAP, type Piece, type PieceLayout, type Point } from './piece.js';

export interface Layout {
  readonly width: number;
  readonly height: number;
  /** Of each node. */
  readonly boxes: readonly Box[];
  /** Of each fold. */
  readonly frames: readonly Box[];
  /** For each edge the points it goes through; undefined for those that pass by everything on the right. */
  readonly routes: ReadonlyArray<readonly Point[] | undefined>;
}

/** Edges over more nodes than this are not part of the layout: they pass by on the right. */
const LONGEST = 16;
/** Drawings of up to so many nodes are one piece, and larger ones are cut in pieces of at least so many. */
const WHOLE = 120;
const LEAST_PIECE = 24;
/** Beyond so many nodes and edges one call of dagre takes longer than anyone waits. */
const MOST_FOR_DAGRE = 500;
const MARGIN = 16;
/** Room for the title above the drawing. */
const TITLE_HEIGHT = 18;

/**
 * Lays out a drawing of nodes of these sizes. Within `timeLimit` milliseconds pieces are laid out by dagre, after it in
 * plain layers, which takes time in proportion to the size.
 */
export function layOut(
  { edges, folds }: FoldedDrawing,
  sizes: Piece['sizes'],
  { timeLimit, now = () => performance.now() }: { readonly timeLimit: number; readonly now?: () => number },
): Layout {
  const deadline = now() + timeLimit;
  const isShort = ({ from, to }: DrawnEdge): boolean => to - from <= LONGEST;
  const boxes: Box[] = [];
  const frames: Box[] = [];
  const routes: Array<readonly Point[] | undefined> = edges.map(() => undefined);
  // In the order of their ends: each piece takes the next of them.
  const inOrder = edges.flatMap((edge, i) => (isShort(edge) ? [i] : [])).sort((a, b) => edges[a].to - edges[b].to);
  let nextEdge = 0;
  let nextFold = 0;
  let bottom = MARGIN + TITLE_HEIGHT - LAYER_GAP;
  for (const { start, end, waist } of pieces(sizes.length, edges.filter(isShort), folds)) {
    const first = waist ?? start;
    const own: number[] = [];
    while (nextEdge < inOrder.length && edges[inOrder[nextEdge]].to < end) own.push(inOrder[nextEdge++]);
    const ownFolds: Array<Piece['folds'][number]> = [];
    while (nextFold < folds.length && folds[nextFold].start < end) ownFolds.push(folds[nextFold++]);
    const piece: Piece = {
      sizes: sizes.slice(first, end),
      edges: own.map((i) => ({ ...edges[i], from: edges[i].from - first, to: edges[i].to - first })),
      folds: ownFolds.map((fold) => ({ ...fold, start: fold.start - first })),
    };
    const isQuick = piece.sizes.length + piece.edges.length <= MOST_FOR_DAGRE;
    const laidOut = isQuick && now() <= deadline ? layOutWithDagre(piece) : layOutInLayers(piece);
    bottom = place(
      laidOut,
      { boxes, frames, routes },
      { fromWaist: own.map((i) => waist !== undefined && edges[i].from === waist), own, start, first, bottom },
    );
  }
  return shifted({ boxes, frames, routes });
}

/** Runs of nodes, each after the first with the node before it, its waist, through which everything comes that the run reads. */
function* pieces(count: number, edges: readonly DrawnEdge[], folds: FoldedDrawing['folds']) {
  /** For each node, the last that reads it, and the last node of the fold that it is in. */
  const reach = Array.from({ length: count }, (_, i) => i);
  for (const { from, to } of edges) reach[from] = Math.max(reach[from], to);
  const isFolded = new Set<number>();
  for (const { start, length } of folds)
    for (let node = start; node < start + length; node++) {
      isFolded.add(node);
      reach[node] = Math.max(reach[node], start + length);
    }
  let start = 0;
  let waist: number | undefined;
  /** How far edges from nodes before this one reach. */
  let reached = 0;
  for (let node = 0; node < count; node++) {
    const isCut =
      count > WHOLE && reached <= node && !isFolded.has(node) && node + 1 - start >= LEAST_PIECE && node + 1 < count;
    reached = Math.max(reached, reach[node]);
    if (!isCut) continue;
    yield { start, end: node + 1, waist };
    [start, waist] = [node + 1, node];
  }
  yield { start, end: count, waist };
}

/** Puts a piece below what is there, its waist below where that is. Returns the bottom of it. */
function place(
  piece: PieceLayout,
  all: { boxes: Box[]; frames: Box[]; routes: Array<readonly Point[] | undefined> },
  {
    own,
    fromWaist,
    start,
    first,
    bottom,
  }: {
    readonly own: readonly number[];
    readonly fromWaist: readonly boolean[];
    readonly start: number;
    readonly first: number;
    readonly bottom: number;
  },
): number {
  const fresh = [...piece.boxes.slice(start - first), ...piece.frames];
  const top = fresh.reduce((least, { y, height }) => Math.min(least, y - height / 2), Number.POSITIVE_INFINITY);
  const waist = start > first ? all.boxes[first] : undefined;
  const [dx, dy] = [waist === undefined ? 0 : waist.x - piece.boxes[0].x, bottom + LAYER_GAP - top];
  const moved = <T extends Point>(point: T): T => ({ ...point, x: point.x + dx, y: point.y + dy });
  all.boxes.push(...piece.boxes.slice(start - first).map(moved));
  all.frames.push(...piece.frames.map(moved));
  own.forEach((edge, i) => {
    const [beginning, ...rest] = piece.routes[i].map(moved);
    // The waist itself stays where it is, so its edges begin there.
    all.routes[edge] =
      fromWaist[i] && waist !== undefined ? [{ x: beginning.x, y: bottomOf(waist) }, ...rest] : [beginning, ...rest];
  });
  return fresh.reduce((most, box) => Math.max(most, bottomOf(box) + dy), bottom);
}

const bottomOf = ({ y, height }: Box): number => y + height / 2;

/** All of it to the right of the margin. */
function shifted({ boxes, frames, routes }: Pick<Layout, 'boxes' | 'frames' | 'routes'>): Layout {
  const rectangles = [...boxes, ...frames];
  const points = routes.flatMap((route) => route ?? []);
  const range = (values: readonly number[], pick: (a: number, b: number) => number): number =>
    values.reduce((a, b) => pick(a, b), pick === Math.min ? Number.POSITIVE_INFINITY : 0);
  const left = range([...rectangles.map(({ x, width }) => x - width / 2), ...points.map(({ x }) => x)], Math.min);
  const dx = boxes.length === 0 ? 0 : MARGIN - left;
  const moved = <T extends Point>(point: T): T => ({ ...point, x: point.x + dx });
  return {
    width:
      range([...rectangles.map(({ x, width }) => x + width / 2), ...points.map(({ x }) => x)], Math.max) + dx + MARGIN,
    height: range([...rectangles.map(bottomOf), ...points.map(({ y }) => y)], Math.max) + MARGIN,
    boxes: boxes.map(moved),
    frames: frames.map(moved),
    routes: routes.map((route) => route?.map(moved)),
  };
}
