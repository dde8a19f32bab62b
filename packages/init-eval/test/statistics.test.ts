import '@logah/backend-ort';
import { buildArchitecture, parseArchitecture } from '@logah/graph-ir';
import { createRandom } from '@logah/random';
import * as tf from '@tensorflow/tfjs-core';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  adviceOn,
  diversity,
  findings,
  layerStatistics,
  orthogonalInitializer,
  randomInitializer,
  untrainedRows,
} from '../src/index.js';

beforeAll(() => tf.setBackend('ort'));

const diagonal = (values: number[]): tf.Tensor => tf.diag(tf.tensor1d(values));

describe('layerStatistics', () => {
  it('know the spectrum of a diagonal matrix', async () => {
    const [layer] = await layerStatistics({ w: diagonal([3, 2, 1, 0]) });
    expect(layer.norm).toBeCloseTo(Math.sqrt(14), 5);
    expect(layer.mean).toBeCloseTo(6 / 16, 6);
    expect(layer.matrix?.spectralNorm).toBeCloseTo(3, 5);
    // (9 + 4 + 1)² / (81 + 16 + 1)
    expect(layer.matrix?.effectiveRank).toBeCloseTo(2, 5);
    expect(layer.matrix?.zeroRows).toBe(1);
  });

  it('find effective ranks between 1 and the smaller side, of kernels too, and leave no tensor behind', async () => {
    const sizes = [fc.integer({ min: 2, max: 9 }), fc.integer({ min: 1, max: 9 })] as const;
    await fc.assert(
      fc.asyncProperty(...sizes, fc.nat(), async (rows, columns, seed) => {
        const w = tf.tensor(createRandom(seed).normals(rows * columns * 4, 0, 1), [rows, columns, 2, 2]);
        const before = tf.memory().numTensors;
        const [{ matrix }] = await layerStatistics({ w });
        expect(tf.memory().numTensors).toBe(before);
        const rank = matrix?.effectiveRank ?? 0;
        expect(rank).toBeGreaterThan(1 - 1e-5);
        expect(rank).toBeLessThan(Math.min(rows, columns * 4) + 1e-4);
        w.dispose();
      }),
      { numRuns: 30 },
    );
  });

  it('count rows that copy earlier ones, and leave the spectrum of vectors out', async () => {
    const [matrix, vector] = await layerStatistics({
      w: tf.tensor2d([
        [1, 2],
        [3, 4],
        [1, 2],
        [2, 1],
      ]),
      b: tf.tensor1d([1, 3]),
    });
    expect(matrix.matrix?.repeatedRows).toBe(1);
    expect(vector).toEqual({ name: 'b', shape: [2], norm: Math.sqrt(10), mean: 2, std: 1 });
  });
});

describe('diversity', () => {
  it('is the mean of 1 − |cos| over pairs of one shape', async () => {
    const parameters = {
      a: tf.tensor2d([
        [1, 0],
        [0, 0],
      ]),
      b: tf.tensor2d([
        [0, 1],
        [0, 0],
      ]),
      c: tf.tensor2d([
        [-2, 0],
        [0, 0],
      ]),
      other: tf.ones([3, 3]),
      bias: tf.ones([2]),
    };
    // a ⊥ b: 1; a against c: 1 − |−1| = 0; b ⊥ c: 1.
    expect(await diversity(parameters)).toBeCloseTo(2 / 3, 6);
    expect(await diversity({ only: tf.ones([2, 2]) })).toBeNull();
  });
});

const graph = buildArchitecture(parseArchitecture('vit:layers=2,heads=2,hidden=32,mlp=64,patch=16'));
const WEIGHT = 'encoder.layers.encoder_layer_0.mlp.0.weight';

