// Meta-training: an application drives it, step by step, and decides what to do with each step's state.
import { type DataSource, epochBatches } from '@logah/data';
import { type Architecture, buildArchitecture, formatArchitecture } from '@logah/graph-ir';
import type { Hypernet } from '@logah/hypernet';
import {
  ADAMW_DEFAULTS,
  type AdamWState,
  clipScale,
  disposeAdamW,
  initAdamW,
  type Task,
  updateAdamW,
} from '@logah/network';
import { createRandom, type Random } from '@logah/random';
import { globalNorm } from '@logah/tensor-ops';
import * as tf from '@tensorflow/tfjs-core';
import { checkTrainerConfig, type TrainerConfig, TrainingError } from './config.js';
import { metaBatchGradients } from './meta-batch.js';
import { learningRateAt } from './schedule.js';

/** What a run is made of; nothing else is remembered, so a run goes on from here to the same numbers. */
export interface TrainerState {
  /** Updates made. */
  readonly step: number;
  readonly hypernet: Hypernet;
  readonly optimizer: AdamWState;
}

/** Draws the architecture of a network to predict. */
export type ArchitectureSource = (random: Random) => Architecture;

export interface TrainOptions {
  readonly config: TrainerConfig;
  /** Where to start: {@link initTrainer} makes a fresh state. The trainer takes its tensors over. */
  readonly state: TrainerState;
  readonly architectures: ArchitectureSource;
  readonly data: DataSource;
  readonly task: Task;
}

/** One step of meta-training. */
export interface TrainEvent {
  /** Counted from 1. */
  readonly step: number;
  readonly steps: number;
  readonly epoch: number;
  /** With the regulariser; `taskLoss` is without. */
  readonly loss: number;
  readonly taskLoss: number;
  readonly accuracy: number;
  readonly gradientNorm: number;
  readonly learningRate: number;
  readonly architectures: readonly string[];
  readonly seconds: number;
  /** The state after the step. It belongs to the trainer until the run has ended: do not free or keep it across steps. */
  readonly state: TrainerState;
}

/** A fresh state for a hypernetwork, whose tensors it takes over. */
export const initTrainer = (hypernet: Hypernet): TrainerState => ({
  step: 0,
  hypernet,
  optimizer: initAdamW(hypernet.parameters),
});

/** How many steps a run of this configuration has on a data source. */
export const totalSteps = ({ epochs, batch, stepsPerEpoch }: TrainerConfig, data: DataSource): number =>
  epochs * (stepsPerEpoch ?? Math.floor(data.length / batch));

/**
 * Meta-trains a hypernetwork from a state to the end of the configured epochs, yielding after every step; the last state is returned, and is the
 * caller's, as is the latest one when the caller stops early or an error is thrown.
 * What a step draws depends on the seed and the step alone. Throws {@link TrainingError} for a configuration that cannot run, and for a loss or
 * gradient that is not finite, naming the step and the architectures; the state is then that of the step before.
 */
export async function* train({
  config,
  state,
  architectures,
  data,
  task,
}: TrainOptions): AsyncGenerator<TrainEvent, TrainerState> {
  checkTrainerConfig(config);
  const steps = totalSteps(config, data);
  const perEpoch = steps / config.epochs;
  let current = state;
  let epochOf = -1;
  let batches: number[][] = [];
  while (current.step < steps) {
    const started = performance.now();
    const epoch = Math.floor(current.step / perEpoch);
    if (epoch !== epochOf) {
      batches = epochBatches(data.length, config.batch, createRandom(mix(config.seed, -1 - epoch)));
      epochOf = epoch;
    }
    const random = createRandom(mix(config.seed, current.step));
    const drawn = Array.from({ length: config.metaBatch }, () => architectures(random));
    const batch = data.batch(batches[(current.step % perEpoch) % batches.length], random);
    const result = metaBatchGradients(current.hypernet, drawn.map(buildArchitecture), batch, task, {
      predictedParameterRegularization: config.predictedParameterRegularization,
      random,
    });
    tf.dispose([batch.inputs, batch.labels]);
    const gradientNorm = tf.tidy(() => globalNorm(Object.values(result.gradients)).dataSync()[0]);
    const names = drawn.map(formatArchitecture);
    if (!Number.isFinite(result.loss) || !Number.isFinite(gradientNorm)) {
      tf.dispose(Object.values(result.gradients));
      throw new TrainingError(
        `step ${current.step + 1}: the loss is ${result.loss} and the gradient norm ${gradientNorm} for ${names.join('; ')}. ` +
          'Nothing was updated: go on from the last checkpoint with a lower learning rate or another seed',
      );
    }
    const learningRate = learningRateAt(epoch, config);
    const next = updateAdamW(
      current.hypernet.parameters,
      result.gradients,
      current.optimizer,
      learningRate,
      clipScale(gradientNorm, config.gradientClip),
      { ...ADAMW_DEFAULTS, weightDecay: config.weightDecay },
    );
    tf.dispose([Object.values(result.gradients), Object.values(current.hypernet.parameters)]);
    disposeAdamW(current.optimizer);
    current = {
      step: current.step + 1,
      hypernet: { ...current.hypernet, parameters: next.parameters },
      optimizer: next.state,
    };
    yield {
      step: current.step,
      steps,
      epoch,
      loss: result.loss,
      taskLoss: result.taskLoss,
      accuracy: result.accuracy,
      gradientNorm,
      learningRate,
      architectures: names,
      seconds: (performance.now() - started) / 1000,
      state: current,
    };
  }
  return current;
}

/** A seed of its own for each purpose of a run (splitmix32's finaliser). */
function mix(seed: number, purpose: number): number {
  let z = (Math.imul(seed, 0x9e3779b1) + Math.imul(purpose, 0x85ebca77)) | 0;
  z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
  return z ^ (z >>> 15);
}
