// Every kernel against tfjs's CPU backend, over random windows and paddings, where tfjs-node is installed.
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-core/dist/register_all_gradients.js';
import util from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

// As on Node.js 24 and later.
for (const name of ['isNullOrUndefined', 'isArray']) Reflect.deleteProperty(util, name);
const problem = await import('../src/index.js').then(
  () => undefined,
  (error: Error) => error.message.split('\n')[0],
);
const where = problem === undefined ? 'with tfjs-node' : `with tfjs-node, which is not there (${problem})`;

type Operation = (...xs: tf.Tensor4D[]) => tf.Tensor[];
type Shape4D = [number, number, number, number];

const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
/** Numbers that differ and are exact in float32; none is 0, and their signs alternate little. */
const values = (shape: readonly number[], salt: number): Float32Array =>
  Float32Array.from({ length: sizeOf(shape) }, (_, i) => (((i + salt) * 37) % 61) / 16 - 3.03125);

async function resultsOn(backend: string, operation: Operation, shapes: readonly Shape4D[]): Promise<number[][]> {
  await tf.setBackend(backend);
  const inputs = shapes.map((shape, i) => tf.tensor4d(values(shape, i), shape));
  const before = tf.memory();
  const outputs = tf.tidy(() => operation(...inputs));
  const read = outputs.map((tensor) => [...tensor.shape, ...tensor.dataSync()]);
  tf.dispose(outputs);
  expect(tf.memory().numTensors).toBe(before.numTensors);
  expect(tf.memory().numDataBuffers).toBe(before.numDataBuffers);
  tf.dispose(inputs);
  return read;
}

async function expectAgreement(operation: Operation, ...shapes: Shape4D[]): Promise<void> {
  const expected = await resultsOn('cpu', operation, shapes);
  const actual = await resultsOn('tensorflow', operation, shapes);
  expect(actual.map((row) => row.length)).toEqual(expected.map((row) => row.length));
  // Sums of up to some hundred exact products, in another order.
  expected.forEach((row, k) => row.forEach((value, i) => expect(Math.abs(actual[k][i] - value)).toBeLessThan(1e-3)));
}

/** A result, and the gradients of the sum of its squares. */
const withGradients =
  (f: (...xs: tf.Tensor4D[]) => tf.Tensor): Operation =>
  (...xs) => [f(...xs), ...tf.grads((...ys) => tf.sum(tf.square(f(...(ys as tf.Tensor4D[])))))(xs)];

const rounding = fc.constantFrom<'floor' | 'ceil'>('floor', 'ceil');
const side = fc.integer({ min: 5, max: 8 });

/** Windows that are never wholly in the padding, which has no average. */
const window = fc
  .record({
    channels: fc.integer({ min: 1, max: 3 }),
    out: fc.integer({ min: 1, max: 3 }),
    image: fc.tuple(side, side),
    kernel: fc.integer({ min: 2, max: 4 }),
    stride: fc.integer({ min: 1, max: 2 }),
    rounding,
    sides: fc.array(fc.nat(3), { minLength: 4, maxLength: 4 }),
    isEven: fc.boolean(),
  })
  .map(({ sides, isEven, ...rest }) => {
    const [top, bottom, left, right] = sides.map((wanted) => Math.min(wanted, rest.kernel - 1));
    const pad: number | [[0, 0], [number, number], [number, number], [0, 0]] = isEven
      ? top
      : [
          [0, 0],
          [top, bottom],
          [left, right],
          [0, 0],
        ];
    return { ...rest, pad };
  });

type Window = typeof window extends fc.Arbitrary<infer T> ? T : never;

const agree = (check: (given: Window) => Promise<void>): Promise<void> =>
  fc.assert(fc.asyncProperty(window, check), { numRuns: 40 });

describe.skipIf(problem !== undefined)(where, () => {
  it('convolves', () =>
    agree(({ channels, out, image, kernel, stride, pad }) =>
      expectAgreement(
        withGradients((x, w) => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, stride, pad, 'NHWC', 1, 'floor')),
        [2, ...image, channels],
        [kernel, kernel, channels, out],
      ),
    ));

  it('convolves channel by channel', () =>
    agree(({ channels, out, image, kernel, stride, pad }) =>
      expectAgreement(
        withGradients((x, w) =>
          tf.depthwiseConv2d(x as tf.Tensor4D, w as tf.Tensor4D, stride, pad, 'NHWC', 1, 'floor'),
        ),
        [2, ...image, channels],
        [kernel, kernel, channels, out],
      ),
    ));

  it('convolves with gaps', () =>
    agree(({ channels, out, image, pad }) =>
      expectAgreement(
        (x, w) => [
          tf.conv2d(x, w, 1, pad, 'NHWC', 2, 'floor'),
          tf.depthwiseConv2d(x, w, 1, pad, 'NHWC', 2, 'floor'),
          tf.fused.conv2d({
            x,
            filter: w,
            strides: 1,
            pad,
            dilations: 2,
            dimRoundingMode: 'floor',
            activation: 'relu',
          }),
        ],
        [2, ...image, channels],
        [2, 2, channels, out],
      ),
    ));

  it.each([
    ['the largest', tf.maxPool],
    ['averages', tf.avgPool],
  ] as const)('pools %s', (_, pool) =>
    agree(({ channels, image, kernel, stride, pad, rounding }) =>
      expectAgreement(
        withGradients((x) => pool(x as tf.Tensor4D, kernel, stride, pad, rounding)),
        [2, ...image, channels],
      ),
    ),
  );

  it.each(['valid', 'same'] as const)('leaves %s padding as it was', async (pad) => {
    await expectAgreement(
      withGradients((x, w) => tf.avgPool(tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, pad), 3, 2, pad)),
      [2, 7, 6, 2],
      [3, 3, 2, 2],
    );
  });
});
