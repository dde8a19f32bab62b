import '@logah/backend-ort';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildArchitecture, parseArchitecture } from '@logah/graph-ir';
import { createRandom } from '@logah/random';
import { readSafetensors, writeSafetensors } from '@logah/safetensors/node';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  createHypernet,
  disposeHypernet,
  fromCheckpoint,
  type Hypernet,
  type HypernetConfig,
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
    [{ dim: 18 }, 'dim should be a multiple of 4 (four shape embeddings), got 18'],
    [{ dim: 20, heads: 3 }, 'dim should be a multiple of the 3 heads, got 20'],
    [{ rank: 0 }, 'rank should be a positive integer, got 0'],
    [{ maxRows: 100 }, 'maxRows should be at least 2 * maxChannels = 4096'],
    [{ initializerRange: Number.NaN }, 'initializerRange should be a positive number, got null'],
  ] as ReadonlyArray<readonly [Partial<HypernetConfig>, string]>)('refuse %j', (changes, message) => {
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

  it('of something else are refused', () => {
    expect(() => fromCheckpoint({ tensors: new Map(), metadata: { format: 'pt' } }, 'model.safetensors')).toThrow(
      'model.safetensors: not a hypernetwork; its metadata should have the format "logah" and a config, got the format "pt"',
    );
  });
});
