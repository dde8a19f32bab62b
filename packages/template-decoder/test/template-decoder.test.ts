import '@logah/backend-ort';
import '@logah/wasm-kernels';
import '@tensorflow/tfjs-backend-cpu';
import { createRandom } from '@logah/random';
import type { ParameterSpec } from '@logah/tensor-ops';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { goldenBackends } from '../../../tools/golden-backends.js';
import {
  bankParameters,
  type MixedTarget,
  mixTemplates,
  mixtureHidden,
  mixtureParameters,
  mixtureWeights,
  type TemplateBank,
} from '../src/index.js';

const bank = (changes: Partial<TemplateBank>): TemplateBank => ({
  name: 'bank',
  shape: [12, 10],
  templates: 3,
  rank: 0,
  deviation: 0.5,
  ...changes,
});
const FULL = bank({});
const FACTORED = bank({ rank: 4 });
const KERNELS = bank({ rank: 4, shape: [6, 5, 5, 5] });
const VECTORS = bank({ shape: [14] });

const draw = (specs: readonly ParameterSpec[], seed = 3): Record<string, tf.Tensor> => {
  const random = createRandom(seed);
  return Object.fromEntries(specs.map(({ name, shape, initial }) => [name, tf.tensor(initial(random), [...shape])]));
};

/** A tensor's shape and numbers. */
interface Numbers {
  readonly shape: readonly number[];
  readonly values: ArrayLike<number>;
}

const numbersOf = async (parameters: Record<string, tf.Tensor>): Promise<Record<string, Numbers>> =>
  Object.fromEntries(
    await Promise.all(
      Object.entries(parameters).map(async ([name, x]) => [name, { shape: x.shape, values: await x.data() }] as const),
    ),
  );

/** Entry `[out, in, y, x]` of template k, from the definition. */
function entry(parameters: Record<string, Numbers>, { rank, shape }: TemplateBank, k: number, at: number[]): number {
  const value = (name: string, index: number[]): number => {
    const { shape: sizes } = parameters[name];
    const place = index.reduce((flat, i, axis) => flat * sizes[axis] + i, 0);
    return parameters[name].values[place];
  };
  if (rank === 0) return value('bank', [k, ...at]);
  const [row, column, ...sides] = at;
  let sum = 0;
  for (let r = 0; r < rank; r++) {
    const spatial = sides.length === 0 ? 1 : value('bank.spatial', [k, r, ...sides]);
    sum += value('bank.left', [k, row, r]) * value('bank.right', [k, r, column]) * spatial;
  }
  expect(shape.length).toBe(at.length);
  return sum;
}

/** All places of a shape, in row-major order. */
const places = (shape: readonly number[]): number[][] =>
  shape.reduce<number[][]>(
    (all, size) => all.flatMap((at) => Array.from({ length: size }, (_, i) => [...at, i])),
    [[]],
  );

const smaller = (largest: readonly number[]): fc.Arbitrary<number[]> =>
  fc.tuple(...largest.map((size) => fc.integer({ min: 1, max: size })));

