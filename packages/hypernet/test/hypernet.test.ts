import '@logah/backend-ort';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildArchitecture, type Graph, GraphBuilder, parseArchitecture } from '@logah/graph-ir';
import { createRandom } from '@logah/random';
import { readSafetensors, writeSafetensors } from '@logah/safetensors/node';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decoderOf } from '../src/decoder.js';
import {
  checkFit,
  createHypernet,
  disposeHypernet,
  fromCheckpoint,
  type Hypernet,
  HypernetError,
  hypernetParameterCount,
  hypernetPreset,
  lowerFor,
  type PredictedTensor,
  predict,
  predictTensors,
  toCheckpoint,
} from '../src/index.js';

const SMALL = hypernetPreset('tiny', { dim: 16, heads: 4, layers: 1, rank: 4, maxRows: 512, maxChannels: 48 });

let folder: string;
let hypernet: Hypernet;
beforeAll(async () => {
  await tf.setBackend('ort');
  folder = await mkdtemp(join(tmpdir(), 'logah-hypernet-'));
  hypernet = createHypernet(SMALL, createRandom(1));
});
afterAll(() => rm(folder, { recursive: true }));

const graph = buildArchitecture(parseArchitecture('vit:layers=2,heads=4,hidden=32,mlp=128,patch=4'));
const collect = async (from: Hypernet): Promise<PredictedTensor[]> => {
  const tensors: PredictedTensor[] = [];
  for await (const tensor of predict(from, graph, { random: createRandom(2) })) tensors.push(tensor);
  return tensors;
};

describe('presets', () => {
  it.each([
    ['tiny', 2_540_380],
    ['small', 21_412_794],
    ['base', 78_231_892],
    ['large', 289_423_316],
  ] as const)('LoGAH-%s has the reference’s %i parameters, of which r² + r + 4 are never used', (variant, count) => {
    const config = hypernetPreset(variant, { classes: 100 });
    expect(hypernetParameterCount(config)).toEqual({
      learned: count - config.rank ** 2 - config.rank - 4,
      reference: count,
    });
  });

  it.each([
    ['ghn3-tiny', 6.9],
    ['ghn3-small', 35.8],
    ['ghn3-large', 214.7],
    ['ghn3-xlarge', 654.4],
  ] as const)('%s has the published %f million parameters for 1000 classes', (variant, millions) => {
    const { learned } = hypernetParameterCount(hypernetPreset(variant, { classes: 1000 }));
    expect(learned / 1e6).toBeCloseTo(millions, 1);
  });

  it.each([
    [{ dim: 18 }, 'dim should be a multiple of 4 (four shape embeddings), got 18'],
    [{ dim: 20, heads: 3 }, 'dim should be a multiple of the 3 heads, got 20'],
    [{ rank: 0 }, 'rank should be a positive integer, got 0'],
    [{ maxRows: 100 }, 'maxRows should be at least 2 * maxChannels = 4096'],
    [{ initializerRange: Number.NaN }, 'initializerRange should be a number from 0.000001 to 1000, got null'],
  ] as const)('refuse %j', (changes, message) => {
    expect(() => hypernetPreset('tiny', changes)).toThrow(message);
  });
});

