import '@logah/backend-ort';
import { buildArchitecture, parseArchitecture } from '@logah/graph-ir';
import { createHypernet, hypernetPreset } from '@logah/hypernet';
import { createRandom } from '@logah/random';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  type Initializer,
  NOISE,
  orthogonalInitializer,
  predictedInitializer,
  randomInitializer,
  withNewClassLayer,
  withNoise,
} from '../src/index.js';

const graph = buildArchitecture(parseArchitecture('vit:layers=2,heads=2,hidden=32,mlp=64,patch=16'));
let logah: Initializer;
let ghn3: Initializer;
beforeAll(async () => {
  await tf.setBackend('ort');
  const sizes = { dim: 16, heads: 4, layers: 1 };
  logah = predictedInitializer(
    createHypernet(hypernetPreset('tiny', { ...sizes, rank: 4, maxRows: 512, maxChannels: 64 }), createRandom(1)),
  );
  ghn3 = predictedInitializer(
    createHypernet(hypernetPreset('ghn3-tiny', { ...sizes, maxChannels: 16 }), createRandom(1)),
  );
});

const WEIGHT = 'encoder.layers.encoder_layer_0.mlp.0.weight';
const difference = (a: tf.Tensor, b: tf.Tensor): tf.Tensor => tf.sub(a, b);

describe('initialisers', () => {
  it('give every parameter of the graph in its shape, the same for the same seed, and leave nothing else behind', async () => {
    for (const initializer of [
      randomInitializer,
      orthogonalInitializer,
      logah,
      ghn3,
      withNoise(logah),
      withNewClassLayer(ghn3),
    ]) {
      const before = tf.memory().numTensors;
      const [first, again] = [await initializer(graph, createRandom(3)), await initializer(graph, createRandom(3))];
      expect(tf.memory().numTensors - before).toBe(2 * graph.parameters.length);
      for (const { name, shape } of graph.parameters) {
        expect(first[name].shape, name).toEqual(shape);
        expect(again[name].dataSync(), name).toEqual(first[name].dataSync());
      }
      tf.dispose([Object.values(first), Object.values(again)]);
    }
  });

  it('noise has deviation β on weights of layers, but for the class layer’s', async () => {
    const [plain, noisy] = [await logah(graph, createRandom(3)), await withNoise(logah)(graph, createRandom(3))];
    const deviation = (name: string): number =>
      Math.sqrt(tf.mean(tf.square(difference(noisy[name], plain[name]))).dataSync()[0]);
    expect(deviation(WEIGHT) / NOISE).toBeCloseTo(1, 1);
    expect(deviation('conv_proj.weight') / NOISE).toBeCloseTo(1, 1);
    for (const name of ['heads.head.weight', 'encoder.pos_embedding', 'encoder.ln.weight', 'conv_proj.bias'])
      expect(deviation(name), name).toBe(0);
  });

  it('a new class layer is all that changes', async () => {
    const [plain, fresh] = [
      await logah(graph, createRandom(3)),
      await withNewClassLayer(logah)(graph, createRandom(3)),
    ];
    const changed = Object.keys(plain).filter(
      (name) => tf.max(tf.abs(difference(plain[name], fresh[name]))).dataSync()[0] > 0,
    );
    expect(changed.sort()).toEqual(['heads.head.bias', 'heads.head.weight']);
  });
});
