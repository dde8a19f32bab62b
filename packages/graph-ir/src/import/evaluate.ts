// Computes nodes whose operands are known while a model is read: sizes, indices, masks, and pieces of networks that are recognised by what they do.

import { addSizes, divideSizes, multiplySizes } from '../dimensions.js';
import { elementCount } from '../graph.js';
import { integer, integers, real, text } from '../onnx-attributes.js';
import { type ForeignNode, isConstant, type Known } from './foreign.js';
import { erf, gelu, geluTanh, sigmoid } from './functions.js';
import { forEachPermuted, saturated, stridesOf } from './stored.js';

type Element = number | string;
type Operands = ReadonlyArray<Known | undefined>;

/** More elements are not computed here. */
export const MOST_KNOWN = 2 ** 22;

/**
 * The results of a node, or undefined where they cannot be known: an operator that is not here, sizes that are names where numbers are wanted, too many
 * elements.
 */
export function evaluate(node: ForeignNode, operands: Operands): readonly Known[] | undefined {
  const compute = Object.hasOwn(EVALUATORS, node.op) ? EVALUATORS[node.op] : undefined;
  try {
    const results = compute?.(node, operands);
    if (results === undefined) return undefined;
    const list = Array.isArray(results) ? results : [results];
    return list.every(({ shape, values }) => values.length === elementCount(shape)) ? list : undefined;
  } catch (error) {
    // An operand that does not fit: what is wrong with it is said where the type of the result is inferred.
    if (error instanceof Unknown || error instanceof RangeError) return undefined;
    throw error;
  }
}

class Unknown extends Error {}

const fail = (): never => {
  throw new Unknown();
};

type Evaluator = (node: ForeignNode, operands: Operands) => Known | Known[];

const need = (operand: Known | undefined): Known => operand ?? fail();

function numbersOf(operand: Known | undefined): readonly number[] {
  const known = need(operand);
  return isConstant(known) ? known.values : fail();
}

const like = (known: Known, shape: readonly number[], values: readonly Element[]): Known => {
  if (values.length > MOST_KNOWN) fail();
  return { dtype: known.dtype, shape, values };
};

const sizeWithin = (shape: readonly number[]): number => {
  const count = elementCount(shape);
  return count <= MOST_KNOWN && shape.every((size) => Number.isInteger(size) && size >= 0) ? count : fail();
};

export const axisOf = (axis: number, rank: number): number => {
  const place = axis < 0 ? axis + rank : axis;
  return place >= 0 && place < Math.max(rank, 1) ? place : fail();
};

/** Element by element, with shapes that broadcast. */
function zip(operands: readonly Known[], compute: (...elements: Element[]) => Element, dtype?: Known['dtype']): Known {
  const rank = Math.max(...operands.map(({ shape }) => shape.length));
  const shape = Array.from({ length: rank }, (_, axis) => {
    const sizes = operands.map((operand) => operand.shape[axis - rank + operand.shape.length] ?? 1);
    const size = sizes.find((candidate) => candidate !== 1) ?? 1;
    return sizes.every((candidate) => candidate === 1 || candidate === size) ? size : fail();
  });
  sizeWithin(shape);
  const spread = operands.map((operand) => expand(operand, shape).values);
  const values = Array.from({ length: elementCount(shape) }, (_, i) => compute(...spread.map((list) => list[i])));
  return { dtype: dtype ?? operands[0].dtype, shape, values };
}

function expand(known: Known, shape: readonly number[]): Known {
  if (known.shape.length === shape.length && known.shape.every((size, i) => size === shape[i])) return known;
  const count = sizeWithin(shape);
  if (known.values.length === 1) return like(known, shape, new Array<Element>(count).fill(known.values[0]));
  const padded = [...shape.slice(known.shape.length).map(() => 1), ...known.shape];
  const strides = stridesOf(padded).map((stride, axis) => (padded[axis] === 1 ? 0 : stride));
  const steps = stridesOf(shape);
  return like(
    known,
    shape,
    Array.from({ length: count }, (_, i) => {
      let from = 0;
      for (let axis = 0; axis < shape.length; axis++)
        from += (Math.floor(i / steps[axis]) % shape[axis]) * strides[axis];
      return known.values[from];
    }),
  );
}