describe('predict', () => {
  it('gives every parameter of the network once, in the graph’s order and shape', async () => {
    const tensors = await collect(hypernet);
    expect(tensors.map(({ name, shape }) => ({ name, shape }))).toEqual(
      graph.parameters.map(({ name, shape }) => ({ name, shape })),
    );
    for (const { name, shape, data } of tensors) expect(data.length, name).toBe(shape.reduce((a, b) => a * b, 1));
  });

  it('gives the same values for the same seed, and others for another', async () => {
    const again = createHypernet(SMALL, createRandom(1));
    const other = createHypernet(SMALL, createRandom(2));
    const [first, second, third] = [await collect(hypernet), await collect(again), await collect(other)];
    expect(second).toEqual(first);
    expect(third).not.toEqual(first);
    disposeHypernet(again);
    disposeHypernet(other);
  });

  it('streams what the differentiable prediction computes, also where tensors repeat', async () => {
    const streamed = await collect(hypernet);
    const together = predictTensors(hypernet, lowerFor(hypernet, graph), { random: createRandom(2) });
    for (const { name, data } of streamed) {
      const values = (await together[name]?.data()) ?? new Float32Array(data.length); // the class token is 0
      // The same products in batches of another size: float32 sums in another order.
      data.forEach((value, i) => expect(Math.abs(value - values[i]), name).toBeLessThan(1e-5));
    }
    tf.dispose(Object.values(together));
    // mlp.0 is [128, 32] and at most 48 channels are predicted: row 48 repeats row 0.
    const mlp = streamed.find(({ name }) => name.endsWith('mlp.0.weight'));
    expect(mlp?.data.slice(48 * 32, 49 * 32)).toEqual(mlp?.data.slice(0, 32));
  });

  it('gives the same values when it writes them all into the same memory', async () => {
    const expected = await collect(hypernet);
    let index = 0;
    for await (const { name, data } of predict(hypernet, graph, { random: createRandom(2), reuseMemory: true })) {
      expect(data, name).toEqual(expected[index++].data);
    }
  });

  it('leaves no tensor behind, also when the caller stops early', async () => {
    const before = tf.memory().numTensors;
    await collect(hypernet);
    for await (const _ of predict(hypernet, graph)) break;
    expect(tf.memory().numTensors).toBe(before);
  });

  it('names the parameter that came out not finite', async () => {
    const broken = {
      ...hypernet,
      parameters: { ...hypernet.parameters, 'decoder.l2.bias': tf.fill([512], Number.NaN) },
    };
    await expect(collect(broken)).rejects.toThrow('the prediction of "conv_proj.weight" is not finite');
  });

  it('refuses nodes that its domain lacks, by name', () => {
    const lowered = lowerFor(hypernet, graph);
    const foreign = { ...lowered, nodes: lowered.nodes.map((node) => ({ ...node, op: 'gate' as const })) };
    expect(() => predictTensors(hypernet, foreign)).toThrow(
      'a hypernetwork of the vision domain knows no "gate" nodes',
    );
  });
});

