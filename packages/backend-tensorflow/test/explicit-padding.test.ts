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

/** An operation on TensorFlow gives what another, by default the same, gives on tfjs's CPU backend. */
async function expectAgreement(operation: Operation, shapes: Shape4D[], oracle = operation): Promise<void> {
  const expected = await resultsOn('cpu', oracle, shapes);
  const actual = await resultsOn('tensorflow', operation, shapes);
  expect(actual.map((row) => row.length)).toEqual(expected.map((row) => row.length));
  for (const [k, row] of expected.entries()) {
    // Sums of up to some hundred products, in another order.
    const scale = Math.max(1, ...row.map(Math.abs));
    row.forEach((value, i) => expect(Math.abs(actual[k][i] - value) / scale).toBeLessThan(1e-5));
  }
}

/** A result, and the gradients of the sum of its squares. */
const withGradients =
  (f: (...xs: tf.Tensor4D[]) => tf.Tensor): Operation =>
  (...xs) => [f(...xs), ...tf.grads((...ys) => tf.sum(tf.square(f(...(ys as tf.Tensor4D[])))))(xs)];

/** Windows over an image. */
interface Window {
  readonly channels: number;
  readonly out: number;
  readonly image: readonly [number, number];
  readonly kernel: number;
  readonly stride: number;
  readonly rounding: 'floor' | 'ceil';
  readonly pad: number | [[0, 0], [number, number], [number, number], [0, 0]];
}

/** Along rows and columns: pixels, padding before and after them so that the last window is whole, and windows. */
function linesOf({ image, kernel, stride, rounding, pad }: Window) {
  return image.map((size, axis) => {
    const [before, after] = typeof pad === 'number' ? [pad, pad] : pad[axis + 1];
    const count = Math[rounding]((size + before + after - kernel) / stride) + 1;
    return { size, before, after: Math.max(after, (count - 1) * stride + kernel - size - before), count };
  });
}

const rounding = fc.constantFrom<'floor' | 'ceil'>('floor', 'ceil');
const side = fc.integer({ min: 5, max: 8 });

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
    const pad: Window['pad'] = isEven
      ? top
      : [
          [0, 0],
          [top, bottom],
          [left, right],
          [0, 0],
        ];
    return { ...rest, pad };
  })
  // A window wholly in the padding has neither a largest value nor an average.
  .filter((given) => linesOf(given).every(({ size, before, count }) => (count - 1) * given.stride < size + before));

const agree = (check: (given: Window) => Promise<void>): Promise<void> =>
  fc.assert(fc.asyncProperty(window, check), { numRuns: 40 });

/** Pooling that needs no paddings: tfjs's own gradients of it divide by whole windows, and forget that sizes were rounded up. */
function pooledByHand(x: tf.Tensor4D, isMax: boolean, given: Window): tf.Tensor4D {
  const { kernel, stride } = given;
  const sides: Array<[number, number]> = [
    [0, 0],
    ...linesOf(given).map(({ before, after }): [number, number] => [before, after]),
    [0, 0],
  ];
  if (isMax) return tf.maxPool(tf.pad(x, sides, -1e6), kernel, stride, 'valid');
  const share = tf.avgPool(tf.pad(tf.onesLike(x), sides), kernel, stride, 'valid');
  return tf.div(tf.avgPool(tf.pad(x, sides), kernel, stride, 'valid'), share);
}

describe.skipIf(problem !== undefined)(where, () => {
  it('convolves', () =>
    agree(({ channels, out, image, kernel, stride, pad }) =>
      expectAgreement(
        withGradients((x, w) => tf.conv2d(x, w, stride, pad, 'NHWC', 1, 'floor')),
        [
          [2, ...image, channels],
          [kernel, kernel, channels, out],
        ],
      ),
    ));

  it('convolves channel by channel', () =>
    agree(({ channels, out, image, kernel, stride, pad }) =>
      expectAgreement(
        withGradients((x, w) => tf.depthwiseConv2d(x, w, stride, pad, 'NHWC', 1, 'floor')),
        [
          [2, ...image, channels],
          [kernel, kernel, channels, out],
        ],
      ),
    ));

  it('convolves with gaps, and in one kernel with what follows', () =>
    agree(({ channels, out, image, pad }) => {
      const settings = { strides: 1, pad, dilations: 2, dimRoundingMode: 'floor', activation: 'relu' } as const;
      return expectAgreement(
        (x, filter) => [
          tf.conv2d(x, filter, 1, pad, 'NHWC', 2, 'floor'),
          tf.fused.conv2d({ x, filter, ...settings }),
          tf.fused.depthwiseConv2d({ x, filter, ...settings, dilations: 1, pad: typeof pad === 'number' ? pad : 1 }),
        ],
        [
          [2, ...image, channels],
          [2, 2, channels, out],
        ],
      );
    }));

  it.each([
    ['the largest', tf.maxPool],
    ['averages', tf.avgPool],
  ] as const)('pools %s as on the CPU backend', (_, pool) =>
    agree(({ channels, image, kernel, stride, pad, rounding }) =>
      expectAgreement((x) => [pool(x, kernel, stride, pad, rounding)], [[2, ...image, channels]]),
    ),
  );

  it.each([
    ['the largest', true, tf.maxPool],
    ['averages', false, tf.avgPool],
  ] as const)('pools %s with the gradient of what it computes', (_, isMax, pool) =>
    agree((given) => {
      const { channels, image, kernel, stride, pad, rounding } = given;
      return expectAgreement(
        withGradients((x) => pool(x, kernel, stride, pad, rounding)),
        [[2, ...image, channels]],
        withGradients((x) => pooledByHand(x, isMax, given)),
      );
    }),
  );

  it('leaves other paddings as they were', () =>
    expectAgreement(
      withGradients((x, w) => tf.maxPool(tf.conv2d(x, w, 1, 'same'), 3, 2, 'valid')),
      [
        [2, 7, 6, 2],
        [3, 3, 2, 2],
      ],
    ));
});