/** The shape of ONNX's Reshape: 0 copies, -1 takes the rest. */
function reshapedTo(from: readonly number[], to: readonly number[], allowZero: boolean): number[] {
  const copied = to.map((size, i) => (size === 0 && !allowZero ? (from[i] ?? fail()) : size));
  const rest = elementCount(copied.filter((size) => size !== -1));
  return copied.map((size) => (size === -1 ? elementCount(from) / rest : size));
}

const truncated = (known: Known, value: number): number =>
  known.dtype === 'float32' ? Math.fround(value) : saturated(Math.trunc(value));

function arithmetic(
  numeric: (a: number, b: number) => number,
  symbolic: (a: Element, b: Element) => Element,
): Evaluator {
  return (_, [a, b]) => {
    const [x, y] = [need(a), need(b)];
    return zip([x, y], (p, q) =>
      typeof p === 'number' && typeof q === 'number' ? truncated(x, numeric(p, q)) : symbolic(p, q),
    );
  };
}

function comparison(numeric: (a: number, b: number) => boolean): Evaluator {
  return (_, [a, b]) =>
    zip(
      [need(a), need(b)],
      (p, q) => {
        // A size is 1 at least, whatever its name: enough to compare it with 0 and less.
        const [a, b] = [p, q].map((value) => (typeof value === 'number' ? value : 1));
        const isSure = typeof p === typeof q ? typeof p === 'number' : Math.min(a, b) <= 0;
        return isSure ? Number(numeric(a, b)) : fail();
      },
      'bool',
    );
}

const unary =
  (compute: (x: number) => number): Evaluator =>
  (_, [x]) => {
    const known = need(x);
    return like(
      known,
      known.shape,
      numbersOf(known).map((value) => truncated(known, compute(value))),
    );
  };

const logical =
  (compute: (a: number, b: number) => boolean): Evaluator =>
  (_, [a, b]) =>
    zip([need(a), need(b)], (p, q) => (compute(Number(p), Number(q)) ? 1 : 0), 'bool');

const subtractSizes = (a: Element, b: Element): Element =>
  a === b ? 0 : typeof b === 'number' ? addSizes(a, -b) : fail();

/** Rows of an axis, by number. */
function takeAlong(x: Known, axis: number, rows: readonly number[], keep: readonly number[]): Known {
  const size = x.shape[axis] ?? fail();
  const inner = elementCount(x.shape.slice(axis + 1));
  const outer = elementCount(x.shape.slice(0, axis));
  sizeWithin([outer, rows.length, inner]);
  const values: Element[] = [];
  for (let o = 0; o < outer; o++)
    for (const row of rows) {
      const place = row < 0 ? row + size : row;
      if (place < 0 || place >= size) fail();
      const from = (o * size + place) * inner;
      for (let i = 0; i < inner; i++) values.push(x.values[from + i]);
    }
  return like(x, [...x.shape.slice(0, axis), ...keep, ...x.shape.slice(axis + 1)], values);
}

/** The rows that a slice takes of an axis. */
export function sliceRows(start: number, end: number, step: number, size: number): number[] {
  if (step === 0) fail();
  const clamp = (value: number, least: number, most: number): number =>
    Math.min(Math.max(value < 0 ? value + size : value, least), most);
  const first = step > 0 ? clamp(start, 0, size) : clamp(start, 0, size - 1);
  const last = step > 0 ? clamp(end, 0, size) : clamp(end, -1, size - 1);
  const count = Math.max(0, Math.ceil((last - first) / step));
  return Array.from({ length: count }, (_, i) => first + i * step);
}

function transposed(x: Known, permutation: readonly number[]): Known {
  const values = new Array<Element>(x.values.length);
  forEachPermuted(x.shape, permutation, (from, to) => {
    values[to] = x.values[from];
  });
  return like(
    x,
    permutation.map((axis) => x.shape[axis] ?? fail()),
    values,
  );
}

function concatenated(operands: readonly Known[], axis: number): Known {
  const [first] = operands;
  const outer = elementCount(first.shape.slice(0, axis));
  const values: Element[] = [];
  for (let o = 0; o < outer; o++)
    for (const { shape, values: from } of operands) {
      const run = elementCount(shape.slice(axis));
      for (let i = 0; i < run; i++) values.push(from[o * run + i]);
    }
  const total = operands.reduce((sum, { shape }) => sum + (shape[axis] ?? fail()), 0);
  return like(
    first,
    first.shape.map((size, i) => (i === axis ? total : size)),
    values,
  );
}