describe('a network that a hypernetwork is not for', () => {
  const fit =
    (text: string, config = SMALL, hasNewHead = false) =>
    () =>
      checkFit(config, buildArchitecture(parseArchitecture(text)), { name: 'h', hasNewHead, newHead: '--new-head' });
  const VIT = 'vit:layers=1,heads=1,mlp=8';

  it.each([
    [
      'gpt2:layers=1,heads=2,hidden=16,vocab=10,context=8',
      'h: a hypernetwork for vision models, but "gpt2" is a language',
    ],
    [`${VIT},hidden=16,patch=8,classes=100`, 'for 10 classes or tokens, but "vit" answers for 100; --new-head draws'],
    // 512 rows: 4 tokens a side take 128 features, 48 channels a kernel of 10.
    [
      `${VIT},hidden=129,patch=8`,
      '"encoder.pos_embedding" has shape [1, 17, 129], which takes 516 rows (channels times kernel side) of this ' +
        "hypernetwork's 512; the largest that fits is 128 features at 17 tokens",
    ],
    [
      `${VIT},hidden=48,patch=11,image=11`,
      '"conv_proj.weight" has shape [48, 3, 11, 11], which takes 528 rows (channels times kernel side) of this ' +
        "hypernetwork's 512; the largest that fits is a kernel of 10 by 170 for 48 by 3 channels",
    ],
  ])('is refused: %s', (text, message) => {
    expect(fit(text)).toThrow(message);
  });

  it('is no other than those, and what is named as the largest fits', async () => {
    for (const [text, hasNewHead] of [
      [`${VIT},hidden=128,patch=8`, false],
      [`${VIT},hidden=48,patch=10,image=10`, false],
      [`${VIT},hidden=16,patch=8,classes=100`, true],
    ] as const) {
      expect(fit(text, SMALL, hasNewHead)).not.toThrow();
      const wide = buildArchitecture(parseArchitecture(text));
      const shapes = [];
      for await (const { name, shape } of predict(hypernet, wide)) shapes.push({ name, shape });
      expect(shapes).toEqual(wide.parameters.map(({ name, shape }) => ({ name, shape })));
    }
  });

  it('is refused before the first tensor, also by a prediction', async () => {
    const wide = buildArchitecture(parseArchitecture(`${VIT},hidden=129,patch=8`));
    const before = tf.memory().numTensors;
    await expect(predict(hypernet, wide).next()).rejects.toThrow(HypernetError);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('is refused for a kernel of which one side alone is larger than the grid of GHN-3', () => {
    const decoder = decoderOf(hypernetPreset('ghn3-tiny', { maxKernel: 4 }));
    const planned = (height: number, width: number) => () =>
      decoder.plan({
        parameter: { name: 'w', shape: [20, 3, height, width], layout: 'out_in_h_w' },
        node: 0,
        role: 'matrix',
        isClassLayer: false,
        place: { role: 'kernel', around: 'kernel', index: 0, count: 1 },
      });
    expect(planned(3, 7)).toThrow(
      '"w" has shape [20, 3, 3, 7], of which one side of the kernel is longer than this hypernetwork\'s 4',
    );
    expect(planned(7, 4)).toThrow(HypernetError);
    for (const [height, width] of [
      [3, 4],
      [5, 7],
    ])
      expect(planned(height, width)).not.toThrow();
  });
});

describe('the decoder of GHN-3', () => {
  const config = hypernetPreset('ghn3-tiny', { dim: 16, heads: 4, layers: 1, maxChannels: 12, maxKernel: 4 });
  const convnet = (classes: number, kernel: number): Graph => {
    const builder = new GraphBuilder('convnet');
    const image = builder.input('image', ['batch', 3, 8, 8]);
    const features = builder.conv2d(image, 'conv', { out: 20, kernel, padding: Math.floor(kernel / 2) });
    return builder.build([builder.linear(builder.globalAvgPool(features), 'fc', { out: classes })]);
  };
  const predictedOf = (graph: Graph) => predictTensors(ghn3, lowerFor(ghn3, graph));
  let ghn3: Hypernet;
  beforeAll(() => {
    ghn3 = createHypernet(config, createRandom(3));
  });

  it('repeats what it predicts beyond its largest width and its classes', () => {
    const predicted = predictedOf(convnet(15, 3));
    expect(predicted['conv.weight'].shape).toEqual([20, 3, 3, 3]);
    const rows = tf.unstack(predicted['conv.weight']).map((row) => [...row.dataSync()]);
    expect(rows.slice(12)).toEqual(rows.slice(0, 8));
    const classes = tf.unstack(predicted['fc.weight']).map((row) => [...row.dataSync()]);
    expect(classes.slice(10)).toEqual(classes.slice(0, 5));
    tf.dispose(predicted);
  });

  it('stretches kernels larger than its grid as PyTorch’s bilinear interpolation does', () => {
    const decoder = decoderOf(config);
    const embeddings = tf.tensor2d(createRandom(4).normals(16, 0, 1), [1, 16]);
    const [grid, stretched] = [4, 9].map((kernel) => {
      const parameter = { name: 'w', shape: [2, 2, kernel, kernel], layout: 'out_in_h_w' } as const;
      const plan = decoder.plan({
        parameter,
        node: 0,
        role: 'matrix',
        isClassLayer: false,
        place: { role: 'kernel', around: 'kernel', index: 0, count: 1 },
      });
      const [core] = decoder.decode(ghn3.parameters, embeddings, [{ plan, row: 0 }]);
      // A kernel is scaled by 1 / its side.
      return (tf.mul(core, kernel).arraySync() as number[][][][])[0][0];
    });
    // The grid of 4 places stretched to 9: place i lies at (i + 0.5) · 4 / 9 − 0.5, within the grid.
    const at = (i: number): number => Math.min(Math.max(((i + 0.5) * 4) / 9 - 0.5, 0), 3);
    const between = (values: number[], place: number): number => {
      const lower = Math.floor(place);
      return values[lower] + (place - lower) * ((values[lower + 1] ?? values[lower]) - values[lower]);
    };
    stretched.forEach((row, y) =>
      row.forEach((value, x) => {
        const column = grid.map((line) => between(line, at(x)));
        expect(value).toBeCloseTo(between(column, at(y)), 5);
      }),
    );
  });

  it('gives matrices of language models the configured deviation, also where they repeat', () => {
    const gpt2 = buildArchitecture(parseArchitecture('gpt2:layers=1,heads=2,hidden=20,vocab=30,context=8,tied=false'));
    const language = { ...ghn3, config: { ...config, domain: 'language' } } as const;
    const complete = createHypernet({ ...config, domain: 'language', classes: 30 }, createRandom(3));
    const predicted = predictTensors(complete, lowerFor(language, gpt2));
    const { mean, variance } = tf.moments(predicted['transformer.h.0.mlp.c_fc.weight']);
    const count = 20 * 80;
    expect(Math.sqrt((variance.dataSync()[0] * count) / (count - 1))).toBeCloseTo(0.02, 6);
    expect(mean.dataSync()[0]).not.toBe(0);
    tf.dispose(predicted);
    disposeHypernet(complete);
  });

  it('streams what the differentiable prediction computes, and leaves no tensor behind', async () => {
    const before = tf.memory().numTensors;
    const together = predictTensors(ghn3, lowerFor(ghn3, graph));
    for await (const { name, data } of predict(ghn3, graph)) {
      const values = (await together[name]?.data()) ?? new Float32Array(data.length);
      data.forEach((value, i) => expect(Math.abs(value - values[i]), name).toBeLessThan(1e-5));
    }
    tf.dispose(together);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('comes back from a checkpoint', async () => {
    const { tensors, metadata } = await toCheckpoint(ghn3);
    const loaded = fromCheckpoint({ tensors, metadata }, 'ghn3.safetensors');
    expect(loaded.config).toEqual(config);
    disposeHypernet(loaded);
  });
});

describe('checkpoints', () => {
  it('bring back the hypernetwork bit for bit', async () => {
    const path = join(folder, 'ghn.safetensors');
    const { tensors, metadata } = await toCheckpoint(hypernet);
    await writeSafetensors(path, tensors, metadata);
    const loaded = fromCheckpoint(await readSafetensors(path), path);
    expect(loaded.config).toEqual(hypernet.config);
    expect(await collect(loaded)).toEqual(await collect(hypernet));
    disposeHypernet(loaded);
  });

  const spoilt = async (change: (tensors: Map<string, { shape: readonly number[]; data: Float32Array }>) => void) => {
    const { tensors, metadata } = await toCheckpoint(hypernet);
    const copy = new Map(tensors);
    change(copy);
    return () => fromCheckpoint({ tensors: copy, metadata }, 'ghn.safetensors');
  };

  it('with a tensor of another shape are refused by name, found and wanted', async () => {
    const load = await spoilt((tensors) => tensors.set('ln.weight', { shape: [8], data: new Float32Array(8) }));
    expect(load).toThrow('ghn.safetensors: the tensor "ln.weight" is [8], but its configuration wants [16]');
  });

  it('with a missing, an unknown or a NaN tensor are refused by name', async () => {
    expect(await spoilt((tensors) => tensors.delete('ln.bias'))).toThrow(
      'ghn.safetensors: the tensor "ln.bias" [16] is missing',
    );
    expect(await spoilt((tensors) => tensors.set('x', { shape: [1], data: new Float32Array(1) }))).toThrow(
      'the tensor "x" belongs to no hypernetwork',
    );
    expect(
      await spoilt((tensors) => tensors.set('ln.bias', { shape: [16], data: new Float32Array(16).fill(Number.NaN) })),
    ).toThrow('the tensor "ln.bias" holds NaN');
  });

  it.each([
    ['virtualEdges', 1e5, 'at most 65535'],
    ['virtualEdges', 2 ** 31 - 1, 'at most 65535'],
    ['maxKernel', 1025, 'at most 1024'],
    ['maxChannels', 2 ** 31, 'at most 2147483647'],
    ['rank', 2 ** 31, 'at most 2147483647'],
    ['heads', 0.5, 'a positive integer'],
    ['initializerRange', 1e300, 'a number from 0.000001 to 1000'],
    ['initializerRange', 1e-300, 'a number from 0.000001 to 1000'],
    ['domain', 'toString', '"vision" or "language"'],
  ])('whose configuration has a %s of %s are refused, with the file', async (field, value, wanted) => {
    const { tensors, metadata } = await toCheckpoint(hypernet);
    const config = JSON.stringify({ ...hypernet.config, [field]: value });
    expect(() => fromCheckpoint({ tensors, metadata: { ...metadata, config } }, 'ghn.safetensors')).toThrow(
      `ghn.safetensors: the configuration in its metadata is not valid: hypernetwork configuration: ${field} should be ${wanted}, got ${JSON.stringify(value)}`,
    );
  });

  it('of something else are refused', () => {
    expect(() => fromCheckpoint({ tensors: new Map(), metadata: { format: 'pt' } }, 'model.safetensors')).toThrow(
      'model.safetensors: not a hypernetwork; its metadata should have the format "logah" and a config, got the format "pt"',
    );
  });
});
