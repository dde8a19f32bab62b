// Graphs of config.json against transformers: tensors of the checkpoint files, and logits for parameters that a formula gives both sides
// (fixtures/make_huggingface.py).
import '@logah/backend-ort';
import { readFileSync } from 'node:fs';
import { elementCount, withBatchStatistics } from '@logah/graph-ir';
import { checkCheckpoint, graphFromConfig } from '@logah/graph-ir/huggingface';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { forward } from '../src/index.js';
import { noise } from './noise.js';

interface Peer {
  readonly config: object;
  readonly tensors: Record<string, number[]>;
  /** Height and width of an image; null for models of text. */
  readonly image: number | null;
  readonly logits: { readonly shape: number[]; readonly data: number[] };
}
const { transformers: _, ...peers }: { transformers: string } & Record<string, Peer | string> = JSON.parse(
  readFileSync(new URL('./fixtures/huggingface.json', import.meta.url), 'utf8'),
);

beforeAll(() => tf.setBackend('ort'));

describe.each(Object.entries(peers) as Array<[string, Peer]>)('%s', (name, { config, tensors, image, logits }) => {
  // An image that fits the few blocks; the configuration has no size of its own for ResNets.
  const graph = graphFromConfig(JSON.stringify(image === null ? config : { ...config, image_size: image }), name);

  it('has the tensors of transformers’ checkpoint', () => {
    const listed = new Map(Object.entries(tensors).map(([key, shape]) => [key, { shape }]));
    expect(checkCheckpoint(graph, listed)).toEqual([]);
  });

  it('has transformers’ logits', () => {
    tf.tidy(() => {
      const learned = Object.entries(tensors).filter(([key]) => !/running_|num_batches/.test(key));
      const parameters = Object.fromEntries(
        learned.map(([key, shape], index) => {
          const isNorm = key.endsWith('weight') && (/norm/i.test(key) || key.includes('.ln_'));
          const values = noise(elementCount(shape), index + 1, (x) => (isNorm ? 1 : 0) + 0.3 * x);
          return [key, tf.tensor(values, shape)];
        }),
      );
      const ids = (value: (i: number) => number): tf.Tensor =>
        tf.tensor2d(
          Array.from({ length: 16 }, (_, i) => value(i)),
          [2, 8],
          'int32',
        );
      const size = [2, 3, image ?? 0, image ?? 0];
      const inputs: Record<string, () => tf.Tensor> = {
        ids: () => ids((i) => (i * 7) % 20),
        input_ids: () => ids((i) => (i * 7) % 20),
        token_type_ids: () => ids((i) => i % 2),
        pixel_values: () =>
          tf.tensor(
            noise(elementCount(size), 0, (x) => x),
            size,
          ),
      };
      const given = Object.fromEntries(graph.inputs.map((input) => [input, inputs[input]()]));
      // The logits are of a network in training, whose batch norms use the batch.
      const [output] = forward(withBatchStatistics(graph), parameters, given);
      expect(output.shape).toEqual(logits.shape);
      const largest = Math.max(...logits.data.map(Math.abs));
      // Two layers of float32 sums in another order.
      output.dataSync().forEach((value, i) => expect(Math.abs(value - logits.data[i]) / largest).toBeLessThan(1e-5));
    });
  });
});
