// Every native kernel against tfjs's own CPU kernel, over random shapes and values.
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import '@tensorflow/tfjs-core/dist/register_all_gradients.js';
import { fallbackCounts } from '../src/index.js';

beforeAll(() => tf.setBackend('ort'));

interface Input {
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
const value = fc.double({ min: -3, max: 3, noNaN: true }).map(Math.fround);
const positive = fc.double({ min: 0.125, max: 3, noNaN: true }).map(Math.fround);
const inputOf = (shape: readonly number[], values = value): fc.Arbitrary<Input> =>
  fc.array(values, { minLength: size(shape), maxLength: size(shape) }).map((list) => ({ shape, values: list }));
const shapeOf = (minRank: number, maxRank: number): fc.Arbitrary<number[]> =>
  fc.array(fc.integer({ min: 1, max: 5 }), { minLength: minRank, maxLength: maxRank });
const anyInput = (minRank = 0, maxRank = 4, values = value): fc.Arbitrary<Input> =>
  shapeOf(minRank, maxRank).chain((shape) => inputOf(shape, values));

/** Two shapes that broadcast: some sizes of the second are 1, or leading ones missing. */
const broadcastPair = (values = value): fc.Arbitrary<[Input, Input]> =>
  fc
    .tuple(shapeOf(0, 4), fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }), fc.nat(4), fc.boolean())
    .chain(([shape, flat, dropped, swap]) => {
      const other = shape.map((n, i) => (flat[i] ? 1 : n)).slice(Math.min(dropped, shape.length));
      return fc.tuple(inputOf(swap ? other : shape, values), inputOf(swap ? shape : other, values));
    });

type Operation = (...inputs: tf.Tensor[]) => tf.Tensor | tf.Tensor[];

/** The results of an operation on a backend, as plain numbers. */
async function results(backend: string, operation: Operation, inputs: readonly Input[]): Promise<Input[]> {
  await tf.setBackend(backend);
  const outputs = tf.tidy(() => operation(...inputs.map(({ values, shape }) => tf.tensor([...values], [...shape]))));
  const list = Array.isArray(outputs) ? outputs : [outputs];
  const read = list.map((tensor) => ({ shape: tensor.shape, values: [...tensor.dataSync()] }));
  tf.dispose(list);
  await tf.setBackend('ort');
  return read;
}

async function expectAgreement(operation: Operation, inputs: readonly Input[]): Promise<void> {
  const [expected, actual] = [await results('cpu', operation, inputs), await results('ort', operation, inputs)];
  expect(actual.map(({ shape }) => shape)).toEqual(expected.map(({ shape }) => shape));
  expected.forEach(({ values }, k) => {
    // Sums run in another order and functions are approximated otherwise: 1e-5 of the largest result, which float32 sums of these lengths keep.
    const scale = Math.max(1, ...values.map(Math.abs).filter(Number.isFinite));
    values.forEach((wanted, i) => {
      const got = actual[k].values[i];
      if (Number.isFinite(wanted)) expect(Math.abs(got - wanted) / scale).toBeLessThan(1e-5);
      else expect(got).toBe(wanted);
    });
  });
}

const agree = (arbitrary: fc.Arbitrary<readonly [Operation, ...Input[]]>): Promise<void> =>
  fc.assert(
    fc.asyncProperty(arbitrary, ([operation, ...inputs]) => expectAgreement(operation, inputs)),
    { numRuns: 40 },
  );

const with1 = (operation: Operation, input: fc.Arbitrary<Input>) => input.map((x) => [operation, x] as const);
const with2 = (operation: Operation, pair: fc.Arbitrary<readonly [Input, Input]>) =>
  pair.map(([a, b]) => [operation, a, b] as const);

const axesOf = (input: Input): fc.Arbitrary<number[]> =>
  fc.subarray(
    input.shape.map((_, i) => i),
    { minLength: 1 },
  );

/** Geometry of a convolution or pooling that has at least one window. */
const convolution = fc
  .record({
    batch: fc.integer({ min: 1, max: 2 }),
    channels: fc.integer({ min: 1, max: 3 }),
    out: fc.integer({ min: 1, max: 3 }),
    height: fc.integer({ min: 5, max: 8 }),
    width: fc.integer({ min: 5, max: 8 }),
    kernel: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
    stride: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
    pad: fc.constantFrom<'valid' | 'same'>('valid', 'same'),
  })
  .chain((g) =>
    fc.record({
      geometry: fc.constant(g),
      image: inputOf([g.batch, g.height, g.width, g.channels]),
      filter: inputOf([...g.kernel, g.channels, g.out]),
    }),
  );

