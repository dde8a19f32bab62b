// Operators of ONNX that combine elements along axes, or look for some among them.

import { type ElementType, fit, integerRange, isFloat } from '../element-types.js';
import { elementCount } from '../graph.js';
import { integer } from '../onnx-attributes.js';
import { needed, numbers, type Operation, operand, type Rule, type Rules } from './operation.js';
import {
  axisOf,
  countOf,
  exactTensor,
  fail,
  mapVectors,
  shown,
  stridesOf,
  type Tensor,
  takeRows,
  transposed,
} from './tensor.js';

type Combine = (values: ArrayLike<number>, type: ElementType) => number;

const reduction =
  (combine: Combine): Rule =>
  (operation) => {
    const x = operand(operation, 0);
    const rank = x.shape.length;
    const given = numbers(operation, 1) ?? [];
    const isNoOp = given.length === 0 && integer(operation, 'noop_with_empty_axes', 0) === 1;
    const all = given.length === 0 ? x.shape.map((_, axis) => axis) : given.map((axis) => axisOf(axis, rank));
    const gone = new Set(isNoOp ? [] : all);
    const kept = [...x.shape.keys()].filter((axis) => !gone.has(axis));
    const run = elementCount([...gone].map((axis) => x.shape[axis]));
    const ordered = transposed(x, [...kept, ...[...gone].sort((a, b) => a - b)]).values;
    const keepsAxes = integer(operation, 'keepdims', 1) === 1;
    const shape = x.shape.flatMap((size, axis) => (gone.has(axis) ? (keepsAxes ? [1] : []) : [size]));
    const values = Float64Array.from({ length: countOf(shape) }, (_, i) =>
      fit(combine(Array.prototype.slice.call(ordered, i * run, (i + 1) * run), x.type), x.type),
    );
    return exactTensor(x.type, shape, values);
  };

const sum = (values: ArrayLike<number>, of: (x: number) => number = (x) => x): number => {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += of(values[i]);
  return total;
};

const largest = (values: ArrayLike<number>): number => {
  let most = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++)
    most = Number.isNaN(values[i]) || Number.isNaN(most) ? Number.NaN : Math.max(most, values[i]);
  return most;
};

const least = (values: ArrayLike<number>): number => -largest(Array.from(values, (value) => -value));

/** What the maximum of nothing is: the least number of the type. */
const lowest = (type: ElementType): number =>
  type === 'bool' ? 0 : isFloat(type) ? Number.NEGATIVE_INFINITY : integerRange(type)[0];
const highest = (type: ElementType): number =>
  type === 'bool' ? 1 : isFloat(type) ? Number.POSITIVE_INFINITY : integerRange(type)[1];

function logSumExp(values: ArrayLike<number>): number {
  const most = largest(values);
  if (!Number.isFinite(most)) return most;
  return most + Math.log(sum(values, (value) => Math.exp(value - most)));
}

/** The place of the largest or least along an axis: the first of several, or the last. */
const place =
  (isBetter: (a: number, b: number) => boolean): Rule =>
  (operation) => {
    const x = operand(operation, 0);
    const axis = axisOf(integer(operation, 'axis', 0), x.shape.length);
    const takesLast = integer(operation, 'select_last_index', 0) === 1;
    const found = mapVectors(x, axis, 'int64', (vector) => {
      let at = 0;
      for (let i = 1; i < vector.length; i++)
        if (isBetter(vector[i], vector[at]) || (takesLast && vector[i] === vector[at])) at = i;
      return [at];
    });
    if (integer(operation, 'keepdims', 1) === 1) return found;
    return exactTensor(
      'int64',
      x.shape.filter((_, i) => i !== axis),
      found.values,
    );
  };

const alongAxis =
  (apply: (vector: Float64Array, operation: Operation) => ArrayLike<number>): Rule =>
  (operation) => {
    const x = operand(operation, 0);
    const axis = axisOf(integer(operation, 'axis', -1), x.shape.length);
    return mapVectors(x, axis, x.type, (vector) => apply(vector, operation));
  };

