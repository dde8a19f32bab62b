// Convolutional networks against torchvision: names and shapes of parameters, and logits for parameters that a formula gives both sides
// (fixtures/make_torchvision.py).
import '@logah/backend-ort';
import { readFileSync } from 'node:fs';
import { buildArchitecture, elementCount, parseArchitecture } from '@logah/graph-ir';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { forward } from '../src/index.js';
import { noise } from './noise.js';

interface Peer {
  readonly parameters: ReadonlyArray<readonly [name: string, shape: number[]]>;
  /** Of the first 20 classes of two images. */
  readonly logits?: number[];
  /** The largest of all logits. */
  readonly largest?: number;
}
const peers: Record<string, Peer> = JSON.parse(
  readFileSync(new URL('./fixtures/torchvision.json', import.meta.url), 'utf8'),
);
const names = Object.keys(peers);
const IMAGE = 64;
const SHOWN = 20;

beforeAll(() => tf.setBackend('ort'));

describe.each(names)('%s', (name) => {
  it('has torchvision’s parameters', () => {
    const { parameters } = buildArchitecture(parseArchitecture(name));
    const sorted = <T extends readonly [string, ...unknown[]]>(entries: readonly T[]): T[] =>
      [...entries].sort(([a], [b]) => (a < b ? -1 : 1));
    expect(sorted(parameters.map((parameter) => [parameter.name, parameter.shape] as const))).toEqual(
      sorted(peers[name].parameters),
    );
  });
});

describe.each(names.filter((name) => peers[name].logits))('%s', (name) => {
  it('has torchvision’s logits', () => {
    const { parameters, logits = [], largest = 1 } = peers[name];
    const graph = buildArchitecture(parseArchitecture(`${name}:image=${IMAGE}`));
    const norms = new Set(
      graph.operators.flatMap(({ type, parameters: { weight } }) =>
        type === 'batch_norm' || type === 'layer_norm' ? [weight] : [],
      ),
    );
    const drawn = (key: string, shape: readonly number[]): ((x: number) => number) => {
      if (key.endsWith('layer_scale')) return (x) => 0.5 + 0.1 * x;
      if (shape.length > 1) return (x) => x * Math.sqrt(6 / elementCount(shape.slice(1)));
      return norms.has(key) ? (x) => 1 + 0.1 * x : (x) => 0.1 * x;
    };
    tf.tidy(() => {
      const ordered = parameters.map(([key, shape]) => ({ key, shape })).sort((a, b) => (a.key < b.key ? -1 : 1));
      const tensors = Object.fromEntries(
        ordered.map(({ key, shape }, index) => [
          key,
          tf.tensor(noise(elementCount(shape), index + 1, drawn(key, shape)), shape),
        ]),
      );
      const size = [2, 3, IMAGE, IMAGE];
      const images = tf.tensor(
        noise(elementCount(size), 0, (x) => x),
        size,
      );
      const [output] = forward(graph, tensors, { images });
      const shown = tf.slice(output, [0, 0], [2, SHOWN]).dataSync();
      // PyTorch's own float32 is up to 8e-5 of the largest logit away from its float64 (ResNet-50: batch norms over eight values).
      logits.forEach((value, i) => expect(Math.abs(shown[i] - value) / largest).toBeLessThan(2e-4));
    });
  });
});
