import '@logah/backend-ort';
import { readFileSync } from 'node:fs';
import type { DataSource } from '@logah/data';
import { GraphBuilder } from '@logah/graph-ir';
import { classification } from '@logah/network';
import type { TensorRecord } from '@logah/tensor-ops';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { type EpochScore, type NetworkState, type Recipe, startState, trainNetwork } from '../src/index.js';
import { learningRateOf } from '../src/training.js';

interface Stored {
  readonly shape: number[];
  readonly data: number[];
}
interface Trajectory {
  readonly losses: number[];
  readonly final: Record<string, Stored>;
}
/** Made by PyTorch: fixtures/make_trajectories.py. */
const peer: {
  epochs: number;
  batch: number;
  inputs: Stored;
  labels: number[];
  start: Record<string, Stored>;
  sgd: Trajectory;
  adamw: Trajectory;
} = JSON.parse(readFileSync(new URL('./fixtures/trajectories.json', import.meta.url), 'utf8'));

beforeAll(() => tf.setBackend('ort'));

const graph = (() => {
  const builder = new GraphBuilder('mlp');
  const x = builder.input('x', ['batch', 12]);
  const hidden = builder.activation(builder.linear(x, 'fc1', { out: 16 }), 'relu');
  return builder.build([builder.linear(hidden, 'fc2', { out: 6 })]);
})();

const [samples, features] = peer.inputs.shape;
const rowsOf = (indices: readonly number[]) => ({
  inputs: tf.tensor2d(
    indices.flatMap((i) => peer.inputs.data.slice(i * features, (i + 1) * features)),
    [indices.length, features],
  ),
  labels: tf.tensor1d(
    indices.map((i) => peer.labels[i]),
    'int32',
  ),
});
const data: DataSource = { length: samples, batch: rowsOf };
/** Gives batches in the order of the samples, whatever the trainer asks for. */
const inOrder = (): DataSource => {
  let next = 0;
  return {
    length: samples,
    batch(indices) {
      const first = next;
      next = (next + indices.length) % samples;
      return rowsOf(indices.map((_, i) => first + i));
    },
  };
};

const start = (): TensorRecord =>
  Object.fromEntries(Object.entries(peer.start).map(([name, { shape, data }]) => [name, tf.tensor(data, shape)]));

const RECIPES: Record<'sgd' | 'adamw', Recipe> = {
  sgd: {
    optimizer: { type: 'sgd', momentum: 0.9, weightDecay: 1e-2 },
    learningRate: 0.2,
    schedule: 'cosine',
    epochs: peer.epochs,
    batch: peer.batch,
    seed: 0,
  },
  adamw: {
    optimizer: { type: 'adamw', weightDecay: 1e-2 },
    learningRate: 2e-2,
    schedule: 'constant',
    gradientClip: 1,
    epochs: peer.epochs,
    batch: peer.batch,
    seed: 0,
  },
};

interface Course {
  readonly scores: EpochScore[];
  readonly parameters: Record<string, number[]>;
  readonly isDiverged: boolean;
}
const values = (record: TensorRecord): Record<string, number[]> =>
  Object.fromEntries(Object.entries(record).map(([name, tensor]) => [name, [...tensor.dataSync()]]));

async function course(recipe: Recipe, train: DataSource, state?: NetworkState): Promise<Course> {
  const result = { scores: [] as EpochScore[], parameters: {}, isDiverged: false };
  const begin = state ?? startState(recipe.optimizer, start());
  for await (const event of trainNetwork({ graph, task: classification, train, test: data, recipe, state: begin })) {
    result.scores.push(event.score);
    result.parameters = values(event.state.parameters);
    result.isDiverged = event.isDiverged;
  }
  return result;
}

describe('trainNetwork', () => {
  it.each(['sgd', 'adamw'] as const)('follows PyTorch with %s to float32 accuracy', async (name) => {
    const { scores, parameters } = await course(RECIPES[name], inOrder());
    const { losses, final } = peer[name];
    const perEpoch = losses.length / peer.epochs;
    const means = Array.from({ length: peer.epochs }, (_, epoch) => {
      const own = losses.slice(epoch * perEpoch, (epoch + 1) * perEpoch);
      return own.reduce((sum, loss) => sum + loss, 0) / perEpoch;
    });
    expect(scores[0].trainLoss).toBeNull();
    scores.slice(1).forEach(({ trainLoss }, epoch) => expect(trainLoss).toBeCloseTo(means[epoch], 6));
    // Fifteen steps, each with rounding of 6e-8 of values around 1.
    for (const [key, { data: expected }] of Object.entries(final))
      expected.forEach((value, i) => expect(Math.abs(parameters[key][i] - value), key).toBeLessThan(2e-6));
  });

  it('gives the same numbers for the same seed and others for another', async () => {
    const [first, again] = [await course(RECIPES.sgd, data), await course(RECIPES.sgd, data)];
    expect(again).toEqual(first);
    expect(await course({ ...RECIPES.sgd, seed: 1 }, data)).not.toEqual(first);
  });

  it('goes on from the state of an epoch to the same numbers', async () => {
    const whole = await course(RECIPES.sgd, data);
    let saved: NetworkState | undefined;
    const copy = (record: TensorRecord): TensorRecord =>
      Object.fromEntries(Object.entries(record).map(([name, tensor]) => [name, tf.clone(tensor)]));
    const options = { graph, task: classification, train: data, test: data, recipe: RECIPES.sgd };
    for await (const { state, score } of trainNetwork({
      ...options,
      state: startState(RECIPES.sgd.optimizer, start()),
    })) {
      if (score.epoch < 1) continue;
      const moments = Object.fromEntries(Object.entries(state.moments).map(([key, record]) => [key, copy(record)]));
      saved = { ...state, parameters: copy(state.parameters), moments };
      break;
    }
    const rest = await course(RECIPES.sgd, data, saved);
    expect(rest.scores).toEqual(whole.scores.slice(2));
    expect(rest.parameters).toEqual(whole.parameters);
  });

  it('leaves no tensor behind, also when the caller stops early', async () => {
    const before = tf.memory().numTensors;
    await course(RECIPES.adamw, data);
    const options = { graph, task: classification, train: data, test: data, recipe: RECIPES.adamw };
    for await (const _ of trainNetwork({ ...options, state: startState(RECIPES.adamw.optimizer, start()) })) break;
    expect(tf.memory().numTensors).toBe(before);
  });

  it('ends where the loss is no longer a number, and says so', async () => {
    const { scores, isDiverged } = await course({ ...RECIPES.sgd, learningRate: 1e25, schedule: 'constant' }, data);
    expect(isDiverged).toBe(true);
    expect(scores.map(({ epoch }) => epoch)).toEqual([0, 1]);
  });

  it.each([
    [{ epochs: 0 }, 'epochs should be a positive integer, got 0'],
    [{ learningRate: -1 }, 'learningRate should be a positive number, got -1'],
    [{ gradientClip: 0 }, 'gradientClip should be a positive number, got 0'],
    [{ optimizer: { type: 'sgd', momentum: 1, weightDecay: 0 } }, 'momentum should be a number in [0, 1), got 1'],
  ] as ReadonlyArray<readonly [Partial<Recipe>, string]>)('refuses %j', async (change, message) => {
    await expect(course({ ...RECIPES.sgd, ...change }, data)).rejects.toThrow(message);
  });

  it('lowers the learning rate along half a cosine', () => {
    const rates = [0, 5, 10].map((step) => learningRateOf({ ...RECIPES.sgd, learningRate: 1 }, step, 10));
    expect(rates).toEqual([1, expect.closeTo(0.5, 12), 0]);
  });
});
