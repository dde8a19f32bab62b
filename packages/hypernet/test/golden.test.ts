import '@logah/backend-ort';
import '@logah/wasm-kernels';
import '@tensorflow/tfjs-backend-cpu';
import { toComputationalGraph } from '@logah/graph-ir';
import type { FloatTensor } from '@logah/safetensors';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { goldenBackends } from '../../../tools/golden-backends.js';
import { embedNodes, fromCheckpoint, type Hypernet, predictTensors } from '../src/index.js';
import { CASES, deviation, expectPrediction, fixture, VALUE_TOLERANCE } from './golden-cases.js';

// A gradient passes twice as many layers as a value, and adds over all predicted values.
const GRADIENT_TOLERANCE = 1e-4;

/** Adds one number to all attention logits of a head, which softmax ignores: its gradient is 0, and rounding noise in any implementation. */
const SHIFT_OF_LOGITS = 'gnn.0.attn.proj_e.2.bias';

describe.each(await goldenBackends())('on %s', (backend) => {
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
      await expectPrediction(await load(), name, buildGraph(), options);
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
      const [loss] = await value.data();
      expect(Math.abs(loss / Number(metadata.loss) - 1)).toBeLessThan(VALUE_TOLERANCE);
      expect([...tensors.keys()].sort()).toEqual([...names].sort());
      for (const [i, key] of names.entries()) {
        const gradient = await grads[i].data();
        if (key === SHIFT_OF_LOGITS) expect(Math.max(...gradient.map(Math.abs))).toBeLessThan(1e-7 * loss);
        else expect(deviation(gradient, (tensors.get(key) as FloatTensor).data), key).toBeLessThan(GRADIENT_TOLERANCE);
      }
    });
  });
});
