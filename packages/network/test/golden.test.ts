import '@logah/backend-ort';
import '@logah/wasm-kernels';
import '@tensorflow/tfjs-backend-cpu';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildArchitecture, type Graph, graphFromJson, parseArchitecture } from '@logah/graph-ir';
import type { FloatTensor } from '@logah/safetensors';
import { readSafetensors } from '@logah/safetensors/node';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { goldenBackends } from '../../../tools/golden-backends.js';
import { classificationLoss, forward, nextTokenLoss } from '../src/index.js';

const fixture = async (name: string): Promise<Map<string, FloatTensor>> =>
  (await readSafetensors(fileURLToPath(new URL(`./fixtures/${name}.safetensors`, import.meta.url)))).tensors;

const smallConvnet = (): Graph =>
  graphFromJson(readFileSync(new URL('./fixtures/small-convnet.graph.json', import.meta.url), 'utf8'));

const CASES: ReadonlyArray<readonly [name: string, parameters: string, graph: () => Graph]> = [
  ['vit-mini', 'vit-mini', () => buildArchitecture(parseArchitecture('vit:layers=2,heads=4,hidden=32,mlp=128'))],
  [
    'gpt2-mini',
    'gpt2-mini',
    () => buildArchitecture(parseArchitecture('gpt2:layers=2,heads=4,hidden=32,vocab=257,tied=false')),
  ],
  ['convnet-mini', 'logah-convnet-mini', smallConvnet],
];

// Sums of up to some thousand float32 terms, added in another order than PyTorch adds them.
const VALUE_TOLERANCE = 1e-5;
const GRADIENT_TOLERANCE = 1e-4;

/** The largest deviation relative to `scale`, by default the largest magnitude expected. */
function deviation(actual: ArrayLike<number>, { data }: FloatTensor, scale = Math.max(...data.map(Math.abs))): number {
  expect(actual.length).toBe(data.length);
  return Math.max(...data.map((value, i) => Math.abs(value - actual[i]))) / scale;
}

describe.each(await goldenBackends())('on %s', (backend) => {
  beforeAll(() => tf.setBackend(backend));

  describe.each(CASES)('%s', (name, parametersFile, buildGraph) => {
    it('has PyTorch’s logits, loss and gradients', async () => {
      const [expected, predicted] = await Promise.all([fixture(name), fixture(`${parametersFile}.expected`)]);
      const get = (key: string): FloatTensor => expected.get(key) ?? { shape: [0], data: new Float32Array() };
      const graph = buildGraph();
      const parameters = graph.parameters.map(({ name: parameter, shape }) => {
        const values = predicted.get(`param.${parameter}`)?.data ?? new Float32Array(shape.reduce((a, b) => a * b, 1)); // class token: 0
        if (parameter === 'encoder.pos_embedding') values.fill(0, 0, shape[2]);
        return tf.tensor(values, [...shape]);
      });
      const input = (key: string, dtype: 'float32' | 'int32'): tf.Tensor =>
        tf.tensor(get(key).data, [...get(key).shape], dtype);
      const isText = expected.has('ids');
      const inputs = isText ? { ids: input('ids', 'int32') } : { images: input('images', 'float32') };
      const run = (...values: tf.Tensor[]): tf.Tensor =>
        forward(graph, Object.fromEntries(graph.parameters.map((p, i) => [p.name, values[i]])), inputs)[0];
      const logits = run(...parameters);
      expect(logits.shape).toEqual(get('logits').shape);
      expect(deviation(await logits.data(), get('logits'))).toBeLessThan(VALUE_TOLERANCE);

      const lossOf = (scores: tf.Tensor): tf.Scalar =>
        isText ? nextTokenLoss(scores, input('ids', 'int32')) : classificationLoss(scores, input('labels', 'int32'));
      const { value, grads } = tf.valueAndGrads((...values) => lossOf(run(...values)))(parameters);
      expect(deviation(await value.data(), get('loss'))).toBeLessThan(VALUE_TOLERANCE);
      const largest = Math.max(
        ...[...expected].flatMap(([key, { data }]) => (key.startsWith('grad.') ? Math.max(...data.map(Math.abs)) : [])),
      );
      for (const [i, { name: parameter }] of graph.parameters.entries()) {
        const gradient = expected.get(`grad.${parameter}`);
        if (!gradient) {
          expect(parameter).toMatch(/^transformer\.wte|^transformer\.wpe/); // left out of the golden file
          continue;
        }
        // Rounding is relative to what was summed: at least the tensor's own scale, at least a thousandth of the largest gradient.
        const scale = Math.max(largest * 1e-3, ...gradient.data.map(Math.abs));
        expect(deviation(await grads[i].data(), gradient, scale), parameter).toBeLessThan(GRADIENT_TOLERANCE);
      }
    });
  });
});