const gradientsOf =
  (f: (...xs: tf.Tensor[]) => tf.Tensor): Operation =>
  (...xs) =>
    tf.grads((...ys) => tf.sum(tf.sin(f(...ys))))(xs);

interface Case<F> {
  readonly name: string;
  readonly operation: F;
  readonly values?: fc.Arbitrary<number>;
}

const UNARY: ReadonlyArray<Case<(x: tf.Tensor) => tf.Tensor>> = [
  { name: 'abs', operation: tf.abs },
  { name: 'ceil', operation: tf.ceil },
  { name: 'cos', operation: tf.cos },
  { name: 'erf', operation: tf.erf },
  { name: 'exp', operation: tf.exp },
  { name: 'floor', operation: tf.floor },
  { name: 'neg', operation: tf.neg },
  { name: 'relu', operation: tf.relu },
  { name: 'sigmoid', operation: tf.sigmoid },
  { name: 'sin', operation: tf.sin },
  { name: 'square', operation: tf.square },
  { name: 'tanh', operation: tf.tanh },
  { name: 'log', operation: tf.log, values: positive },
  { name: 'sqrt', operation: tf.sqrt, values: positive },
  { name: 'rsqrt', operation: tf.rsqrt, values: positive },
  { name: 'reciprocal', operation: tf.reciprocal, values: positive },
  { name: 'step', operation: (x) => tf.step(x) },
  { name: 'leakyRelu', operation: (x) => tf.leakyRelu(x, 0.1) },
  { name: 'elu', operation: tf.elu },
  { name: 'selu', operation: tf.selu },
  { name: 'softplus', operation: tf.softplus },
  { name: 'relu6', operation: tf.relu6 },
  { name: 'clipByValue', operation: (x) => tf.clipByValue(x, -1, 0.5) },
];
const ACTIVATIONS = ['linear', 'relu', 'relu6', 'elu', 'sigmoid', 'leakyrelu', 'prelu'] as const;
const BINARY: ReadonlyArray<Case<(a: tf.Tensor, b: tf.Tensor) => tf.Tensor>> = [
  { name: 'add', operation: tf.add },
  { name: 'sub', operation: tf.sub },
  { name: 'mul', operation: tf.mul },
  { name: 'maximum', operation: tf.maximum },
  { name: 'minimum', operation: tf.minimum },
  { name: 'squaredDifference', operation: tf.squaredDifference },
  { name: 'div', operation: tf.div, values: positive },
  { name: 'pow', operation: tf.pow, values: positive },
  { name: 'greater', operation: tf.greater },
  { name: 'greaterEqual', operation: tf.greaterEqual },
  { name: 'less', operation: tf.less },
  { name: 'lessEqual', operation: tf.lessEqual },
  { name: 'equal', operation: tf.equal },
];

