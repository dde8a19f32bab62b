import '@logah/backend-ort';
import { buildArchitecture } from '@logah/graph-ir';
import { createHypernet, disposeHypernet, lowerFor, predictTensors } from '@logah/hypernet';
import { classification, disposeAdamW, initAdamW, networkGradients, updateAdamW } from '@logah/network';
import { createRandom } from '@logah/random';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { batchParts } from '../src/batch-rows.js';
import { checkTrainerConfig, metaBatchGradients, TRAINER_DEFAULTS } from '../src/index.js';
import { architectures, data, HYPERNET } from './small-run.js';

beforeAll(() => tf.setBackend('ort'));

const RATE = 1e-2;

describe('an inner loop', () => {
  it('takes the gradient of the loss behind its steps as that of the start', async () => {
    const hypernet = createHypernet(HYPERNET, createRandom(1));
    const graph = buildArchitecture(architectures(createRandom(3)));
    const batch = data.batch([0, 1, 2, 3, 4, 5, 6, 7, 8], createRandom(5));
    const draw = { random: createRandom(4) };
    const options = { predictedParameterRegularization: 0, innerLoop: { steps: 2, learningRate: RATE } };
    const found = await metaBatchGradients(hypernet, [{ graph, ...draw }], batch, classification, options);

    const lowered = lowerFor(hypernet, graph);
    const predicted = predictTensors(hypernet, lowered, { random: createRandom(4) });
    let parameters: Record<string, tf.Tensor> = Object.fromEntries(
      graph.parameters.map(({ name, shape }) => [name, predicted[name] ?? tf.zeros([...shape])]),
    );
    let moments = initAdamW(parameters);
    const [first, second, last] = batchParts(batch, 3);
    expect([first, second, last].map(({ labels }) => labels.size)).toEqual([3, 3, 3]);
    for (const part of [first, second]) {
      const { gradients } = await networkGradients(graph, parameters, part, classification);
      const next = updateAdamW(parameters, gradients, moments, RATE);
      disposeAdamW(moments);
      ({ parameters, state: moments } = next);
    }
    const { loss, gradients: wanted } = await networkGradients(graph, parameters, last, classification);
    expect(found.loss).toBeCloseTo(loss, 5);

    const names = Object.keys(hypernet.parameters);
    // Of Σ ⟨start, gradient at the trained network⟩: what the first order leaves of the chain rule.
    const { grads } = tf.valueAndGrads((...tensors: tf.Tensor[]) => {
      const current = { ...hypernet, parameters: Object.fromEntries(names.map((name, i) => [name, tensors[i]])) };
      const start = predictTensors(current, lowered, { random: createRandom(4) });
      return Object.entries(start)
        .map(([name, tensor]) => tf.sum(tf.mul(tensor, wanted[name])))
        .reduce<tf.Tensor>((sum, one) => tf.add(sum, one), tf.scalar(0)) as tf.Scalar;
    })(names.map((name) => hypernet.parameters[name]));
    const largest = (values: Float32Array): number =>
      values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const theirs = grads.map((tensor) => tensor.dataSync<'float32'>());
    // A shift of attention's logits has the gradient 0, but for rounding of those around it.
    const rounding = 1e-6 * Math.max(...theirs.map(largest));
    names.forEach((name, i) => {
      const differences = found.gradients[name].dataSync<'float32'>().map((value, j) => value - theirs[i][j]);
      expect(largest(differences), name).toBeLessThan(1e-4 * largest(theirs[i]) + rounding);
    });
    disposeHypernet(hypernet);
  });

  it('frees what it trains', async () => {
    const hypernet = createHypernet(HYPERNET, createRandom(1));
    const graph = buildArchitecture(architectures(createRandom(3)));
    const batch = data.batch([0, 1, 2, 3], createRandom(5));
    const options = { predictedParameterRegularization: 1e-4, innerLoop: { steps: 3, learningRate: RATE } };
    const before = tf.memory().numTensors;
    for (let i = 0; i < 2; i++) {
      const { gradients } = await metaBatchGradients(hypernet, [{ graph }], batch, classification, options);
      tf.dispose(Object.values(gradients));
    }
    expect(tf.memory().numTensors).toBe(before);
    tf.dispose([batch.inputs, batch.labels]);
    disposeHypernet(hypernet);
  });

  it.each([
    [{ steps: 64, learningRate: 1e-3 }, 'innerLoop.steps should be an integer from 1 to 63'],
    [{ steps: 0, learningRate: 1e-3 }, 'innerLoop.steps should be an integer from 1 to 63'],
    [{ steps: 1, learningRate: 0 }, 'innerLoop.learningRate should be a positive number, got 0'],
  ])('refuses %j', (innerLoop, message) => {
    expect(() => checkTrainerConfig({ ...TRAINER_DEFAULTS, innerLoop })).toThrow(message);
  });
});
