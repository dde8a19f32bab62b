import '@logah/backend-ort';
import '@tensorflow/tfjs-backend-cpu';
import { createRandom } from '@logah/random';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  decode,
  fanInScale,
  type KernelShape,
  lowRankDecoderParameters,
  normalizeBias,
  normalizeGain,
  productDeviation,
  roundedSize,
  tileTo,
} from '../src/index.js';

const config = { dim: 8, rank: 3, maxRows: 50 };
const random = createRandom(3);
const shapeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

let parameters: Record<string, tf.Tensor>;
let embeddings: tf.Tensor2D;
beforeAll(async () => {
  await tf.setBackend('ort');
  parameters = Object.fromEntries(
    lowRankDecoderParameters(config).map(({ name, shape, initial }) => [name, tf.tensor(initial(random), [...shape])]),
  );
  embeddings = tf.tensor2d(random.normals(2 * config.dim, 0, 1), [2, config.dim]);
});

/** The definition, computed in full: all 2r rows of codes, all K rows of A and B, then cut (arXiv 2405.16287 §3.2). */
function decodeInFull([out, inputs, height, width]: KernelShape): tf.Tensor {
  return tf.tidy(() => {
    const { rank, maxRows } = config;
    const dense = (x: tf.Tensor, name: string): tf.Tensor =>
      tf.add(tf.matMul(x, parameters[`${name}.weight`], false, true), parameters[`${name}.bias`]);
    const hidden = tf.relu(dense(tf.relu(dense(embeddings, 'decoder.mlp.fc.0')), 'decoder.mlp.fc.2'));
    const codes = tf.reshape(tf.relu(dense(hidden, 'decoder.mlp.fc.4')), [-1, rank]);
    const rows = tf.reshape(dense(codes, 'decoder.l2'), [2, 2 * maxRows, rank]);
    const a = tf.slice(rows, [0, 0, 0], [2, out * height, rank]);
    const b = tf.slice(rows, [0, maxRows, 0], [2, inputs * width, rank]);
    return tf.transpose(tf.reshape(tf.matMul(a, b, false, true), [2, out, height, inputs, width]), [0, 1, 3, 2, 4]);
  });
}

const expectClose = (actual: tf.Tensor, expected: tf.Tensor): void => {
  expect(actual.shape).toEqual(expected.shape);
  const wanted = expected.dataSync();
  // Float32 products of three to thirty-two terms, added in another order.
  actual.dataSync().forEach((value, i) => expect(Math.abs(value - wanted[i])).toBeLessThan(1e-6));
};

const kernelShape: fc.Arbitrary<KernelShape> = fc.tuple(
  fc.integer({ min: 1, max: 25 }),
  fc.integer({ min: 1, max: 25 }),
  fc.integer({ min: 1, max: 2 }),
  fc.integer({ min: 1, max: 2 }),
);

describe('decode', () => {
  it('computes from few rows what the definition computes from all', () => {
    fc.assert(
      fc.property(kernelShape, (shape) => {
        tf.tidy(() => expectClose(decode(parameters, embeddings, shape, config), decodeInFull(shape)));
      }),
      { numRuns: 40 },
    );
  });

  it('gives for a smaller target a part of the larger one', () => {
    tf.tidy(() => {
      const large = decode(parameters, embeddings, [20, 24, 2, 2], config);
      expectClose(
        decode(parameters, embeddings, [7, 9, 2, 2], config),
        tf.slice(large, [0, 0, 0, 0, 0], [2, 7, 9, 2, 2]),
      );
    });
  });

  it('refuses a target that wants more rows than there are', () => {
    expect(() => decode(parameters, embeddings, [26, 1, 2, 1], config)).toThrow(
      'a target wants 52 rows of A, but the decoder has 50',
    );
  });

  it('names a parameter that is missing', () => {
    const { 'decoder.l2.bias': _, ...rest } = parameters;
    expect(() => decode(rest, embeddings, [2, 2, 1, 1], config)).toThrow(
      'the decoder\'s parameter "decoder.l2.bias" is missing',
    );
  });

  it('leaves no tensor behind, forward and backward', () => {
    const before = tf.memory().numTensors;
    tf.dispose(decode(parameters, embeddings, [5, 6, 1, 1], config));
    tf.dispose(tf.grad((x) => tf.sum(decode(parameters, x as tf.Tensor2D, [5, 6, 1, 1], config)))(embeddings));
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('tileTo', () => {
  it('repeats a tensor along each axis: element i is element i mod size', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 9 })), {
          minLength: 1,
          maxLength: 3,
        }),
        (axes) => {
          const from = axes.map(([size]) => size);
          const to = axes.map(([, size]) => size);
          tf.tidy(() => {
            const x = tf.tensor(
              Float32Array.from({ length: shapeOf(from) }, (_, i) => i),
              from,
            );
            const tiled = tileTo(x, to);
            expect(tiled.shape).toEqual(to);
            tiled.dataSync().forEach((value, flat) => {
              let rest = flat;
              let source = 0;
              for (let axis = to.length - 1, stride = 1; axis >= 0; axis--) {
                source += ((rest % to[axis]) % from[axis]) * stride;
                stride *= from[axis];
                rest = Math.floor(rest / to[axis]);
              }
              expect(value).toBe(source);
            });
          });
        },
      ),
      { numRuns: 50 },
    );
  });
});

