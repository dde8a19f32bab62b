// What tests of real models share: running a graph, and comparing tensors.
import type { Graph } from '@logah/graph-ir';
import { decodeTensor, type ReadPlace, type StoredTensor } from '@logah/graph-ir/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import { forward } from '../src/index.js';

/** A tensor's numbers, wherever it lives. */
export type Numbers = {
  readonly dims: number[];
  readonly data: Float32Array | Int32Array | Uint8Array;
};

export interface Given extends Numbers {
  readonly dtype?: 'float32' | 'int32';
}

/** The outputs of a graph with these parameters, on the backend that is set. */
export function run(
  graph: Graph,
  values: ReadonlyMap<string, Float32Array>,
  inputs: ReadonlyMap<string, Given>,
): Numbers[] {
  return tf.tidy(() => {
    const parameters = Object.fromEntries(
      graph.parameters.map(({ name, shape }) => [name, tf.tensor(values.get(name) ?? [], [...shape])]),
    );
    const given = Object.fromEntries([...inputs].map(([name, input]) => [name, tensorOf(input)]));
    return forward(graph, parameters, given).map(numbersOf);
  });
}

/** The values of a model's parameters; those that are not in the model itself are read from one file beside it. */
export const valuesOf = (
  tensors: ReadonlyMap<string, StoredTensor>,
  readPlace?: ReadPlace,
): Map<string, Float32Array> =>
  new Map(
    [...tensors].map(([name, stored]) => {
      const { place } = stored;
      if (place.kind === 'bytes') return [name, decodeTensor(name, stored, place.bytes)];
      const [part] = place.parts;
      if (readPlace === undefined) throw new Error(`"${name}" is not in the file`);
      return [name, decodeTensor(name, stored, readPlace(part.location, part.offset, part.length))];
    }),
  );

export const tensorOf = ({ dims, data, dtype = 'float32' }: Given): tf.Tensor =>
  tf.tensor(dtype === 'int32' ? Int32Array.from(data) : Float32Array.from(data), [...dims], dtype);

export const numbersOf = (tensor: tf.Tensor): Numbers => ({ dims: tensor.shape, data: tensor.dataSync().slice() });

/** The same shape, and a difference below 1e-4 of the largest value and the precision of a sigmoid near 0, which is float32's near 1. */
export function expectSame(found: Numbers, wanted: Numbers): void {
  expect(found.dims).toEqual(wanted.dims);
  let largest = 0;
  let difference = 0;
  wanted.data.forEach((value, i) => {
    largest = Math.max(largest, Math.abs(value));
    difference = Math.max(difference, Math.abs(value - found.data[i]));
  });
  expect(largest).toBeGreaterThan(0);
  expect(difference).toBeLessThan(1e-4 * largest + 2 ** -23);
}
