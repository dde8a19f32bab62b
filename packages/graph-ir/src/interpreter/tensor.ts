// Tensors of plain numbers, for computing with a model's operators where no tensor library is at hand.

import { type ElementType, fit } from '../element-types.js';
import { elementCount } from '../graph.js';
import { GraphError } from '../graph-error.js';

/** Numbers in row-major order; integers are exact up to 2^53, booleans are 0 and 1. */
export interface Tensor {
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly values: ArrayLike<number>;
}

/** More elements are not computed: a small file can ask for any number of them. */
export const MOST_ELEMENTS = 2 ** 28;

export const fail = (why: string): never => {
  throw new GraphError(why);
};

export const shown = (shape: ArrayLike<number>): string => `[${Array.from(shape).join(', ')}]`;

/** The number of elements of a shape. Throws for sizes that no tensor has. */
export function countOf(shape: readonly number[]): number {
  const count = elementCount(shape);
  if (!shape.every((size) => Number.isInteger(size) && size >= 0) || count > MOST_ELEMENTS)
    fail(`a tensor ${shown(shape)} cannot be made`);
  return count;
}

/** A tensor whose elements are computed one by one and become numbers of its type. */
export function tensorOf(type: ElementType, shape: readonly number[], element: (place: number) => number): Tensor {
  const count = countOf(shape);
  const values = new Float64Array(count);
  for (let i = 0; i < count; i++) values[i] = fit(element(i), type);
  return { type, shape, values };
}

/** A tensor of numbers that are of its type already. */
export function exactTensor(type: ElementType, shape: readonly number[], values: ArrayLike<number>): Tensor {
  if (countOf(shape) !== values.length) fail(`${values.length} elements do not make a tensor ${shown(shape)}`);
  return { type, shape, values };
}

/** The same elements in another shape. */
export const reshaped = (x: Tensor, shape: readonly number[]): Tensor => exactTensor(x.type, shape, x.values);

/** How far apart neighbours of each axis are. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis];
  }
  return strides;
}

/** An axis counted from the front. Throws where there is none. */
export function axisOf(axis: number, rank: number): number {
  const place = axis < 0 ? axis + rank : axis;
  return Number.isInteger(place) && place >= 0 && place < rank ? place : fail(`there is no axis ${axis} of ${rank}`);
}

/** The shape of what shapes that broadcast give. */
export function broadcastShape(shapes: ReadonlyArray<readonly number[]>): number[] {
  const rank = Math.max(0, ...shapes.map(({ length }) => length));
  return Array.from({ length: rank }, (_, axis) => {
    const sizes = shapes.map((shape) => shape[axis - rank + shape.length] ?? 1);
    const size = sizes.find((candidate) => candidate !== 1) ?? 1;
    return sizes.every((candidate) => candidate === 1 || candidate === size)
      ? size
      : fail(`cannot broadcast ${shapes.map(shown).join(' with ')}`);
  });
}

/** How far apart neighbours of each axis of `shape` are in a tensor that broadcasts to it: 0 along axes that it repeats. */
export function broadcastStrides(from: readonly number[], shape: readonly number[]): number[] {
  const strides = stridesOf(from);
  return shape.map((_, axis) => {
    const own = axis - shape.length + from.length;
    return own < 0 || from[own] === 1 ? 0 : strides[own];
  });
}

/** Calls `visit` for every place of a shape with the place in tensors of other strides. */
export function forEachPlace(
  shape: readonly number[],
  strides: ReadonlyArray<readonly number[]>,
  visit: (place: number, places: readonly number[]) => void,
): void {
  const count = countOf(shape);
  const index = shape.map(() => 0);
  const places = strides.map(() => 0);
  for (let i = 0; i < count; i++) {
    visit(i, places);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      for (let t = 0; t < places.length; t++) places[t] += strides[t][axis];
      if (++index[axis] < shape[axis]) break;
      for (let t = 0; t < places.length; t++) places[t] -= strides[t][axis] * shape[axis];
      index[axis] = 0;
    }
  }
}

