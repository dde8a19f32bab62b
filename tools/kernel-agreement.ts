// Operations of a backend against tfjs's CPU backend, over shapes that fast-check draws. Whoever uses it registers both.
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { expect } from 'vitest';

/** What tensors become of others. */
export type Operation = (...xs: tf.Tensor[]) => tf.Tensor[];

type Shapes = ReadonlyArray<readonly number[]>;

const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Numbers that differ and are exact in float32. */
const values = (shape: readonly number[], salt: number): Float32Array =>
  Float32Array.from({ length: sizeOf(shape) }, (_, i) => (((i + salt) * 37) % 64) / 16 - 2);

/** Shapes and numbers of all results; nothing else may be left of the operation. */
async function resultsOn(backend: string, operation: Operation, shapes: Shapes): Promise<number[][]> {
  await tf.setBackend(backend);
  const before = tf.memory();
  const inputs = shapes.map((shape, i) => tf.tensor(values(shape, i), [...shape]));
  const outputs = tf.tidy(() => operation(...inputs));
  const read: number[][] = [];
  for (const tensor of outputs) read.push([...tensor.shape, ...(await tensor.data())]);
  tf.dispose([inputs, outputs]);
  expect(tf.memory().numTensors).toBe(before.numTensors);
  expect(tf.memory().numDataBuffers).toBe(before.numDataBuffers);
  return read;
}

/** Expects an operation on operands of these shapes to give on a backend what it gives on the CPU backend. */
export async function expectAgreement(backend: string, operation: Operation, shapes: Shapes): Promise<void> {
  const expected = await resultsOn('cpu', operation, shapes);
  const actual = await resultsOn(backend, operation, shapes);
  expect(actual.map((row) => row.length)).toEqual(expected.map((row) => row.length));
  // Sums of up to some hundred exact products, in another order.
  expected.forEach((row, k) => row.forEach((value, i) => expect(Math.abs(actual[k][i] - value)).toBeLessThan(1e-3)));
}

/** Expects that of operations, each drawn with the shapes of its operands. */
export const agreementOn =
  (backend: string, numRuns: number) =>
  (arbitrary: fc.Arbitrary<readonly [Operation, ...(readonly number[])[]]>): Promise<void> =>
    fc.assert(
      fc.asyncProperty(arbitrary, ([operation, ...shapes]) => expectAgreement(backend, operation, shapes)),
      { numRuns },
    );

/** The gradients of the sum of an operation's squares, for all operands. */
export const gradientsOf =
  (f: (...xs: tf.Tensor[]) => tf.Tensor): Operation =>
  (...xs) =>
    tf.grads((...ys) => tf.sum(tf.square(f(...ys))))(xs);
