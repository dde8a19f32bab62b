// The reference's golden files: hypernetworks, networks to predict, and how far float32 may be from what the reference
// computed.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildArchitecture, type Graph, graphFromJson, type LoweringOptions, parseArchitecture } from '@logah/graph-ir';
import type { FloatTensor } from '@logah/safetensors';
import { readSafetensors } from '@logah/safetensors/node';
import { expect } from 'vitest';
import { type Hypernet, predict } from '../src/index.js';

/** One of the golden files. */
export const fixture = (name: string) =>
  readSafetensors(fileURLToPath(new URL(`./fixtures/${name}.safetensors`, import.meta.url)));

const vitMini = (): Graph => buildArchitecture(parseArchitecture('vit:layers=2,heads=4,hidden=32,mlp=128'));

const smallConvnet = (): Graph =>
  graphFromJson(readFileSync(new URL('./fixtures/small-convnet.graph.json', import.meta.url), 'utf8'));

/** Hypernetworks by the name of their files, the network that each predicts, and how it is lowered. */
export const CASES: ReadonlyArray<readonly [name: string, graph: () => Graph, options: LoweringOptions]> = [
  ['vit-mini', vitMini, {}],
  [
    'gpt2-mini',
    () => buildArchitecture(parseArchitecture('gpt2:layers=2,heads=4,hidden=32,vocab=257,tied=false')),
    { reference: true },
  ],
  ['logah-convnet-mini', smallConvnet, {}],
  ['ghn3-vit-mini', vitMini, {}],
];

/** The positional encoding of a ViT without its class row, which the reference draws at random. */
const withoutClassRow = (name: string, { shape, data }: FloatTensor): Float32Array =>
  name === 'encoder.pos_embedding' ? data.subarray(shape[2]) : data;

/** The largest deviation, relative to the largest magnitude of the expected tensor: what float32 rounding bounds. */
export function deviation(actual: ArrayLike<number>, expected: Float32Array): number {
  expect(actual.length).toBe(expected.length);
  let largest = 0;
  let difference = 0;
  expected.forEach((value, i) => {
    largest = Math.max(largest, Math.abs(value));
    difference = Math.max(difference, Math.abs(value - actual[i]));
  });
  return difference / (largest || 1);
}

// Float32 has 2^-24 = 6e-8 of rounding an operation. A prediction is some ten layers of sums of up to a few hundred
// terms, added in another order than PyTorch adds them.
export const VALUE_TOLERANCE = 1e-5;

/** Fails unless a hypernetwork predicts what the golden file of this name says, all of it and nothing else. */
export async function expectPrediction(
  hypernet: Hypernet,
  name: string,
  graph: Graph,
  options: LoweringOptions,
): Promise<void> {
  const { tensors } = await fixture(`${name}.expected`);
  const seen = new Map<string, FloatTensor>();
  for await (const tensor of predict(hypernet, graph, options)) seen.set(`param.${tensor.name}`, tensor);
  for (const [key, expected] of tensors) {
    if (key === 'embeddings') continue;
    const actual = seen.get(key);
    expect(actual?.shape, key).toEqual(expected.shape);
    const parameter = key.slice('param.'.length);
    expect(
      deviation(withoutClassRow(parameter, actual as FloatTensor), withoutClassRow(parameter, expected)),
      key,
    ).toBeLessThan(VALUE_TOLERANCE);
  }
  const unpredicted = [...seen.keys()].filter((key) => !tensors.has(key));
  expect(unpredicted).toEqual(name.endsWith('vit-mini') ? ['param.class_token'] : []);
}