/** Sizes of the pieces of a split. */
export function splitSizes(size: number, sizes: readonly number[] | undefined, count: number): readonly number[] {
  if (sizes !== undefined) return sizes;
  const each = Math.ceil(size / count);
  return Array.from({ length: count }, (_, i) => Math.min(each, size - each * i));
}

function matMul(a: Known, b: Known): Known {
  const [x, y] = [numbersOf(a), numbersOf(b)];
  const inner = a.shape.at(-1) ?? fail();
  if (a.shape.length < 2 || b.shape.length < 2 || b.shape.at(-2) !== inner) return fail();
  const [rows, columns] = [a.shape[a.shape.length - 2], b.shape[b.shape.length - 1]];
  const batch = zip(
    [
      {
        dtype: 'int32',
        shape: a.shape.slice(0, -2),
        values: Array.from({ length: elementCount(a.shape.slice(0, -2)) }, (_, i) => i),
      },
      {
        dtype: 'int32',
        shape: b.shape.slice(0, -2),
        values: Array.from({ length: elementCount(b.shape.slice(0, -2)) }, (_, i) => i),
      },
    ],
    (i, j) => `${i} ${j}`,
  );
  sizeWithin([...batch.shape, rows, columns, inner]);
  const values = batch.values.flatMap((pair) => {
    const [i, j] = String(pair).split(' ').map(Number);
    return Array.from({ length: rows * columns }, (_, place) => {
      const [row, column] = [Math.floor(place / columns), place % columns];
      let sum = 0;
      for (let k = 0; k < inner; k++) sum += x[(i * rows + row) * inner + k] * y[(j * inner + k) * columns + column];
      return Math.fround(sum);
    });
  });
  return like(a, [...batch.shape, rows, columns], values);
}