const cumulative =
  (start: number, combine: (a: number, b: number) => number): Rule =>
  (operation) => {
    const x = operand(operation, 0);
    const axis = axisOf(needed(operation, 1)[0], x.shape.length);
    const [excludes, isReversed] = [integer(operation, 'exclusive', 0) === 1, integer(operation, 'reverse', 0) === 1];
    return mapVectors(x, axis, x.type, (vector) => {
      const results = new Float64Array(vector.length);
      let total = start;
      for (let step = 0; step < vector.length; step++) {
        const i = isReversed ? vector.length - 1 - step : step;
        if (excludes) results[i] = total;
        total = combine(total, vector[i]);
        if (!excludes) results[i] = total;
      }
      return results;
    });
  };

/** The largest or smallest elements along an axis, and where they are; of equal ones the first. */
const top: Rule = (operation) => {
  const x = operand(operation, 0);
  const [count] = needed(operation, 1);
  const axis = axisOf(integer(operation, 'axis', -1), x.shape.length);
  const sign = integer(operation, 'largest', 1) === 1 ? -1 : 1;
  if (count > x.shape[axis]) return fail(`takes ${count} of ${x.shape[axis]}`);
  const ranked = (vector: Float64Array): number[] =>
    [...vector.keys()].sort((a, b) => sign * (vector[a] - vector[b]) || a - b).slice(0, count);
  return [
    mapVectors(x, axis, x.type, (vector) => ranked(vector).map((i) => vector[i])),
    mapVectors(x, axis, 'int64', ranked),
  ];
};

const nonZero: Rule = (operation) => {
  const x = operand(operation, 0);
  const strides = stridesOf(x.shape);
  const found = Array.from(x.values).flatMap((value, i) => (value !== 0 ? [i] : []));
  return exactTensor(
    'int64',
    [x.shape.length, found.length],
    strides.flatMap((stride, axis) => found.map((i) => Math.floor(i / stride) % x.shape[axis])),
  );
};

const compress: Rule = (operation) => {
  const x = operand(operation, 0);
  const rows = needed(operation, 1).flatMap((keep, i) => (keep !== 0 ? [i] : []));
  if (!('axis' in operation.attributes)) return takeRows(exactTensor(x.type, [x.values.length], x.values), 0, rows);
  return takeRows(x, axisOf(integer(operation, 'axis', 0), x.shape.length), rows);
};

const compare = (a: readonly number[], b: readonly number[]): number => {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return a[i] - b[i];
  return 0;
};

const unique: Rule = (operation) => {
  const given = operand(operation, 0);
  const isFlat = !('axis' in operation.attributes);
  const x = isFlat ? exactTensor(given.type, [given.values.length], given.values) : given;
  const axis = isFlat ? 0 : axisOf(integer(operation, 'axis', 0), x.shape.length);
  const rows = Array.from({ length: x.shape[axis] }, (_, row) => Array.from(takeRows(x, axis, [row]).values));
  const firsts: number[] = [];
  const counts: number[] = [];
  const classes = rows.map((row, i) => {
    const known = firsts.findIndex((first) => compare(rows[first], row) === 0);
    if (known !== -1) {
      counts[known]++;
      return known;
    }
    firsts.push(i);
    counts.push(1);
    return firsts.length - 1;
  });
  const order = [...firsts.keys()];
  if (integer(operation, 'sorted', 1) === 1) order.sort((a, b) => compare(rows[firsts[a]], rows[firsts[b]]));
  const rank = order.map((_, i) => order.indexOf(i));
  const vector = (values: readonly number[]): Tensor => exactTensor('int64', [values.length], values);
  return [
    takeRows(
      x,
      axis,
      order.map((i) => firsts[i]),
    ),
    vector(order.map((i) => firsts[i])),
    vector(classes.map((i) => rank[i])),
    vector(order.map((i) => counts[i])),
  ];
};