describe('agrees with the CPU backend', () => {
  it.each(UNARY)('$name', ({ operation, values }) => agree(with1((x) => operation(x), anyInput(0, 4, values))));

  it.each(BINARY)('$name, with broadcasting', ({ operation, values }) =>
    agree(with2((a, b) => operation(a, b), broadcastPair(values))),
  );

  it.each([
    ['sum', tf.sum],
    ['mean', tf.mean],
    ['max', tf.max],
    ['min', tf.min],
    ['prod', tf.prod],
  ] as const)('%s over axes', (_, reduce) =>
    agree(
      anyInput(1).chain((x) =>
        fc.tuple(axesOf(x), fc.boolean()).map(([axes, keep]) => [(t: tf.Tensor) => reduce(t, axes, keep), x] as const),
      ),
    ),
  );

  it('matMul, batched, broadcast and transposed', () =>
    agree(
      fc
        .tuple(shapeOf(3, 3), fc.boolean(), fc.boolean(), shapeOf(0, 2), fc.constantFrom('both', 'left', 'right'))
        .chain(([[m, k, n], transA, transB, batch, side]) => {
          const a = [...(side === 'right' ? batch.map(() => 1) : batch), ...(transA ? [k, m] : [m, k])];
          const b = [...(side === 'left' ? batch.map(() => 1) : batch), ...(transB ? [n, k] : [k, n])];
          return with2((x, y) => tf.matMul(x, y, transA, transB), fc.tuple(inputOf(a), inputOf(b)));
        }),
    ));

  it('a linear layer: matMul and bias at once', () =>
    agree(
      fc.tuple(shapeOf(3, 3), fc.boolean(), fc.boolean()).chain(([[m, k, n], transposeA, transposeB]) =>
        fc
          .tuple(inputOf(transposeA ? [k, m] : [m, k]), inputOf(transposeB ? [n, k] : [k, n]), inputOf([n]))
          .map((inputs) => {
            const layer: Operation = (a, b, bias) => tf.fused.matMul({ a, b, bias, transposeA, transposeB });
            return [layer, ...inputs] as const;
          }),
      ),
    ));

  it.each(ACTIVATIONS)('a dense layer with %s: product, bias and activation at once', (activation) =>
    agree(
      fc
        // tfjs's own kernel adds a bias of four axes to a product of three.
        .tuple(shapeOf(3, 3), shapeOf(0, 1), fc.constantFrom('none', 'columns', 'row', 'all'), fc.boolean())
        .chain(([[m, k, n], batch, biased, isShared]) => {
          const whole = [...batch, m, n];
          const biasShape = { none: [1], columns: [n], row: [1, n], all: whole }[biased];
          const slopes = [...batch.map(() => 1), 1, n];
          return fc
            .tuple(inputOf([...batch, m, k]), inputOf([...(isShared ? batch.map(() => 1) : batch), k, n]))
            .chain(([a, b]) => fc.tuple(fc.constant(a), fc.constant(b), inputOf(biasShape), inputOf(slopes)))
            .map((inputs) => {
              const layer: Operation = (x, y, bias, preluActivationWeights) =>
                tf.fused.matMul({
                  ...{ a: x, b: y, activation, leakyreluAlpha: 0.3 },
                  ...(biased === 'none' ? {} : { bias }),
                  ...(activation === 'prelu' ? { preluActivationWeights } : {}),
                });
              return [layer, ...inputs] as const;
            });
        }),
    ),
  );

  it.each(ACTIVATIONS)('a convolution and a depthwise one with %s and bias at once', (activation) =>
    agree(
      fc
        .tuple(convolution, fc.boolean(), fc.array(value, { minLength: 9, maxLength: 9 }))
        .map(([one, isBiased, list]) => {
          const { geometry, image, filter } = one;
          const { stride, pad, channels, out } = geometry;
          const layer: Operation = (x, w) => {
            const more = (count: number) => ({
              activation,
              leakyreluAlpha: 0.3,
              ...(isBiased ? { bias: tf.tensor1d(list.slice(0, count)) } : {}),
              ...(activation === 'prelu'
                ? { preluActivationWeights: tf.tensor3d(list.slice(0, count), [1, 1, count]) }
                : {}),
            });
            const [images, filters] = [x as tf.Tensor4D, w as tf.Tensor4D];
            const square: [number, number] = [stride[0], stride[0]];
            return [
              tf.fused.conv2d({ x: images, filter: filters, strides: stride, pad, ...more(out) }),
              tf.fused.depthwiseConv2d({ x: images, filter: filters, strides: square, pad, ...more(channels * out) }),
            ];
          };
          return [layer, image, filter] as const;
        }),
    ),
  );

  it('batchNorm with and without scale and offset, and its gradients', () =>
    agree(
      fc.tuple(anyInput(2, 4), fc.boolean(), fc.boolean()).chain(([x, hasScale, hasOffset]) => {
        const channels = [x.shape[x.shape.length - 1]];
        return fc
          .tuple(inputOf(channels), inputOf(channels, positive), inputOf(channels), inputOf(channels))
          .map((others) => {
            const f = (...[t, mean, variance, offset, scale]: tf.Tensor[]) =>
              tf.batchNorm(
                t as tf.Tensor2D,
                mean as tf.Tensor1D,
                variance as tf.Tensor1D,
                hasOffset ? (offset as tf.Tensor1D) : undefined,
                hasScale ? (scale as tf.Tensor1D) : undefined,
                1e-3,
              );
            const operation: Operation = (...tensors) => {
              const used = [tensors[0], tensors[1], tensors[2]];
              // tfjs itself has no gradient where one of them is left out.
              if (!hasScale || !hasOffset) return f(...tensors);
              const gradients = tf.grads((...ys) => tf.sum(tf.sin(f(...ys, ...tensors.slice(3)))))(used);
              return [f(...tensors), ...gradients];
            };
            return [operation, x, ...others] as const;
          });
      }),
    ));

  it('prelu, and gradients of activations', () =>
    agree(
      anyInput(1).chain((x) =>
        inputOf([x.shape[x.shape.length - 1]]).map((slopes) => {
          const f = (t: tf.Tensor, alpha: tf.Tensor) => tf.prelu(t, alpha);
          const operation: Operation = (t, alpha) => [
            f(t, alpha),
            ...[gradientsOf(f)(t, alpha)].flat(),
            ...[tf.elu, tf.selu, tf.softplus, tf.relu6].flatMap((g) => gradientsOf(g)(t)),
          ];
          return [operation, x, slopes] as const;
        }),
      ),
    ));

  it('softmax and logSoftmax', () => agree(with1((x) => [tf.softmax(x), tf.logSoftmax(x)], anyInput(1))));

  it('transpose', () =>
    agree(
      anyInput(1).chain((x) =>
        fc
          .shuffledSubarray(
            x.shape.map((_, i) => i),
            { minLength: x.shape.length },
          )
          .map((perm) => [(t: tf.Tensor) => tf.transpose(t, perm), x] as const),
      ),
    ));

  it('slice', () =>
    agree(
      anyInput(1).chain((x) =>
        fc
          .tuple(
            ...x.shape.map((n) =>
              fc.nat(n - 1).chain((begin) => fc.tuple(fc.constant(begin), fc.integer({ min: 1, max: n - begin }))),
            ),
          )
          .map(
            (cuts) =>
              [
                (t: tf.Tensor) =>
                  tf.slice(
                    t,
                    cuts.map(([begin]) => begin),
                    cuts.map(([, length]) => length),
                  ),
                x,
              ] as const,
          ),
      ),
    ));

  it('split, unstack and stack', () =>
    agree(
      anyInput(1).chain((x) =>
        fc
          .nat(x.shape.length - 1)
          .map(
            (axis) =>
              [
                (t: tf.Tensor) => [...tf.split(t, x.shape[axis], axis), ...tf.unstack(t, axis), tf.stack([t, t], axis)],
                x,
              ] as const,
          ),
      ),
    ));

  it('concat, tile and pad', () =>
    agree(
      anyInput(1).chain((x) =>
        fc.tuple(fc.nat(x.shape.length - 1), fc.array(fc.nat(2), { minLength: 12, maxLength: 12 })).map(
          ([axis, n]) =>
            [
              (t: tf.Tensor) => [
                tf.concat([t, tf.neg(t)], axis),
                tf.tile(
                  t,
                  x.shape.map((_, i) => n[i] + 1),
                ),
                tf.pad(
                  t,
                  x.shape.map((_, i) => [n[i], n[i + 4]] as [number, number]),
                  1.5,
                ),
              ],
              x,
            ] as const,
        ),
      ),
    ));

  it('gather and its gradient', () =>
    agree(
      anyInput(1).chain((x) =>
        fc.array(fc.nat(x.shape[0] - 1), { minLength: 1, maxLength: 6 }).map((rows) => {
          const gather = (t: tf.Tensor) => tf.gather(t, tf.tensor1d(rows, 'int32'));
          return [(t: tf.Tensor) => [gather(t), ...[gradientsOf(gather)(t)].flat()], x] as const;
        }),
      ),
    ));

  it('where and addN', () =>
    agree(
      with2(
        (a, b) => [tf.where(tf.greater(a, b), a, tf.mul(b, 2)), tf.addN([a, b, a])],
        shapeOf(0, 4).chain((s) => fc.tuple(inputOf(s), inputOf(s))),
      ),
    ));

  it('conv2d and its gradients', () =>
    agree(
      convolution.map(({ geometry: { stride, pad }, image, filter }) => {
        const f = (x: tf.Tensor, w: tf.Tensor) => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, stride, pad);
        return [(x: tf.Tensor, w: tf.Tensor) => [f(x, w), ...[gradientsOf(f)(x, w)].flat()], image, filter] as const;
      }),
    ));

  it('depthwiseConv2d and its gradients', () =>
    agree(
      convolution.map(({ geometry: { stride, pad }, image, filter }) => {
        const f = (x: tf.Tensor, w: tf.Tensor) =>
          tf.depthwiseConv2d(x as tf.Tensor4D, w as tf.Tensor4D, [stride[0], stride[0]], pad);
        return [(x: tf.Tensor, w: tf.Tensor) => [f(x, w), ...[gradientsOf(f)(x, w)].flat()], image, filter] as const;
      }),
    ));

  it('maxPool and its gradient', () =>
    agree(
      convolution.map(({ geometry: { stride, pad, kernel }, image }) => {
        const f = (x: tf.Tensor) => tf.maxPool(x as tf.Tensor4D, kernel, stride, pad);
        return [(x: tf.Tensor) => [f(x), ...[gradientsOf(f)(x)].flat()], image] as const;
      }),
    ));

  it('avgPool, and without padding its gradient', () =>
    agree(
      convolution.map(({ geometry: { stride, pad, kernel }, image }) => {
        const f = (x: tf.Tensor) => tf.avgPool(x as tf.Tensor4D, kernel, stride, pad);
        // With padding the CPU kernel's gradient is not that of its own forward: it divides by the whole window.
        return [(x: tf.Tensor) => [f(x), ...(pad === 'valid' ? [gradientsOf(f)(x)].flat() : [])], image] as const;
      }),
    ));
});