/** Element by element over tensors that broadcast. */
export function zip(type: ElementType, tensors: readonly Tensor[], compute: (...elements: number[]) => number): Tensor {
  const shape = broadcastShape(tensors.map((tensor) => tensor.shape));
  const values = new Float64Array(countOf(shape));
  const strides = tensors.map((tensor) => broadcastStrides(tensor.shape, shape));
  const [a, b] = tensors.map((tensor) => tensor.values);
  // Two operands are by far the most frequent.
  const at: (places: readonly number[]) => number =
    tensors.length === 2
      ? ([i, j]) => compute(a[i], b[j])
      : (places) => compute(...tensors.map((tensor, t) => tensor.values[places[t]]));
  forEachPlace(shape, strides, (i, places) => {
    values[i] = fit(at(places), type);
  });
  return { type, shape, values };
}

/** The tensor repeated along axes of one element until it has this shape. */
export function expanded(x: Tensor, shape: readonly number[]): Tensor {
  const values = new Float64Array(countOf(shape));
  forEachPlace(shape, [broadcastStrides(x.shape, shape)], (i, [from]) => {
    values[i] = x.values[from];
  });
  return { type: x.type, shape, values };
}

export function transposed(x: Tensor, order: readonly number[]): Tensor {
  const strides = stridesOf(x.shape);
  const shape = order.map((axis) => x.shape[axis]);
  const values = new Float64Array(countOf(shape));
  forEachPlace(shape, [order.map((axis) => strides[axis])], (i, [from]) => {
    values[i] = x.values[from];
  });
  return { type: x.type, shape, values };
}

/** What comes before, along, and after an axis: `[outer, size, inner]`. */
export const around = (
  shape: readonly number[],
  axis: number,
): readonly [outer: number, size: number, inner: number] => [
  elementCount(shape.slice(0, axis)),
  shape[axis],
  elementCount(shape.slice(axis + 1)),
];

/** Rows of an axis by their places in it. */
export function takeRows(x: Tensor, axis: number, rows: readonly number[]): Tensor {
  const [outer, size, inner] = around(x.shape, axis);
  const shape = x.shape.map((length, i) => (i === axis ? rows.length : length));
  const values = new Float64Array(countOf(shape));
  let to = 0;
  for (let o = 0; o < outer; o++)
    for (const row of rows) {
      if (row < 0 || row >= size) fail(`there is no row ${row} of ${size}`);
      const from = (o * size + row) * inner;
      for (let i = 0; i < inner; i++) values[to++] = x.values[from + i];
    }
  return { type: x.type, shape, values };
}

/** Tensors one after the other along an axis. */
export function concatenated(tensors: readonly Tensor[], axis: number): Tensor {
  const [first] = tensors;
  const total = tensors.reduce((sum, { shape }) => sum + shape[axis], 0);
  const shape = first.shape.map((size, i) => (i === axis ? total : size));
  for (const other of tensors)
    if (
      other.shape.length !== first.shape.length ||
      other.shape.some((size, i) => i !== axis && size !== first.shape[i])
    )
      fail(`cannot concatenate ${shown(first.shape)} and ${shown(other.shape)} along axis ${axis}`);
  const values = new Float64Array(countOf(shape));
  const outer = elementCount(first.shape.slice(0, axis));
  let to = 0;
  for (let o = 0; o < outer; o++)
    for (const { shape: own, values: from } of tensors) {
      const run = elementCount(own.slice(axis));
      for (let i = 0; i < run; i++) values[to++] = from[o * run + i];
    }
  return { type: first.type, shape, values };
}

/** The results of a function of each vector along an axis, put in its place. */
export function mapVectors(
  x: Tensor,
  axis: number,
  type: ElementType,
  apply: (vector: Float64Array) => ArrayLike<number>,
): Tensor {
  const [outer, size, inner] = around(x.shape, axis);
  const vector = new Float64Array(size);
  let shape: number[] = [...x.shape];
  let values: Float64Array | undefined;
  for (let o = 0; o < outer; o++)
    for (let i = 0; i < inner; i++) {
      for (let j = 0; j < size; j++) vector[j] = x.values[(o * size + j) * inner + i];
      const result = apply(vector);
      if (values === undefined) {
        shape = x.shape.map((length, place) => (place === axis ? result.length : length));
        values = new Float64Array(countOf(shape));
      }
      for (let j = 0; j < result.length; j++) values[(o * result.length + j) * inner + i] = fit(result[j], type);
    }
  return { type, shape, values: values ?? new Float64Array(0) };
}