/** The determinant of each matrix, by elimination with the largest pivots. */
const determinant: Rule = (operation) => {
  const x = operand(operation, 0);
  const [rows, size] = x.shape.slice(-2);
  if (rows !== size) return fail(`a matrix ${shown(x.shape)} has no determinant`);
  const shape = x.shape.slice(0, -2);
  const values = Float64Array.from({ length: countOf(shape) }, (_, n) => {
    const m = Float64Array.from({ length: size * size }, (_, i) => x.values[n * size * size + i]);
    let result = 1;
    for (let column = 0; column < size; column++) {
      let pivot = column;
      for (let row = column; row < size; row++)
        if (Math.abs(m[row * size + column]) > Math.abs(m[pivot * size + column])) pivot = row;
      if (m[pivot * size + column] === 0) return 0;
      if (pivot !== column) {
        result = -result;
        for (let k = 0; k < size; k++)
          [m[pivot * size + k], m[column * size + k]] = [m[column * size + k], m[pivot * size + k]];
      }
      result *= m[column * size + column];
      for (let row = column + 1; row < size; row++) {
        const factor = m[row * size + column] / m[column * size + column];
        for (let k = column; k < size; k++) m[row * size + k] -= factor * m[column * size + k];
      }
    }
    return fit(result, x.type);
  });
  return exactTensor(x.type, shape, values);
};

/**
 * Shares that sum to 1. Floats of 16 bits are rounded at every step, as ONNX's own implementation rounds them; sums of those with an exponent of 8 bits, too.
 */
export function softmaxOf(vector: ArrayLike<number>, type: ElementType = 'float64'): number[] {
  const isShort = type === 'float16' || type === 'bfloat16';
  const rounded = (x: number): number => (isShort ? fit(x, type) : x);
  const most = largest(vector);
  const powers = Array.from(vector, (value) => rounded(Math.exp(rounded(value - most))));
  const total = type === 'bfloat16' ? powers.reduce((a, b) => rounded(a + b), 0) : rounded(sum(powers));
  return powers.map((power) => rounded(power / total));
}

const logSoftmaxOf = (vector: ArrayLike<number>): number[] => {
  const total = logSumExp(vector);
  return Array.from(vector, (value) => value - total);
};

export const REDUCTIONS: Rules = {
  ArgMax: place((a, b) => a > b),
  ArgMin: place((a, b) => a < b),
  Compress: compress,
  CumProd: cumulative(1, (a, b) => a * b),
  CumSum: cumulative(0, (a, b) => a + b),
  Det: determinant,
  Hardmax: alongAxis((vector) => {
    const at = vector.indexOf(largest(vector));
    return vector.map((_, i) => Number(i === at));
  }),
  LogSoftmax: alongAxis(logSoftmaxOf),
  LpNormalization: alongAxis((vector, operation) => {
    const norm = integer(operation, 'p', 2) === 1 ? sum(vector, Math.abs) : Math.sqrt(sum(vector, (x) => x * x));
    return vector.map((value) => (norm === 0 ? 0 : value / norm));
  }),
  NonZero: nonZero,
  ReduceL1: reduction((values) => sum(values, Math.abs)),
  ReduceL2: reduction((values) => Math.sqrt(sum(values, (x) => x * x))),
  ReduceLogSum: reduction((values) => Math.log(sum(values))),
  ReduceLogSumExp: reduction(logSumExp),
  ReduceMax: reduction((values, type) => (values.length === 0 ? lowest(type) : largest(values))),
  ReduceMean: reduction((values) => sum(values) / values.length),
  ReduceMin: reduction((values, type) => (values.length === 0 ? highest(type) : least(values))),
  ReduceProd: reduction((values) => Array.from(values).reduce((a, b) => a * b, 1)),
  ReduceSum: reduction((values) => sum(values)),
  ReduceSumSquare: reduction((values) => sum(values, (x) => x * x)),
  Softmax: alongAxis((vector, operation) => softmaxOf(vector, operand(operation, 0).type)),
  TopK: top,
  Unique: unique,
};