describe('normalisation', () => {
  it('scales by fan-in: √(2 / fan_in), √(1 / fan_in) for one input channel or a kernel wider than high', () => {
    expect(fanInScale([10, 50])).toBeCloseTo(Math.sqrt(2 / 50), 12);
    expect(fanInScale([10, 5, 3, 3])).toBeCloseTo(Math.sqrt(2 / 45), 12);
    expect(fanInScale([10, 1, 3, 3])).toBeCloseTo(Math.sqrt(1 / 9), 12);
    expect(fanInScale([10, 5, 1, 3])).toBeCloseTo(Math.sqrt(1 / 15), 12);
  });

  it('keeps gains in (0, 2) around 1 and biases in (-1, 1) around 0', () => {
    tf.tidy(() => {
      const x = tf.tensor1d([-100, -1, 0, 1, 100]);
      expect([...normalizeGain(x).dataSync()].map((v) => Math.round(v * 1e4) / 1e4)).toEqual([0, 0.7551, 1, 1.2449, 2]);
      expect([...normalizeBias(x).dataSync()].map((v) => Math.round(v * 1e4) / 1e4)).toEqual([
        -1, -0.1974, 0, 0.1974, 1,
      ]);
    });
  });

  it('knows the deviation of a tiled product from its factors', () => {
    fc.assert(
      fc.property(fc.tuple(...[6, 6, 13, 13].map((max) => fc.integer({ min: 2, max }))), ([a, b, rows, columns]) => {
        tf.tidy(() => {
          const draw = createRandom(a * 31 + b);
          const left = tf.tensor2d(draw.normals(a * 3, 0.5, 2), [a, 3]);
          const right = tf.tensor2d(draw.normals(b * 3, -0.5, 1), [b, 3]);
          const cut = (x: tf.Tensor2D, size: number): tf.Tensor2D =>
            tf.slice(x, [0, 0], [Math.min(x.shape[0], size), 3]);
          const factors = { left: cut(left, rows), right: cut(right, columns) };
          const values = Array.from(
            tileTo(tf.matMul(factors.left, factors.right, false, true), [rows, columns]).dataSync(),
          );
          const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
          const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (values.length - 1);
          const [deviation] = productDeviation(factors, [rows, columns]).dataSync();
          expect(Math.abs(deviation / Math.sqrt(variance) - 1)).toBeLessThan(1e-4);
        });
      }),
      { numRuns: 50 },
    );
  });
});

describe('roundedSize', () => {
  it.each([
    [10, 64, 10],
    [12, 64, 16],
    [24, 64, 64],
    [32, 64, 64],
    [31, 64, 31],
    [100, 64, 64],
    [384, 2048, 512],
    [1280, 2048, 2048],
  ])('predicts %i of at most %i at %i', (size, max, rounded) => {
    expect(roundedSize(size, max)).toBe(rounded);
  });
});

describe('decode refuses', () => {
  it('embeddings and shapes that are not what it wants, by name', () => {
    const narrow = tf.zeros<tf.Rank.R2>([2, config.dim - 1]);
    expect(() => decode(parameters, narrow, [4, 4, 1, 1], config)).toThrow(
      'embeddings should be [targets, 8], got [2, 7]',
    );
    for (const shape of [[4, 4, 1, 0] as const, [4.5, 4, 1, 1] as const]) {
      expect(() => decode(parameters, embeddings, shape, config)).toThrow('positive integers, got [4');
    }
  });
});