describe('findings', () => {
  const kinds = async (change: (start: Record<string, tf.Tensor>) => void): Promise<string[]> => {
    const start = { ...(await randomInitializer(graph, createRandom(1))) };
    change(start);
    return findings(graph, await layerStatistics(start)).map(({ kind, parameters }) => `${kind}: ${parameters.join()}`);
  };

  it('are none for random and orthogonal starts', async () => {
    expect(await kinds(() => {})).toEqual([]);
    expect(findings(graph, await layerStatistics(await orthogonalInitializer(graph, createRandom(1))))).toEqual([]);
  });

  it.each([
    ['not finite', () => tf.fill([64, 32], Number.NaN)],
    ['exploding', () => tf.tensor(createRandom(1).normals(64 * 32, 0, 10), [64, 32])],
    ['quiet branches', () => tf.tensor(createRandom(1).normals(64 * 32, 0, 1e-4), [64, 32])],
    [
      'collapsed',
      () =>
        tf.matMul(
          tf.tensor(createRandom(1).normals(64, 0, 0.3), [64, 1]),
          tf.tensor(createRandom(2).normals(32, 0, 0.3), [1, 32]),
        ),
    ],
    ['zero rows', () => tf.concat([tf.tensor(createRandom(1).normals(63 * 32, 0, 0.2), [63, 32]), tf.zeros([1, 32])])],
    ['repeated rows', () => tf.tile(tf.tensor(createRandom(1).normals(32 * 32, 0, 0.2), [32, 32]), [2, 1])],
  ] as const)('name a weight that is or has %s', async (kind, make) => {
    const found = await kinds((start) => {
      start[WEIGHT] = make();
    });
    expect(found[0]).toBe(`${kind}: ${WEIGHT}`);
    expect(found).toHaveLength(1);
  });

  it('tell small weights that the signal goes around from those that it must pass', async () => {
    const small = (...names: readonly string[]): Promise<string[]> =>
      kinds((start) => {
        for (const name of names) start[name] = tf.mul(start[name], 1e-4);
      });
    const layer = 'encoder.layers.encoder_layer_1';
    const around = [`${layer}.self_attention.in_proj_weight`, `${layer}.self_attention.out_proj.weight`];
    expect(await small('conv_proj.weight', ...around, `${layer}.mlp.3.weight`, 'heads.head.weight')).toEqual([
      'vanishing: conv_proj.weight,heads.head.weight',
      `quiet branches: ${around.join()},${layer}.mlp.3.weight`,
    ]);
    expect([adviceOn('vanishing').isTrouble, adviceOn('quiet branches').isTrouble]).toEqual([true, false]);
  });

  it('find no branch where nothing goes around a layer', async () => {
    // The sum of a ResNet's block and its shortcut, not that of patches and positions.
    const resnet = buildArchitecture(parseArchitecture('resnet18:classes=10,image=32'));
    const tiny = resnet.parameters.map(({ name, shape }) => ({
      name,
      shape,
      norm: 1,
      mean: 0,
      std: 1e-6,
      matrix: { spectralNorm: 1, effectiveRank: 10, zeroRows: 0, repeatedRows: 0 },
    }));
    const found = findings(resnet, tiny);
    const [vanishing, quiet] = ['vanishing', 'quiet branches'].map(
      (kind) => found.find((finding) => finding.kind === kind)?.parameters,
    );
    expect(vanishing).toContain('conv1.weight');
    expect(vanishing).toContain('fc.weight');
    expect(quiet).toContain('layer1.0.conv1.weight');
    expect(quiet).toContain('layer1.1.conv2.weight');
  });

  it('leave a matrix alone that has most of its values in one direction, and not nearly all', async () => {
    const flat = createRandom(1).normals(64 * 32, 0, 0.2);
    const along = (share: number): tf.Tensor => {
      const row = createRandom(2).normals(32, 0, 0.2);
      return tf.tensor(
        flat.map((value, i) => value + share * row[i % 32]),
        [64, 32],
      );
    };
    const judged = (share: number): Promise<string[]> =>
      kinds((start) => {
        start[WEIGHT] = along(share);
      });
    // Effective ranks of 1.75 and 1.17.
    expect(await judged(1)).toEqual([]);
    expect(await judged(2)).toEqual([`collapsed: ${WEIGHT}`]);
  });
});

describe('untrainedRows', () => {
  it('counts rows that at most shrank', async () => {
    const start = {
      w: tf.tensor2d([
        [1, 2],
        [3, 4],
        [0, 0],
      ]),
      b: tf.tensor1d([1]),
    };
    const trained = {
      w: tf.tensor2d([
        [0.9, 1.8],
        [3, 4.1],
        [0, 0],
      ]),
      b: tf.tensor1d([2]),
    };
    expect(await untrainedRows(start, trained)).toEqual({ w: 2 });
    expect(await untrainedRows({ w: tf.tensor2d([[1, 2]]) }, { w: tf.tensor2d([[2, 1]]) })).toEqual({});
  });
});
