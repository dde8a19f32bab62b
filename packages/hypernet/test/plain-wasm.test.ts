// tfjs's wasm backend as it comes from npm, without this project's kernels: an application may have imported no more than that.
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import { buildArchitecture, parseArchitecture } from '@logah/graph-ir';
import { createRandom } from '@logah/random';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { createHypernet, type HypernetConfig, hypernetPreset, predict } from '../src/index.js';

const SMALL = { dim: 16, heads: 4, layers: 2 } as const;
const CONFIGURATIONS: ReadonlyArray<[string, HypernetConfig]> = [
  ['LoGAH', hypernetPreset('tiny', { ...SMALL, rank: 4, maxRows: 512, maxChannels: 64 })],
  ['GHN-3', hypernetPreset('ghn3-tiny', { ...SMALL, maxChannels: 16 })],
  ['templates', hypernetPreset('template-small', { ...SMALL, maxChannels: 32 })],
];

async function predictedOn(backend: string, config: HypernetConfig): Promise<Map<string, Float32Array>> {
  await tf.setBackend(backend);
  const graph = buildArchitecture(parseArchitecture('vit:layers=2,heads=2,hidden=24,mlp=96,patch=8'));
  const tensors = new Map<string, Float32Array>();
  for await (const { name, data } of predict(createHypernet(config, createRandom(7)), graph)) tensors.set(name, data);
  return tensors;
}

describe('prediction on the plain wasm backend', () => {
  it.each(CONFIGURATIONS)('is that of cpu: %s', async (_, config) => {
    const wanted = await predictedOn('cpu', config);
    const found = await predictedOn('wasm', config);
    expect([...found.keys()]).toEqual([...wanted.keys()]);
    for (const [name, values] of wanted) {
      const largest = values.reduce((max, value) => Math.max(max, Math.abs(value)), 1e-3);
      const worst = values.reduce((max, value, i) => Math.max(max, Math.abs(value - (found.get(name)?.[i] ?? NaN))), 0);
      expect(worst / largest, name).toBeLessThan(1e-4);
    }
  });
});
