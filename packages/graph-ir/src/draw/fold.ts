// Folds blocks that follow each other and are alike into one, "×12".
import type { Drawing, DrawnEdge } from './drawing.js';

/** A block that stands for several in a row. */
export interface Fold {
  /** Its nodes: from `start`, `length` of them. */
  readonly start: number;
  readonly length: number;
  /** How many such blocks there are. */
  readonly count: number;
  /** Where it starts in the drawing before it was folded: what {@link fold} takes to leave it open. */
  readonly origin: number;
}

export interface FoldedDrawing extends Drawing {
  /** In the order of the nodes; they do not overlap. */
  readonly folds: readonly Fold[];
}

/** A block of fewer nodes is not worth a frame. */
const LEAST_LENGTH = 3;

/**
 * The drawing with every run of equal blocks drawn once. Blocks are equal when their nodes are, and are joined in the same way, to each other and to what is
 * before them; where several ways to fold start at a node, the one that hides most is taken. Runs whose `origin` is in `open` are drawn whole.
 */
export function fold(drawing: Drawing, open: ReadonlySet<number> = new Set()): FoldedDrawing {
  const { nodes } = drawing;
  const signatures = joinedSignatures(drawing);
  const found: Fold[] = [];
  for (let start = 0; start < nodes.length; ) {
    const best = bestFold(signatures, start);
    if (best && !open.has(start)) found.push(best);
    start += best ? best.length * best.count : 1;
  }
  return redraw(drawing, found);
}

/** Each node's signature with the distances to its operands, as a number: in large drawings they are compared millions of times. */
function joinedSignatures({ nodes, edges }: Drawing): number[] {
  const operands: number[][] = nodes.map(() => []);
  for (const { from, to } of edges) operands[to].push(to - from);
  const numbers = new Map<string, number>();
  return nodes.map(({ signature }, i) => {
    const joined = `${signature} ${operands[i].join()}`;
    const known = numbers.get(joined) ?? numbers.size;
    numbers.set(joined, known);
    return known;
  });
}

function bestFold(signatures: readonly number[], start: number): Fold | undefined {
  let best: Fold | undefined;
  let hidden = 0;
  for (let length = LEAST_LENGTH; start + 2 * length <= signatures.length; length++) {
    let equal = 0;
    while (
      start + length + equal < signatures.length &&
      signatures[start + equal] === signatures[start + length + equal]
    )
      equal++;
    const repeats = Math.floor(equal / length);
    if (repeats * length > hidden) {
      hidden = repeats * length;
      best = { start, length, count: repeats + 1, origin: start };
    }
  }
  return best;
}

/** Leaves out the nodes of all but the first block of each fold; edges of hidden nodes move to those that stand for them. */
function redraw({ title, nodes, edges }: Drawing, folds: readonly Fold[]): FoldedDrawing {
  const standIn = nodes.map((_, i) => i);
  for (const { start, length, count } of folds)
    for (let i = length; i < length * count; i++) standIn[start + i] = start + (i % length);
  const kept = nodes.flatMap((_, i) => (standIn[i] === i ? [i] : []));
  const place = new Map(kept.map((node, i) => [node, i]));
  const at = (node: number): number => place.get(standIn[node]) ?? 0;
  const seen = new Set<string>();
  const moved = edges.flatMap(({ from, to, isShortcut }): DrawnEdge[] => {
    const edge = { from: at(from), to: at(to), isShortcut };
    // From one block to the next of its fold an edge would point backwards: "×12" says it.
    if (edge.from >= edge.to || seen.has(`${edge.from} ${edge.to}`)) return [];
    seen.add(`${edge.from} ${edge.to}`);
    return [edge];
  });
  return {
    title,
    nodes: kept.map((node) => nodes[node]),
    edges: moved,
    folds: folds.map((found) => ({ ...found, start: place.get(found.start) ?? 0 })),
  };
}
