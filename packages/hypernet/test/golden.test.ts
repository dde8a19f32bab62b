import '@logah/backend-ort';
import '@logah/wasm-kernels';
import '@tensorflow/tfjs-backend-cpu';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  buildArchitecture,
  type Graph,
  graphFromJson,
  type LoweringOptions,
  parseArchitecture,
  toComputationalGraph,
} from '@logah/graph-ir';
import type { FloatTensor } from '@logah/safetensors';
import { readSafetensors } from '@logah/safetensors/node';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { embedNodes, fromCheckpoint, type Hypernet, predict, predictTensors } from '../src/index.js';

const fixture = (name: string) =>
  readSafetensors(fileURLToPath(new URL(`./fixtures/${name}.safetensors`, import.meta.url)));

const vitMini = (): Graph => buildArchitecture(parseArchitecture('vit:layers=2,heads=4,hidden=32,mlp=128'));

const smallConvnet = (): Graph =>
  graphFromJson(readFileSync(new URL('./fixtures/small-convnet.graph.json', import.meta.url), 'utf8'));

const CASES: ReadonlyArray<readonly [name: string, graph: () => Graph, options: LoweringOptions]> = [
  ['vit-mini', vitMini, {}],
  [
    'gpt2-mini',
    () => buildArchitecture(parseArchitecture('gpt2:layers=2,heads=4,hidden=32,vocab=257,tied=false')),
    { languageModelHead: 'on-input' },
  ],
  ['logah-convnet-mini', smallConvnet, {}],
  ['ghn3-vit-mini', vitMini, {}],
];

/** The positional encoding of a ViT without its class row, which the reference draws at random. */
const withoutClassRow = (name: string, { shape, data }: FloatTensor): Float32Array =>
  name === 'encoder.pos_embedding' ? data.subarray(shape[2]) : data;

/** The largest deviation, relative to the largest magnitude of the expected tensor: what float32 rounding bounds. */
function deviation(actual: ArrayLike<number>, expected: Float32Array): number {
  expect(actual.length).toBe(expected.length);
  let largest = 0;
  let difference = 0;
  expected.forEach((value, i) => {
    largest = Math.max(largest, Math.abs(value));
    difference = Math.max(difference, Math.abs(value - actual[i]));
  });
  return difference / (largest || 1);
}

// Float32 has 2^-24 = 6e-8 of rounding an operation. A prediction is some ten layers of sums of up to a few hundred terms, added in another
// order than PyTorch adds them: 1e-5 of the largest value. A gradient passes twice as many and adds over all predicted values: 1e-4.
const VALUE_TOLERANCE = 1e-5;
const GRADIENT_TOLERANCE = 1e-4;

/** Adds one number to all attention logits of a head, which softmax ignores: its gradient is 0, and rounding noise in any implementation. */
const SHIFT_OF_LOGITS = 'gnn.0.attn.proj_e.2.bias';

describe.each(['cpu', 'ort', 'wasm'])('on %s', (backend) => {
  beforeAll(() => tf.setBackend(backend));

  describe.each(CASES)('%s', (name, buildGraph, options) => {
    const load = async (): Promise<Hypernet> => fromCheckpoint(await fixture(`${name}.ghn`), name);

    it('has the reference’s node embeddings', async () => {
      const { tensors } = await fixture(`${name}.expected`);
      const embeddings = embedNodes(await load(), toComputationalGraph(buildGraph(), options));
      expect(deviation(await embeddings.data(), (tensors.get('embeddings') as FloatTensor).data)).toBeLessThan(
        VALUE_TOLERANCE,
      );
    });

    it('has the reference’s predicted parameters, streamed', async () => {
      const { tensors } = await fixture(`${name}.expected`);
      const seen = new Map<string, FloatTensor>();
      for await (const tensor of predict(await load(), buildGraph(), options)) seen.set(`param.${tensor.name}`, tensor);
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
    });

    it('has the reference’s gradients of the sum of squares', async () => {
      const [hypernet, { tensors, metadata }] = await Promise.all([load(), fixture(`${name}.grads`)]);
      const graph = toComputationalGraph(buildGraph(), options);
      const names = Object.keys(hypernet.parameters);
      const { value, grads } = tf.valueAndGrads((...values: tf.Tensor[]) => {
        const parameters = Object.fromEntries(names.map((key, i) => [key, values[i]]));
        const predicted = predictTensors({ ...hypernet, parameters }, graph);
        return tf.addN(Object.values(predicted).map((p) => tf.sum(tf.square(p))));
      })(Object.values(hypernet.parameters));
      expect(Math.abs(value.dataSync()[0] / Number(metadata.loss) - 1)).toBeLessThan(VALUE_TOLERANCE);
      expect([...tensors.keys()].sort()).toEqual([...names].sort());
      for (const [i, key] of names.entries()) {
        const gradient = await grads[i].data();
        if (key === SHIFT_OF_LOGITS)
          expect(Math.max(...gradient.map(Math.abs))).toBeLessThan(1e-7 * value.dataSync()[0]);
        else expect(deviation(gradient, (tensors.get(key) as FloatTensor).data), key).toBeLessThan(GRADIENT_TOLERANCE);
      }
    });
  });
});