function reduced(node: ForeignNode, operands: Operands, combine: (values: readonly number[]) => number): Known {
  const x = need(operands[0]);
  const rank = x.shape.length;
  const axes = new Set(
    (operands[1] ? numbersOf(operands[1]) : x.shape.map((_, axis) => axis)).map((axis) => axisOf(axis, rank)),
  );
  const order = [...x.shape.keys()].filter((axis) => !axes.has(axis)).concat([...axes]);
  const run = elementCount([...axes].map((axis) => x.shape[axis]));
  const values = numbersOf(transposed(x, order));
  const results = Array.from({ length: values.length / run }, (_, i) =>
    truncated(x, combine(values.slice(i * run, (i + 1) * run))),
  );
  const keeps = integer(node, 'keepdims', 1) === 1;
  return like(
    x,
    x.shape.flatMap((size, axis) => (axes.has(axis) ? (keeps ? [1] : []) : [size])),
    results,
  );
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** ONNX's numbers of element types: what a cast leads to. */
export const castType = (to: number): Known['dtype'] =>
  to === 9 ? 'bool' : to === 1 || to === 10 || to === 11 || to === 16 ? 'float32' : 'int32';

const EVALUATORS: Readonly<Record<string, Evaluator>> = {
  Identity: (_, [x]) => need(x),
  Add: arithmetic((a, b) => a + b, addSizes),
  Sub: arithmetic((a, b) => a - b, subtractSizes),
  Mul: arithmetic((a, b) => a * b, multiplySizes),
  Div: arithmetic((a, b) => a / b, divideSizes),
  Mod: arithmetic((a, b) => a - Math.floor(a / b) * b, fail),
  Pow: arithmetic((a, b) => a ** b, fail),
  Min: arithmetic(Math.min, fail),
  Max: arithmetic(Math.max, fail),
  Equal: comparison((a, b) => a === b),
  Greater: comparison((a, b) => a > b),
  GreaterOrEqual: comparison((a, b) => a >= b),
  Less: comparison((a, b) => a < b),
  LessOrEqual: comparison((a, b) => a <= b),
  And: logical((a, b) => a !== 0 && b !== 0),
  Or: logical((a, b) => a !== 0 || b !== 0),
  Xor: logical((a, b) => (a !== 0) !== (b !== 0)),
  Not: (_, [x]) => ({ ...need(x), values: numbersOf(x).map((value) => (value === 0 ? 1 : 0)) }),
  Neg: unary((x) => -x),
  Abs: unary(Math.abs),
  Floor: unary(Math.floor),
  Ceil: unary(Math.ceil),
  Sqrt: unary(Math.sqrt),
  Exp: unary(Math.exp),
  Log: unary(Math.log),
  Cos: unary(Math.cos),
  Sin: unary(Math.sin),
  Tanh: unary(Math.tanh),
  Erf: unary(erf),
  Relu: unary((x) => Math.max(x, 0)),
  Reciprocal: unary((x) => 1 / x),
  Sigmoid: unary(sigmoid),
  HardSigmoid: (node, operands) => {
    const [alpha, beta] = [real(node, 'alpha', 0.2), real(node, 'beta', 0.5)];
    return unary((x) => Math.min(1, Math.max(0, alpha * x + beta)))(node, operands);
  },
  Clip: (_, [x, least, most]) => {
    const known = need(x);
    const low = least ? numbersOf(least)[0] : Number.NEGATIVE_INFINITY;
    const high = most ? numbersOf(most)[0] : Number.POSITIVE_INFINITY;
    return like(
      known,
      known.shape,
      numbersOf(known).map((value) => Math.min(Math.max(value, low), high)),
    );
  },
  Cast: (node, [x]) => {
    const known = need(x);
    const dtype = castType(integer(node, 'to', 1));
    // A size keeps its name: a float of it is only on the way to another size.
    const cast = (value: Element): Element =>
      typeof value === 'string'
        ? value
        : dtype === 'int32'
          ? saturated(Math.trunc(value))
          : dtype === 'bool'
            ? value === 0
              ? 0
              : 1
            : value;
    return { dtype, shape: known.shape, values: known.values.map(cast) };
  },
  Where: (_, [condition, a, b]) =>
    zip([need(condition), need(a), need(b)], (c, p, q) => (c === 0 ? q : p), need(a).dtype),
  Gather: (node, [x, indices]) => {
    const known = need(x);
    return takeAlong(
      known,
      axisOf(integer(node, 'axis', 0), known.shape.length),
      numbersOf(indices),
      need(indices).shape,
    );
  },
  Slice: (_, [x, starts, ends, axes, steps]) => {
    let known = need(x);
    const [from, to] = [numbersOf(starts), numbersOf(ends)];
    const along = axes ? numbersOf(axes) : from.map((_, i) => i);
    const by = steps ? numbersOf(steps) : from.map(() => 1);
    along.forEach((axis, i) => {
      const place = axisOf(axis, known.shape.length);
      const rows = sliceRows(from[i], to[i], by[i], known.shape[place] ?? fail());
      known = takeAlong(known, place, rows, [rows.length]);
    });
    return known;
  },
  Concat: (node, operands) => {
    const known = operands.map(need);
    return concatenated(known, axisOf(integer(node, 'axis', 0), known[0].shape.length));
  },
  Split: (node, [x, sizes]) => {
    const known = need(x);
    const axis = axisOf(integer(node, 'axis', 0), known.shape.length);
    let start = 0;
    return splitSizes(known.shape[axis], sizes && numbersOf(sizes), node.outputs.length).map((size) => {
      start += size;
      const rows = Array.from({ length: size }, (_, i) => start - size + i);
      return takeAlong(known, axis, rows, [size]);
    });
  },
  Reshape: (node, [x, shape]) => {
    const known = need(x);
    return like(known, reshapedTo(known.shape, numbersOf(shape), integer(node, 'allowzero', 0) === 1), known.values);
  },
  Flatten: (node, [x]) => {
    const known = need(x);
    const axis = integer(node, 'axis', 1);
    const place = axis < 0 ? axis + known.shape.length : axis;
    const outer = elementCount(known.shape.slice(0, place));
    return like(known, [outer, known.values.length / outer], known.values);
  },
  Squeeze: (_, [x, axes]) => {
    const known = need(x);
    const gone = axes
      ? numbersOf(axes).map((axis) => axisOf(axis, known.shape.length))
      : known.shape.flatMap((size, axis) => (size === 1 ? [axis] : []));
    return like(
      known,
      known.shape.filter((_, axis) => !gone.includes(axis)),
      known.values,
    );
  },
  Unsqueeze: (_, [x, axes]) => {
    const known = need(x);
    return like(known, unsqueezed(known.shape, numbersOf(axes), 1), known.values);
  },
  Transpose: (node, [x]) => {
    const known = need(x);
    return transposed(known, integers(node, 'perm') ?? known.shape.map((_, i) => known.shape.length - 1 - i));
  },
  Expand: (_, [x, shape]) => {
    const known = need(x);
    const to = numbersOf(shape);
    const rank = Math.max(to.length, known.shape.length);
    const sizes = Array.from({ length: rank }, (_, axis) => {
      const [own, wanted] = [known.shape[axis - rank + known.shape.length] ?? 1, to[axis - rank + to.length] ?? 1];
      return own === 1 ? wanted : wanted === 1 || wanted === own ? own : fail();
    });
    return expand(known, sizes);
  },
  Tile: (_, [x, repeats]) => {
    let known = need(x);
    numbersOf(repeats).forEach((count, axis) => {
      sizeWithin([known.values.length, count]);
      if (count !== 1)
        known = concatenated(
          Array.from({ length: count }, () => known),
          axis,
        );
    });
    return known;
  },
  Range: (_, [start, limit, delta]) => {
    const first = need(start);
    const [from, to, by] = [first, limit, delta].map((operand) => numbersOf(operand)[0]);
    const count = Math.max(0, Math.ceil((to - from) / by));
    return like(
      first,
      [sizeWithin([count])],
      Array.from({ length: count }, (_, i) => from + i * by),
    );
  },
  ConstantOfShape: (node, [shape]) => {
    const value = node.attributes.value;
    const filling = typeof value === 'object' && 'constant' in value ? value.constant : undefined;
    const sizes = numbersOf(shape);
    return {
      dtype: filling?.dtype ?? 'float32',
      shape: sizes,
      values: new Array<Element>(sizeWithin(sizes)).fill(filling?.values[0] ?? 0),
    };
  },
  Trilu: (node, [x, diagonal]) => {
    const known = need(x);
    const k = diagonal ? numbersOf(diagonal)[0] : 0;
    const isUpper = integer(node, 'upper', 1) === 1;
    const [rows, columns] = known.shape.slice(-2);
    const isKept = (i: number): boolean => {
      const ahead = (i % columns) - (Math.floor(i / columns) % rows);
      return isUpper ? ahead >= k : ahead <= k;
    };
    return like(
      known,
      known.shape,
      known.values.map((value, i) => (isKept(i) ? value : 0)),
    );
  },
  CumSum: (node, [x, axis]) => {
    const known = need(x);
    const values = numbersOf(known);
    const place = axisOf(numbersOf(axis)[0], known.shape.length);
    if (integer(node, 'exclusive', 0) !== 0 || integer(node, 'reverse', 0) !== 0) return fail();
    const stride = stridesOf(known.shape)[place];
    const results = [...values];
    for (let i = 0; i < results.length; i++)
      if (Math.floor(i / stride) % known.shape[place] > 0) results[i] += results[i - stride];
    return like(known, known.shape, results);
  },
  MatMul: (_, [a, b]) => matMul(need(a), need(b)),
  ReduceSum: (node, operands) => reduced(node, operands, sum),
  ReduceMean: (node, operands) => reduced(node, operands, (values) => sum(values) / values.length),
  ReduceProd: (node, operands) => reduced(node, operands, (values) => elementCount(values)),
  ReduceMax: (node, operands) =>
    reduced(node, operands, (values) => values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)),
  ReduceMin: (node, operands) =>
    reduced(node, operands, (values) => values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY)),
  Gelu: (node, operands) => unary(text(node, 'approximate', 'none') === 'tanh' ? geluTanh : gelu)(node, operands),
};

/** A shape with an axis of size 1, or what `filling` says, at each of these places of the result. */
export function unsqueezed<T>(shape: readonly T[], axes: readonly number[], filling: T): T[] {
  const rank = shape.length + axes.length;
  const places = new Set(axes.map((axis) => axisOf(axis, rank)));
  let next = 0;
  return Array.from({ length: rank }, (_, i) => (places.has(i) ? filling : shape[next++]));
}