describe.each(await goldenBackends())('on %s', (backend) => {
  beforeAll(() => tf.setBackend(backend));

  it.each([
    ['written out', FULL],
    ['factored', FACTORED],
    ['of kernels', KERNELS],
    ['of vectors', VECTORS],
  ])('mixes templates %s, the first rows and columns and the centre of a window', async (_, of) => {
    const parameters = draw(bankParameters(of));
    const numbers = await numbersOf(parameters);
    await fc.assert(
      fc.asyncProperty(
        smaller(of.shape),
        fc.array(fc.array(fc.float({ min: -2, max: 2, noNaN: true }), { minLength: 3, maxLength: 3 }), {
          minLength: 1,
          maxLength: 3,
        }),
        async (shape, weights) => {
          const tensor = tf.tidy(() => mixTemplates(parameters, of, tf.tensor2d(weights, [weights.length, 3]), shape));
          const mixed = await tensor.data();
          tensor.dispose();
          const wanted = weights.flatMap((own) =>
            places(shape).map((at) => {
              const inBank = at.map((i, axis) => (axis < 2 ? i : i + Math.floor((of.shape[axis] - shape[axis]) / 2)));
              return own.reduce((sum, weight, k) => sum + weight * entry(numbers, of, k, inBank), 0);
            }),
          );
          // At most twelve products of float32 numbers of size 1, added in another order.
          wanted.forEach((value, i) => expect(Math.abs(mixed[i] - value)).toBeLessThan(1e-5));
          expect(mixed.length).toBe(wanted.length);
        },
      ),
      { numRuns: 15 },
    );
    tf.dispose(Object.values(parameters));
  });

  it('mixes one target as it mixes it among others', async () => {
    const parameters = draw(bankParameters(FACTORED));
    const weights = tf.tensor2d([0.2, 0.5, 0.3, 1, 0, 0], [2, 3]);
    const both = await mixTemplates(parameters, FACTORED, weights, [7, 9]).data();
    const alone = await mixTemplates(parameters, FACTORED, tf.slice(weights, [0, 0], [1, 3]), [7, 9]).data();
    alone.forEach((value, i) => expect(Math.abs(value - both[i])).toBeLessThan(1e-6));
  });

  it('has the gradient of a mixture in weights and templates', async () => {
    const parameters = draw(bankParameters(FULL));
    const weights = tf.tensor2d([0.2, 0.5, 0.3], [1, 3]);
    // Of the sum over a slice of ones: Σ of the slice for each weight; the weight on the slice, 0 outside it, for each template.
    const [ofWeights, ofTemplates] = tf.grads((w, t) =>
      tf.sum(mixTemplates({ bank: t }, FULL, w as tf.Tensor2D, [2, 3])),
    )([weights, parameters.bank]);
    const sums = await tf.sum(tf.slice(parameters.bank, [0, 0, 0], [3, 2, 3]), [1, 2]).data();
    (await ofWeights.data()).forEach((value, k) => expect(value).toBeCloseTo(sums[k], 4));
    const gradient = await ofTemplates.data();
    places([3, ...FULL.shape]).forEach(([k, row, column], i) =>
      expect(gradient[i]).toBeCloseTo(row < 2 && column < 3 ? [0.2, 0.5, 0.3][k] : 0, 5),
    );
  });

  describe('mixtureWeights', () => {
    const config = { features: 6, hidden: 8, kinds: 2, templates: 4 };
    const targets: MixedTarget[] = [
      { row: 0, kind: 0, depth: 0 },
      { row: 1, kind: 1, depth: 0.5 },
      { row: 1, kind: 0, depth: 1 },
    ];
    const features = (): tf.Tensor2D => tf.tensor2d(createRandom(5).normals(12, 0, 1), [2, 6]);

    it('gives shares that add up to 1 before the gain is trained', async () => {
      const parameters = draw(mixtureParameters(config));
      const weights = mixtureWeights(parameters, mixtureHidden(parameters, features()), targets, config);
      expect(weights.shape).toEqual([3, 4]);
      for (const sum of await tf.sum(weights, 1).data()) expect(sum).toBeCloseTo(1, 5);
    });

    it('takes the first template most in the first layer and the last most in the last', async () => {
      const parameters = draw(mixtureParameters(config));
      const zero = Object.fromEntries(Object.entries(parameters).map(([name, x]) => [name, tf.zerosLike(x)]));
      const weights = mixtureWeights(zero, mixtureHidden(zero, features()), targets, config);
      const shares = await weights.array();
      expect(shares.map((row) => row.indexOf(Math.max(...row)))).toEqual([0, 1, 3]);
      // A softmax of −8 (depth − j / 3)², from the definition.
      const raw = [0, 1, 2, 3].map((j) => Math.exp(-8 * (0.5 - j / 3) ** 2));
      const total = raw.reduce((a, b) => a + b, 0);
      shares[1].forEach((share, j) => expect(share).toBeCloseTo(raw[j] / total, 5));
    });

    it('multiplies the shares of a target by 1 + its gain', async () => {
      const parameters = draw(mixtureParameters(config));
      const gained = { ...parameters, 'mixture.gain.bias': tf.tensor1d([0.5, -0.25]) };
      const weights = mixtureWeights(gained, mixtureHidden(gained, features()), targets, config);
      const sums = await tf.sum(weights, 1).data();
      [1.5, 0.75, 1.5].forEach((sum, i) => expect(sums[i]).toBeCloseTo(sum, 5));
    });
  });

  it('leaves no tensors behind', () => {
    const config = { features: 6, hidden: 8, kinds: 2, templates: 3 };
    const parameters = draw([...bankParameters(KERNELS), ...mixtureParameters(config)]);
    const features = tf.ones<tf.Rank.R2>([2, 6]);
    const before = tf.memory().numTensors;
    const hidden = mixtureHidden(parameters, features);
    const weights = mixtureWeights(parameters, hidden, [{ row: 1, kind: 0, depth: 0 }], config);
    tf.dispose([hidden, weights, mixTemplates(parameters, KERNELS, weights, [6, 5, 3, 3])]);
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('bankParameters', () => {
  it.each([FULL, FACTORED, KERNELS, bank({ rank: 8, shape: [40, 30] })])(
    'draw templates of the bank’s deviation: rank $rank of $shape',
    async (of) => {
      await tf.setBackend('cpu');
      const many = { ...of, templates: 60, shape: of.shape.map((size, axis) => (axis < 2 ? 3 * size : size)) };
      const parameters = draw(bankParameters(many));
      const values = mixTemplates(parameters, many, tf.eye(60), many.shape); // every template by itself
      const all = tf.sqrt(tf.mean(tf.square(values))).dataSync()[0];
      // Sixty templates of values that share factors: a tenth is several of the deviations of this estimate.
      expect(all / of.deviation).toBeGreaterThan(0.9);
      expect(all / of.deviation).toBeLessThan(1.1);
    },
  );

  it('refuse a target that is larger, naming both', () => {
    const parameters = draw(bankParameters(FULL));
    expect(() => mixTemplates(parameters, FULL, tf.ones([1, 3]), [13, 2])).toThrow(
      'the templates "bank" are [12, 10], too small for a target of [13, 2]',
    );
  });

  it('name a parameter that is missing', () => {
    expect(() => mixTemplates({}, FULL, tf.ones([1, 3]), [1, 2])).toThrow(
      'the template decoder\'s parameter "bank" is missing',
    );
  });
});
