// Where things are in pictures: apart from each other, and found in time.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Drawing } from '../src/draw/drawing.js';
import { type FoldedDrawing, fold } from '../src/draw/fold.js';
import { layOut } from '../src/draw/layout.js';
import type { Box } from '../src/draw/piece.js';
import { drawGraph, toSvg } from '../src/draw.js';
import { buildArchitecture, GraphBuilder, parseArchitecture } from '../src/index.js';
import { anyGraph } from './random-graph.js';

const SIZE = { width: 60, height: 23 };

const sizesOf = ({ nodes }: Drawing) => nodes.map(() => SIZE);

/** Pairs of boxes that cover a common place. */
function overlaps(boxes: readonly Box[]): number {
  const sorted = boxes.toSorted((a, b) => a.y - a.height / 2 - (b.y - b.height / 2));
  let count = 0;
  for (const [i, box] of sorted.entries())
    for (const other of sorted.slice(i + 1)) {
      if (other.y - other.height / 2 >= box.y + box.height / 2 - 1e-6) break;
      if (Math.abs(box.x - other.x) < (box.width + other.width) / 2 - 1e-6) count++;
    }
  return count;
}

/** Everything is somewhere, apart, and inside the picture; edges go from node to node. */
function expectSound(
  drawing: FoldedDrawing,
  { boxes, frames, routes, width, height }: ReturnType<typeof layOut>,
): void {
  expect(boxes).toHaveLength(drawing.nodes.length);
  expect(overlaps(boxes)).toBe(0);
  for (const { x, y, width: w, height: h } of [...boxes, ...frames]) {
    expect(x - w / 2).toBeGreaterThanOrEqual(0);
    expect(y - h / 2).toBeGreaterThanOrEqual(0);
    expect(x + w / 2).toBeLessThanOrEqual(width);
    expect(y + h / 2).toBeLessThanOrEqual(height);
  }
  drawing.folds.forEach(({ start, length }, i) => {
    const frame = frames[i];
    for (const box of boxes.slice(start, start + length)) {
      expect(Math.abs(box.x - frame.x)).toBeLessThan((frame.width - box.width) / 2 + 1e-6);
      expect(Math.abs(box.y - frame.y)).toBeLessThan((frame.height - box.height) / 2 + 1e-6);
    }
  });
  drawing.edges.forEach(({ from, to }, i) => {
    const route = routes[i];
    if (route === undefined) return expect(to - from).toBeGreaterThan(16);
    const isAt = (box: Box, point: { x: number; y: number }): boolean =>
      Math.abs(point.x - box.x) <= box.width / 2 + 1 && Math.abs(point.y - box.y) <= box.height / 2 + 1;
    expect(isAt(boxes[from], route[0])).toBe(true);
    expect(isAt(boxes[to], route[route.length - 1])).toBe(true);
  });
}

/** A network of many operators of any wiring: nothing repeats, and everything reads what is near. */
function made(operators: number) {
  const g = new GraphBuilder('made');
  const values = [g.input('x', ['batch', 8])];
  // The generator of Numerical Recipes, its upper bits.
  let state = 1;
  const draw = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  while (values.length <= operators) {
    const pick = () => values[Math.max(0, values.length - 1 - draw(8))];
    const kind = draw(3);
    if (kind === 0) values.push(g.linear(pick(), `fc${values.length}`, { out: 8 }));
    else if (kind === 1) values.push(g.activation(pick(), 'relu'));
    else values.push(g.add(pick(), pick()));
  }
  return g.build(values.slice(-1));
}

describe('a layout', () => {
  it('is sound for any graph, with time and without', () => {
    fc.assert(
      fc.property(anyGraph, fc.constantFrom(0, 10_000), (graph, milliseconds) => {
        const drawing = fold(drawGraph(graph));
        // A clock that has passed the limit when it is looked at again.
        let reads = 0;
        const now = () => (milliseconds === 0 ? reads++ : 0);
        expectSound(drawing, layOut(drawing, sizesOf(drawing), { timeLimit: milliseconds, now }));
      }),
      { numRuns: 40 },
    );
  });

  it.each(['resnet50', 'gpt2', 'densenet121', 'efficientnet_b0'])('of %s is sound, open and folded', (name) => {
    const drawing = drawGraph(buildArchitecture(parseArchitecture(name)));
    const all = new Set(drawing.nodes.keys());
    for (const folded of [fold(drawing), fold(drawing, all)])
      for (const timeLimit of [60_000, -1]) expectSound(folded, layOut(folded, sizesOf(folded), { timeLimit }));
  });

  it('takes what is left plainly when the time is over', () => {
    const drawing = fold(drawGraph(buildArchitecture(parseArchitecture('densenet121'))));
    const sizes = sizesOf(drawing);
    let reads = 0;
    const early = layOut(drawing, sizes, { timeLimit: 3, now: () => reads++ });
    const full = layOut(drawing, sizes, { timeLimit: Number.POSITIVE_INFINITY });
    const plain = layOut(drawing, sizes, { timeLimit: -1 });
    expectSound(drawing, early);
    const isAs = (other: typeof full): boolean[] =>
      early.boxes.map(({ x, y }, i) => x === other.boxes[i].x && y === other.boxes[i].y);
    expect(early.boxes).not.toEqual(full.boxes);
    expect(early.boxes).not.toEqual(plain.boxes);
    expect(isAs(plain).every(Boolean)).toBe(false);
  });

  it('of 10,000 operators is there in seconds', () => {
    const graph = made(10_000);
    const started = performance.now();
    const drawing = fold(drawGraph(graph));
    expect(drawing.nodes.length).toBeGreaterThan(9_900);
    const svg = toSvg(drawing);
    expect(performance.now() - started).toBeLessThan(20_000);
    expect(svg.match(/<g data-node=/g)).toHaveLength(drawing.nodes.length);
    expectSound(drawing, layOut(drawing, sizesOf(drawing), { timeLimit: 0 }));
  });
});
