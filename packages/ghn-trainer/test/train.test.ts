import '@logah/backend-ort';
import { createHypernet } from '@logah/hypernet';
import { classification } from '@logah/network';
import { createRandom } from '@logah/random';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  checkTrainerConfig,
  disposeTrainer,
  initTrainer,
  learningRateAt,
  TRAINER_DEFAULTS,
  type TrainerConfig,
  type TrainerState,
  train,
} from '../src/index.js';
import { localGradients } from '../src/train.js';
import { architectures, data, HYPERNET } from './small-run.js';

beforeAll(() => tf.setBackend('ort'));

const CONFIG: TrainerConfig = {
  ...TRAINER_DEFAULTS,
  batch: 4,
  epochs: 2,
  stepsPerEpoch: 4,
  warmupEpochs: 0,
  learningRate: 1e-3,
  metaBatch: 2,
};

async function losses(config: TrainerConfig): Promise<{ losses: number[]; state: TrainerState }> {
  const state = initTrainer(createHypernet(HYPERNET, createRandom(1)));
  const found: number[] = [];
  let last = state;
  for await (const event of train({ config, state, architectures, data, task: classification })) {
    found.push(event.loss);
    last = event.state;
  }
  return { losses: found, state: last };
}

describe('train', () => {
  it('gives the same losses for the same seed, and others for another', async () => {
    const [a, b, c] = [await losses(CONFIG), await losses(CONFIG), await losses({ ...CONFIG, seed: 5 })];
    expect(a.losses).toHaveLength(8);
    expect(b.losses).toEqual(a.losses);
    expect(c.losses).not.toEqual(a.losses);
    for (const { state } of [a, b, c]) disposeTrainer(state);
  });

  it('goes on from a state as if it had never stopped', async () => {
    const whole = await losses(CONFIG);
    const resumed: number[] = [];
    let state = initTrainer(createHypernet(HYPERNET, createRandom(1)));
    for (const stopAt of [3, 8]) {
      for await (const event of train({ config: CONFIG, state, architectures, data, task: classification })) {
        resumed.push(event.loss);
        state = event.state;
        if (event.step === stopAt) break;
      }
    }
    expect(resumed).toEqual(whole.losses);
    disposeTrainer(state);
    disposeTrainer(whole.state);
  });

  it('with reference reads other rows for networks behind smaller ones, and wants its own gradients', async () => {
    const [ours, theirs] = [await losses(CONFIG), await losses({ ...CONFIG, reference: true })];
    expect(theirs.losses).toHaveLength(8);
    expect(theirs.losses).not.toEqual(ours.losses);
    const { state } = theirs;
    const config = { ...CONFIG, reference: true };
    const gradients = localGradients(classification, config);
    const steps = train({ config, state, architectures, data, task: classification, gradients });
    await expect(steps.next()).rejects.toThrow(
      "reference reads rows across a whole meta-batch, so it wants the trainer's own",
    );
    for (const one of [ours.state, state]) disposeTrainer(one);
  });

  it('teaches the hypernetwork: networks it predicts tell bright from dark', async () => {
    const config = { ...CONFIG, epochs: 20, stepsPerEpoch: 6, learningRate: 3e-3 };
    const { losses: found, state } = await losses(config);
    expect(found[0]).toBeGreaterThan(0.3);
    expect(found.slice(-10).reduce((sum, loss) => sum + loss, 0) / 10).toBeLessThan(0.2);
    disposeTrainer(state);
  });

  it('has as many tensors after every step, and none but the state’s at the end', async () => {
    const before = tf.memory().numTensors;
    const counts = new Set<number>();
    let state = initTrainer(createHypernet(HYPERNET, createRandom(1)));
    for await (const event of train({
      config: { ...CONFIG, epochs: 10 },
      state,
      architectures,
      data,
      task: classification,
    })) {
      counts.add(tf.memory().numTensors);
      state = event.state;
    }
    expect(counts.size).toBe(1);
    disposeTrainer(state);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('stops at a loss that is not finite, naming the step and the architectures, with the last good state kept', async () => {
    const hypernet = createHypernet(HYPERNET, createRandom(1));
    const state = initTrainer({
      ...hypernet,
      parameters: { ...hypernet.parameters, 'ln.bias': tf.fill([16], Number.NaN) },
    });
    const run = train({ config: CONFIG, state, architectures, data, task: classification });
    await expect(run.next()).rejects.toThrow(
      /^step 1: the loss is NaN and the gradient norm NaN for vit:layers=.*Nothing was updated: go on from the last checkpoint/,
    );
    expect(state.hypernet.parameters['ln.weight'].isDisposed).toBe(false);
    disposeTrainer(state);
  });

  it.each([
    [{ metaBatch: 0 }, 'metaBatch should be a positive integer, got 0'],
    [{ learningRate: Number.NaN }, 'learningRate should be a positive number, got null'],
    [{ weightDecay: -1 }, 'weightDecay should be a number of at least 0, got -1'],
    [{ stepsPerEpoch: 1.5 }, 'stepsPerEpoch should be a positive integer, got 1.5'],
  ] as ReadonlyArray<readonly [Partial<TrainerConfig>, string]>)('refuses %j', (changes, message) => {
    expect(() => checkTrainerConfig({ ...CONFIG, ...changes })).toThrow(message);
  });
});

describe('learningRateAt', () => {
  it('trains at the full rate where no epoch follows the warm-up', () => {
    const short = { learningRate: 0.1, epochs: 1, warmupEpochs: 1, warmupFrom: 1e-5 };
    expect(learningRateAt(0, short)).toBeCloseTo(0.1, 12);
    expect([0, 1].map((epoch) => learningRateAt(epoch, { ...short, epochs: 2, warmupEpochs: 2 }))).toEqual([1e-5, 0.1]);
  });

  const schedule = { learningRate: 3e-4, epochs: 300, warmupEpochs: 5, warmupFrom: 1e-5 };

  it('warms up over epochs 0 to 3 on linspace(1e-5, 3e-4, 5), then follows the cosine', () => {
    expect(learningRateAt(0, schedule)).toBeCloseTo(1e-5, 12);
    expect(learningRateAt(2, schedule)).toBeCloseTo((1e-5 + 3e-4) / 2, 12);
    expect(learningRateAt(3, schedule)).toBeCloseTo(1e-5 + 0.75 * 2.9e-4, 12);
    expect(learningRateAt(5, schedule)).toBeCloseTo(3e-4, 12);
    expect(learningRateAt(299, schedule)).toBeCloseTo(1.5e-4 * (1 + Math.cos((Math.PI * 294) / 295)), 12);
  });
});