describe('the backend', () => {
  it('keeps NaN', () => {
    const x = tf.tensor1d([Number.NaN, -1]);
    for (const f of [tf.relu, tf.exp, tf.tanh, tf.step, tf.abs]) expect(f(x).dataSync()[0]).toBeNaN();
    expect(tf.max(x).dataSync()[0]).toBeNaN();
    for (const f of [tf.elu, tf.selu, tf.softplus, tf.relu6]) {
      expect(f(x).dataSync()[0]).toBeNaN();
      expect(
        tf
          .grad((t) => tf.sum(f(t)))(x)
          .dataSync()[0],
      ).toBeNaN();
    }
  });

  it.each(ACTIVATIONS)('keeps NaN through a fused %s', (activation) => {
    const slopes = { preluActivationWeights: tf.ones([1]), activation };
    for (const size of [2, 200]) {
      const a = tf.fill([size, 2], Number.NaN);
      const image = tf.fill([1, size, 2, 1], Number.NaN) as tf.Tensor4D;
      const filter = tf.ones([1, 1, 1, 1]) as tf.Tensor4D;
      const bias = tf.tensor1d([0]);
      for (const y of [
        tf.fused.matMul({ a, b: tf.ones([2, 1]), bias, ...slopes }),
        tf.fused.matMul({ a, b: tf.ones([2, 1]), ...slopes }),
        tf.fused.conv2d({ x: image, filter, strides: 1, pad: 'valid', bias, ...slopes }),
        tf.fused.depthwiseConv2d({ x: image, filter, strides: 1, pad: 'valid', bias, ...slopes }),
      ])
        expect([...y.dataSync()].every(Number.isNaN)).toBe(true);
    }
  });

  it('never writes into values that were read', () => {
    const ones = tf.ones([1000]);
    const kept = tf.tidy(() => tf.add(ones, 1).dataSync());
    for (let i = 0; i < 5; i++) tf.tidy(() => tf.mul(ones, 7));
    expect(new Set(kept)).toEqual(new Set([2]));
  });

  it('never writes into memory that a JavaScript kernel shares', () => {
    const x = tf.add(tf.zeros([1000]), 3);
    const part = tf.stridedSlice(x, [100], [900], [1]);
    x.dispose();
    for (let i = 0; i < 5; i++) tf.tidy(() => tf.mul(tf.ones([1000]), 7));
    expect(new Set(part.dataSync())).toEqual(new Set([3]));
  });

  it('frees what it allocates', () => {
    const x = tf.randomNormal([64, 64]);
    const before = tf.memory();
    tf.tidy(() =>
      tf
        .grad((t) => tf.sum(tf.softmax(tf.matMul(t, tf.transpose(t)))))(x)
        .dataSync(),
    );
    expect(tf.memory().numTensors).toBe(before.numTensors);
    expect(tf.memory().numDataBuffers).toBe(before.numDataBuffers);
  });

  it('counts kernels that ran in JavaScript', () => {
    const before = fallbackCounts().Atan ?? 0;
    tf.tidy(() => tf.atan(tf.scalar(1)));
    expect(fallbackCounts().Atan).toBe(before + 1);
  });
});
