import '@logah/backend-ort';
import '@logah/wasm-kernels';
import '@tensorflow/tfjs-backend-cpu';
import { createRandom } from '@logah/random';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { goldenBackends } from '../../../tools/golden-backends.js';
import {
  gelu,
  geluTanh,
  layerNorm,
  linear,
  multiHeadAttention,
  rmsNorm,
  softmaxCrossEntropy,
  sumOfNorms,
  takeNumber,
} from '../src/index.js';

/** Inputs as plain numbers: tensors are made on the backend under test. */
interface Input {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

const BACKENDS = await goldenBackends();

const random = createRandom(1);
const normal = (...shape: number[]): Input => ({
  shape,
  values: random.normals(
    shape.reduce((a, b) => a * b, 1),
    0,
    1,
  ),
});
const tensorOf = ({ shape, values }: Input): tf.Tensor => tf.tensor(values, [...shape]);
let labels: tf.Tensor1D;
const prepare = async (backend: string): Promise<void> => {
  await tf.setBackend(backend);
  labels = tf.tensor1d([2, 0, 3], 'int32');
};

const cases: ReadonlyArray<readonly [name: string, f: (...xs: tf.Tensor[]) => tf.Tensor, inputs: Input[]]> = [
  ['layerNorm', (x, w, b) => layerNorm(x, w, b, 1e-5), [normal(2, 3, 5), normal(5), normal(5)]],
  ['rmsNorm', (x, w) => rmsNorm(x, w, 1e-5), [normal(2, 3, 5), normal(5)]],
  ['gelu', (x) => gelu(x), [normal(4, 3)]],
  ['geluTanh', (x) => geluTanh(x), [normal(4, 3)]],
  ['linear', (x, w, b) => linear(x, w, b), [normal(2, 3, 4), normal(5, 4), normal(5)]],
  ['linear (in_out)', (x, w) => linear(x, w, undefined, 'in_out'), [normal(2, 4), normal(4, 3)]],
  ['linear (of vectors)', (x, w, b) => linear(x, w, b), [normal(4), normal(5, 4), normal(5)]],
  ['linear (without bias)', (x, w) => linear(x, w), [normal(2, 3, 4), normal(5, 4)]],
  ['linear (in_out, bias)', (x, w, b) => linear(x, w, b, 'in_out'), [normal(2, 3, 4), normal(4, 5), normal(5)]],
  ['multiHeadAttention', (qkv) => multiHeadAttention(qkv, 2), [normal(2, 3, 12)]],
  ['multiHeadAttention (causal)', (qkv) => multiHeadAttention(qkv, 2, { isCausal: true }), [normal(2, 3, 12)]],
  [
    'multiHeadAttention (bias)',
    (qkv, bias) => multiHeadAttention(qkv, 2, { bias }),
    [normal(2, 3, 12), normal(2, 3, 3)],
  ],
  [
    'multiHeadAttention (causal, bias)',
    (qkv, bias) => multiHeadAttention(qkv, 2, { bias, isCausal: true }),
    [normal(2, 3, 12), normal(2, 3, 3)],
  ],
  ['softmaxCrossEntropy', (x) => softmaxCrossEntropy(x as tf.Tensor2D, labels), [normal(3, 4)]],
  ['sumOfNorms', (x, y) => sumOfNorms([x, y]), [normal(3, 4), normal(5)]],
];

describe.each(BACKENDS)('on %s, gradients', (backend) => {
  beforeAll(() => prepare(backend));

  it.each(cases)('of %s are the finite differences', async (_, f, given) => {
    const inputs = given.map(tensorOf);
    const weights = tf.tidy(() => tensorOf(normal(...f(...inputs).shape)));
    const objective = (...xs: tf.Tensor[]): tf.Tensor => tf.sum(tf.mul(f(...xs), weights));
    const gradients = tf.grads(objective)(inputs);
    for (const [k, { values, shape }] of given.entries()) {
      const at = (i: number, step: number): Promise<number> => {
        const moved = Float32Array.from(values);
        moved[i] += step;
        return takeNumber(
          tf.tidy(() => objective(...inputs.map((x, j) => (j === k ? tf.tensor(moved, [...shape]) : x))) as tf.Scalar),
        );
      };
      // Central differences in float32: a step of 1e-2 balances truncation (h²) against rounding (2^-24 / h), both near 1e-4.
      const step = 1e-2;
      for (const [i, gradient] of (await gradients[k].data()).entries()) {
        const numeric = ((await at(i, step)) - (await at(i, -step))) / (2 * step);
        expect(Math.abs(gradient - numeric)).toBeLessThan(5e-3 * (1 + Math.abs(numeric)));
      }
    }
  });

  it.each(cases)('of %s leave no tensor behind', (_, f, given) => {
    const inputs = given.map(tensorOf);
    const before = tf.memory().numTensors;
    tf.dispose(tf.grads((...xs) => tf.sum(f(...xs)))(inputs));
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe.each(BACKENDS)('on %s, values', (backend) => {
  beforeAll(() => prepare(backend));

  it('gelu and its approximation agree with the published values', async () => {
    // x·Φ(x) at 1 and -2 from tables of the normal distribution.
    const [one, minusTwo] = await gelu(tf.tensor1d([1, -2])).data();
    expect(one).toBeCloseTo(0.841345, 5);
    expect(minusTwo).toBeCloseTo(-0.0455, 5);
    expect((await geluTanh(tf.tensor1d([1])).data())[0]).toBeCloseTo(0.841192, 5);
  });

  it('cross-entropy of equal logits is the logarithm of the number of classes', async () => {
    expect(await takeNumber(softmaxCrossEntropy(tf.zeros([3, 4]), labels))).toBeCloseTo(Math.log(4), 6);
  });
});
