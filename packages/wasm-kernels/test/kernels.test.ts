// Every kernel against tfjs's CPU backend, over random shapes.
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-core/dist/register_all_gradients.js';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { agreementOn, expectAgreement, gradientsOf, type Operation } from '../../../tools/kernel-agreement.js';
import { WASM_KERNELS } from '../src/index.js';

const agree = agreementOn('wasm', 30);
const size = fc.integer({ min: 1, max: 5 });

describe('agrees with the CPU backend', () => {
  it('matMul, batched, broadcast and transposed, and its gradients', () =>
    agree(
      fc
        .tuple(
          size,
          size,
          size,
          fc.array(size, { maxLength: 2 }),
          fc.boolean(),
          fc.boolean(),
          fc.constantFrom('both', 'left', 'mixed'),
        )
        .map(([m, k, n, batch, transA, transB, side]) => {
          const a = [
            ...(side === 'mixed' ? batch.map((b, i) => (i === 0 ? 1 : b)) : batch),
            ...(transA ? [k, m] : [m, k]),
          ];
          const b = [
            ...(side === 'both'
              ? batch
              : side === 'left'
                ? batch.map(() => 1)
                : batch.map((s, i) => (i === 1 ? 1 : s))),
            ...(transB ? [n, k] : [k, n]),
          ];
          const f = (x: tf.Tensor, y: tf.Tensor): tf.Tensor => tf.matMul(x, y, transA, transB);
          return [
            (x: tf.Tensor, y: tf.Tensor) => [f(x, y), ...(side === 'both' ? gradientsOf(f)(x, y) : [])],
            a,
            b,
          ] as const;
        }),
    ));

  it('a product with a bias, as it is and transposed', () =>
    agree(
      fc.tuple(size, size, size, fc.boolean(), fc.boolean()).map(([m, k, n, transposeA, transposeB]) => {
        const layer: Operation = (a, b, bias) => [tf.fused.matMul({ a, b, bias, transposeA, transposeB })];
        return [layer, transposeA ? [k, m] : [m, k], transposeB ? [n, k] : [k, n], [n]] as const;
      }),
    ));

  it('a product with a bias that is a reshaped matrix', () =>
    agree(
      fc.tuple(size, size, size).map(([m, k, n]) => {
        const layer: Operation = (a, b, bias) => [tf.fused.matMul({ a, b, bias: tf.reshape(bias, [n]) })];
        return [layer, [m, k], [k, n], [n, 1]] as const;
      }),
    ));

  it('the gradient of gather', () =>
    agree(
      fc.tuple(size, size, fc.array(fc.nat(4), { minLength: 1, maxLength: 6 })).map(([rows, columns, picks]) => {
        const indices = picks.map((pick) => pick % rows);
        return [gradientsOf((x) => tf.gather(x, tf.tensor1d(indices, 'int32'))), [rows, columns]] as const;
      }),
    ));

  const convolution = fc.record({
    batch: fc.integer({ min: 1, max: 2 }),
    channels: fc.integer({ min: 1, max: 3 }),
    out: fc.integer({ min: 1, max: 3 }),
    side: fc.integer({ min: 5, max: 8 }),
    kernel: fc.integer({ min: 1, max: 3 }),
    stride: fc.integer({ min: 1, max: 2 }),
    pad: fc.constantFrom<'valid' | 'same'>('valid', 'same'),
  });

  it('the gradients of conv2d', () =>
    agree(
      convolution.map(({ batch, channels, out, side, kernel, stride, pad }) => {
        const f = (x: tf.Tensor, w: tf.Tensor): tf.Tensor => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, stride, pad);
        return [gradientsOf(f), [batch, side, side, channels], [kernel, kernel, channels, out]] as const;
      }),
    ));

  it('the gradients of depthwiseConv2d', () =>
    agree(
      convolution.map(({ batch, channels, out, side, kernel, stride, pad }) => {
        const f = (x: tf.Tensor, w: tf.Tensor): tf.Tensor =>
          tf.depthwiseConv2d(x as tf.Tensor4D, w as tf.Tensor4D, stride, pad);
        return [gradientsOf(f), [batch, side, side, channels], [kernel, kernel, channels, out]] as const;
      }),
    ));
});

it('names what it registers', () => {
  for (const name of WASM_KERNELS) expect(tf.getKernel(name, 'wasm')).toBeDefined();
});

describe('products of a batch too large for the plain loop', () => {
  it.each([
    [false, false],
    [true, false],
    [false, true],
    [true, true],
  ])('agree, transposed %s and %s', async (left, right) => {
    const a = left ? [3, 64, 128] : [3, 128, 64];
    const b = right ? [3, 128, 64] : [3, 64, 128];
    await expectAgreement('wasm', (x, y) => [tf.matMul(x, y, left, right)], [a, b]);
  });
});
