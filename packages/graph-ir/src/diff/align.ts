// Which operator of one network is which of another.
import type { Graph, Operator } from '../graph.js';
import { attributesOf } from './attributes.js';
import { inOrderMatches } from './in-order.js';

/** For operators of a network, by their place in it, their counterparts in the other. */
export interface Alignment {
  readonly ofA: ReadonlyMap<number, number>;
  readonly ofB: ReadonlyMap<number, number>;
}

/** What an operator may have to be like to be taken for another, from all of it to its type alone. */
type Likeness = (operator: Operator, graph: Graph) => string;

const shapesOf = (names: readonly string[], { values }: Graph): string =>
  names.map((name) => values[name]?.shape.join() ?? '').join(';');

function parameterShapes({ parameters }: Operator, shapes: ReadonlyMap<string, readonly number[]>): string {
  return Object.entries(parameters)
    .map(([role, name]) => `${role}:${shapes.get(name)?.join() ?? ''}`)
    .sort()
    .join(';');
}

const kindOf = (operator: Operator): string =>
  operator.type === 'onnx' ? `onnx ${operator.attributes.operator}` : operator.type;

/** From strict to lax; each takes what the ones before it left. */
function likenesses(shapes: (graph: Graph) => ReadonlyMap<string, readonly number[]>): Likeness[] {
  return [
    (operator, graph) =>
      JSON.stringify([
        kindOf(operator),
        [...attributesOf(operator)],
        parameterShapes(operator, shapes(graph)),
        shapesOf(operator.inputs, graph),
        shapesOf(operator.outputs, graph),
      ]),
    (operator, graph) => JSON.stringify([kindOf(operator), parameterShapes(operator, shapes(graph))]),
    (operator) => kindOf(operator),
  ];
}

/**
 * Aligns two networks: operators that have a parameter of the same name in the same role first, then, between those, runs
 * of operators that are alike in their order, and last what stands at the same place between the same neighbours.
 */
export function alignGraphs(a: Graph, b: Graph): Alignment {
  const ofA = new Map<number, number>();
  const ofB = new Map<number, number>();
  const match = (i: number, j: number): void => {
    ofA.set(i, j);
    ofB.set(j, i);
  };
  matchByParameters(a, b, { ofA, ofB }, match);
  const shapes = new Map(
    [a, b].map((graph) => [graph, new Map(graph.parameters.map(({ name, shape }) => [name, shape]))]),
  );
  for (const likeness of likenesses((graph) => shapes.get(graph) ?? new Map())) {
    const [keysA, keysB] = [a, b].map((graph) => graph.operators.map((operator) => likeness(operator, graph)));
    for (const { fromA, toA, fromB, toB } of gaps({ ofA, ofB }, a.operators.length, b.operators.length)) {
      const freeA = range(fromA, toA).filter((i) => !ofA.has(i));
      const freeB = range(fromB, toB).filter((j) => !ofB.has(j));
      const pairs = inOrderMatches(
        freeA.map((i) => keysA[i]),
        freeB.map((j) => keysB[j]),
      );
      for (const [i, j] of pairs) match(freeA[i], freeB[j]);
    }
  }
  matchByNeighbours(a, b, { ofA, ofB }, match);
  return { ofA, ofB };
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

/** The same name in the same role: in operators of the same type, or, where there is none, of another. */
function matchByParameters(a: Graph, b: Graph, { ofA, ofB }: Alignment, match: (i: number, j: number) => void): void {
  for (const isSameKind of [true, false]) {
    const users = new Map<string, number[]>();
    b.operators.forEach((operator, j) => {
      for (const [role, name] of Object.entries(operator.parameters)) {
        const key = JSON.stringify([roleOf(operator, role), name]);
        users.set(key, [...(users.get(key) ?? []), j]);
      }
    });
    a.operators.forEach((operator, i) => {
      if (ofA.has(i)) return;
      const found = Object.entries(operator.parameters)
        .flatMap(([role, name]) => users.get(JSON.stringify([roleOf(operator, role), name])) ?? [])
        .find((j) => !ofB.has(j) && (!isSameKind || kindOf(b.operators[j]) === kindOf(operator)));
      if (found !== undefined) match(i, found);
    });
  }
}

/** Operators of ONNX call the roles of parameters by their places. */
const roleOf = ({ type }: Operator, role: string): string =>
  type === 'onnx' ? (({ 1: 'weight', 2: 'bias' } as Readonly<Record<string, string>>)[role] ?? role) : role;

/** Stretches between matched operators whose order is the same in both: from and to are places, the ends left out. */
function gaps({ ofA }: Alignment, countA: number, countB: number) {
  const kept = longestIncreasing([...ofA].sort(([i], [j]) => i - j));
  const ends = [...kept, [countA, countB] as const];
  let [fromA, fromB] = [0, 0];
  return ends.map(([toA, toB]) => {
    const gap = { fromA, toA, fromB, toB };
    [fromA, fromB] = [toA + 1, toB + 1];
    return gap;
  });
}

/** The most pairs, whose first numbers increase, whose second numbers increase too. */
function longestIncreasing(pairs: ReadonlyArray<readonly [number, number]>): ReadonlyArray<readonly [number, number]> {
  /** For each length the pair with the least second number that ends such a run, and for each pair the one before it. */
  const ends: number[] = [];
  const before = new Array<number>(pairs.length).fill(-1);
  pairs.forEach(([, second], i) => {
    let [low, high] = [0, ends.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (pairs[ends[middle]][1] < second) low = middle + 1;
      else high = middle;
    }
    if (low > 0) before[i] = ends[low - 1];
    ends[low] = i;
  });
  const run: Array<readonly [number, number]> = [];
  for (let i = ends.at(-1) ?? -1; i >= 0; i = before[i]) run.push(pairs[i]);
  return run.reverse();
}

/** What is left: one that reads from the counterparts of what the other reads, and is read by those of its readers, took its place. */
function matchByNeighbours(a: Graph, b: Graph, { ofA, ofB }: Alignment, match: (i: number, j: number) => void): void {
  const [aroundA, aroundB] = [a, b].map(neighbours);
  const candidates = new Map<string, number[]>();
  b.operators.forEach((_, j) => {
    if (ofB.has(j)) return;
    const key = JSON.stringify([aroundB.before[j], aroundB.after[j]]);
    candidates.set(key, [...(candidates.get(key) ?? []), j]);
  });
  const inB = (place: number): number | undefined => (place < 0 ? place : ofA.get(place));
  a.operators.forEach((_, i) => {
    if (ofA.has(i)) return;
    const [before, after] = [aroundA.before[i].map(inB), aroundA.after[i].map(inB)];
    if (before.includes(undefined) || after.includes(undefined)) return;
    const found = candidates.get(JSON.stringify([before, after]))?.find((j) => !ofB.has(j));
    if (found !== undefined) match(i, found);
  });
}

/** For each operator the places of those it reads, inputs of the graph counted down from −1, and of those that read it. */
export function neighbours({ inputs, operators }: Graph): {
  readonly before: readonly number[][];
  readonly after: readonly number[][];
} {
  const producers = new Map(inputs.map((input, i) => [input, -1 - i]));
  const after: number[][] = operators.map(() => []);
  const before = operators.map(({ inputs: read, outputs }, i) => {
    for (const output of outputs) producers.set(output, i);
    return read.map((value) => producers.get(value) ?? Number.NEGATIVE_INFINITY);
  });
  before.forEach((places, i) => {
    for (const place of new Set(places)) if (place >= 0) after[place].push(i);
  });
  return { before, after };
}
