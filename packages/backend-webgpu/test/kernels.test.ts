// Kernels against tfjs's CPU backend, over random shapes; what tfjs makes of them without this package is said in src/kernels.ts.
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-core/dist/register_all_gradients.js';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { agreementOn, gradientsOf } from '../../../tools/kernel-agreement.js';
import { connect, MENDED_KERNELS } from '../src/index.js';

const agree = agreementOn('webgpu', 20);
const size = fc.integer({ min: 1, max: 4 });

const problem = await connect().then(
  () => undefined,
  (error: Error) => error.message.split('\n')[0],
);
const where = problem === undefined ? 'on the GPU that there is' : `on a GPU, which does not work here (${problem})`;

it('names what it replaces', () => {
  expect(MENDED_KERNELS.length).toBeGreaterThan(0);
  for (const name of MENDED_KERNELS) expect(tf.getKernel(name, 'webgpu')).toBeDefined();
});

describe.skipIf(problem !== undefined)(where, () => {
  beforeAll(async () => {
    await tf.setBackend('webgpu');
    // Else tfjs computes small tensors on the processor, which is not what is tested.
    tf.env().set('WEBGPU_CPU_FORWARD', false);
  });

  it('leaves no navigator behind that was not there', () => {
    expect(globalThis.navigator?.gpu).toBeUndefined();
  });

  it('adds up as many tensors as there are', () =>
    agree(
      fc
        .tuple(fc.integer({ min: 1, max: 50 }), fc.array(size, { maxLength: 3 }))
        .map(([count, shape]) => [
          (...xs: tf.Tensor[]) => [tf.addN(xs), ...tf.grads((...ys) => tf.sum(tf.square(tf.addN(ys))))(xs)],
          ...Array.from({ length: count }, () => shape),
        ]),
    ));

  it('pads tensors of up to six axes', () =>
    agree(
      fc.array(fc.tuple(size, fc.nat(2), fc.nat(2)), { minLength: 1, maxLength: 6 }).map((axes) => {
        const f = (x: tf.Tensor): tf.Tensor =>
          tf.pad(
            x,
            axes.map(([, before, after]) => [before, after] as [number, number]),
            0.5,
          );
        return [(x) => [f(x), ...gradientsOf(f)(x)], axes.map(([length]) => length)];
      }),
    ));

  it('multiplies matrices, batched and transposed, with their gradients', () =>
    agree(
      fc
        .tuple(size, size, size, fc.array(size, { maxLength: 2 }), fc.boolean(), fc.boolean())
        .map(([m, k, n, batch, ta, tb]) => {
          const f = (x: tf.Tensor, y: tf.Tensor): tf.Tensor => tf.matMul(x, y, ta, tb);
          return [
            (x, y) => [f(x, y), ...gradientsOf(f)(x, y)],
            [...batch, ...(ta ? [k, m] : [m, k])],
            [...batch, ...(tb ? [n, k] : [k, n])],
          ];
        }),
    ));

  it('moves axes and slices tensors of up to six of them, with their gradients', () =>
    agree(
      fc.array(fc.tuple(size, fc.nat()), { minLength: 1, maxLength: 6 }).map((axes) => {
        const shape = axes.map(([length]) => length);
        const order = axes.map((_, i) => i).sort((i, j) => axes[i][1] - axes[j][1]);
        const begin = axes.map(([length, draw]) => draw % length);
        const part = (x: tf.Tensor): tf.Tensor =>
          tf.slice(
            x,
            begin,
            shape.map((length, i) => length - begin[i]),
          );
        const moved = (x: tf.Tensor): tf.Tensor => tf.transpose(x, order);
        return [(x) => [moved(x), part(x), ...gradientsOf(moved)(x), ...gradientsOf(part)(x)], shape];
      }),
    ));

  it('reads rows, and adds gradients up by them', () =>
    agree(
      fc.tuple(size, size, fc.array(fc.nat(3), { minLength: 1, maxLength: 6 })).map(([rows, columns, picks]) => {
        const indices = picks.map((pick) => pick % rows);
        const f = (x: tf.Tensor): tf.Tensor => tf.gather(x, tf.tensor1d(indices, 'int32'));
        return [(x) => [f(x), ...gradientsOf(f)(x)], [rows, columns]];
      }),
    ));

  const convolution = fc.record({
    batch: fc.integer({ min: 1, max: 2 }),
    channels: fc.integer({ min: 1, max: 3 }),
    out: fc.integer({ min: 1, max: 3 }),
    side: fc.integer({ min: 5, max: 8 }),
    kernel: fc.integer({ min: 1, max: 3 }),
    stride: fc.integer({ min: 1, max: 2 }),
    pad: fc.constantFrom<'valid' | 'same' | 1>('valid', 'same', 1),
  });

  it('convolves, with gradients', () =>
    agree(
      convolution.map(({ batch, channels, out, side, kernel, stride, pad }) => {
        const f = (x: tf.Tensor, w: tf.Tensor): tf.Tensor =>
          tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, stride, pad, 'NHWC', 1, pad === 1 ? 'floor' : undefined);
        return [
          (x, w) => [f(x, w), ...gradientsOf(f)(x, w)],
          [batch, side, side, channels],
          [kernel, kernel, channels, out],
        ];
      }),
    ));

  it('convolves channel by channel, with gradients', () =>
    agree(
      convolution.map(({ batch, channels, out, side, kernel, stride, pad }) => {
        const f = (x: tf.Tensor, w: tf.Tensor): tf.Tensor =>
          tf.depthwiseConv2d(
            x as tf.Tensor4D,
            w as tf.Tensor4D,
            stride,
            pad,
            'NHWC',
            1,
            pad === 1 ? 'floor' : undefined,
          );
        return [
          (x, w) => [f(x, w), ...gradientsOf(f)(x, w)],
          [batch, side, side, channels],
          [kernel, kernel, channels, out],
        ];
      }),
    ));

  it.each([
    ['maxPool', tf.maxPool],
    ['avgPool', tf.avgPool],
  ] as const)('pools with %s, with gradients', (_, pool) =>
    agree(
      convolution.map(({ batch, channels, side, kernel, stride, pad }) => {
        const f = (x: tf.Tensor): tf.Tensor =>
          pool(x as tf.Tensor4D, kernel + 1, stride, pad, pad === 1 ? 'floor' : undefined);
        return [(x) => [f(x), ...gradientsOf(f)(x)], [batch, side, side, channels]];
      }),
    ),
  );

  it('tells who reads at once what the GPU has computed to wait for it', async () => {
    await tf.setBackend('webgpu');
    const x = tf.matMul(tf.ones([64, 64]), tf.ones([64, 64]));
    expect(() => x.dataSync()).toThrow('await data(), not dataSync()');
    expect((await x.data())[0]).toBe(64);
    expect(x.dataSync()[0]).toBe(64);
  });
});
