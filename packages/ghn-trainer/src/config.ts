// The recipe of a run: checked once, then trusted.
import { shortJson } from '@logah/files';
import type { InnerLoop } from './inner-loop.js';
import type { ScheduleConfig } from './schedule.js';

export interface TrainerConfig extends ScheduleConfig {
  readonly seed: number;
  /** Networks predicted in one step, m. */
  readonly metaBatch: number;
  /** Samples in a mini-batch. */
  readonly batch: number;
  /** Steps that count as an epoch; by default one pass over the data. */
  readonly stepsPerEpoch?: number;
  readonly weightDecay: number;
  /** The largest global norm of gradients. */
  readonly gradientClip: number;
  /** γ, the weight of the predicted tensors' Frobenius norms in the loss. */
  readonly predictedParameterRegularization: number;
  /**
   * Follows the reference's graphs and the rows that it reads of a meta-batch; false by default. See
   * `MetaBatchOptions`.
   */
  readonly reference?: boolean;
  /** Trains every predicted network a little before its loss is taken; not by default. */
  readonly innerLoop?: InnerLoop;
  /** Of the moving average of the hypernetwork's parameters, such as 0.999; without it there is none. */
  readonly averageDecay?: number;
}

/** A run that cannot start or go on; the message says why and what to do. */
export class TrainingError extends Error {
  override readonly name = 'TrainingError';
}

/** LoGAH's recipe for vision (arXiv 2405.16287 §4). */
export const TRAINER_DEFAULTS: TrainerConfig = {
  seed: 0,
  metaBatch: 1,
  batch: 64,
  epochs: 300,
  learningRate: 3e-4,
  warmupEpochs: 5,
  warmupFrom: 1e-5,
  weightDecay: 1e-2,
  gradientClip: 5,
  predictedParameterRegularization: 3e-5,
};

/**
 * What templates learn well with: a higher rate, since every layer has templates of its own, gradients clipped at 1, and no pull on what is
 * predicted, whose scale the templates hold themselves.
 */
export const TEMPLATE_TRAINER_DEFAULTS: TrainerConfig = {
  ...TRAINER_DEFAULTS,
  epochs: 20,
  learningRate: 2e-3,
  warmupEpochs: 2,
  warmupFrom: 1e-4,
  gradientClip: 1,
  predictedParameterRegularization: 0,
};

/** Checks every field. Throws {@link TrainingError} naming the first one at fault. */
export function checkTrainerConfig(config: TrainerConfig): void {
  const fail = (field: keyof TrainerConfig, wanted: string): never => {
    throw new TrainingError(`trainer configuration: ${field} should be ${wanted}, got ${shortJson(config[field])}`);
  };
  for (const field of ['metaBatch', 'batch', 'epochs'] as const) {
    if (!Number.isSafeInteger(config[field]) || config[field] < 1) fail(field, 'a positive integer');
  }
  const { stepsPerEpoch = 1 } = config;
  if (!Number.isSafeInteger(stepsPerEpoch) || stepsPerEpoch < 1) fail('stepsPerEpoch', 'a positive integer');
  if (!Number.isSafeInteger(config.seed)) fail('seed', 'an integer');
  if (!Number.isSafeInteger(config.warmupEpochs) || config.warmupEpochs < 0)
    fail('warmupEpochs', 'an integer of at least 0');
  const { averageDecay = 0 } = config;
  if (!(averageDecay >= 0 && averageDecay < 1)) fail('averageDecay', 'a number in [0, 1)');
  if (config.innerLoop !== undefined) checkInnerLoop(config.innerLoop, config.batch);
  for (const field of ['learningRate', 'gradientClip'] as const)
    if (!(config[field] > 0 && Number.isFinite(config[field]))) fail(field, 'a positive number');
  for (const field of ['weightDecay', 'predictedParameterRegularization', 'warmupFrom'] as const) {
    if (!(config[field] >= 0 && Number.isFinite(config[field]))) fail(field, 'a number of at least 0');
  }
}

function checkInnerLoop({ steps, learningRate }: InnerLoop, batch: number): void {
  if (!Number.isSafeInteger(steps) || steps < 1 || steps >= batch) {
    throw new TrainingError(
      `trainer configuration: innerLoop.steps should be an integer from 1 to ${batch - 1}, since each step and the loss ` +
        `behind them have their own part of a mini-batch of ${batch}; got ${shortJson(steps)}`,
    );
  }
  if (!(learningRate > 0 && Number.isFinite(learningRate))) {
    throw new TrainingError(
      `trainer configuration: innerLoop.learningRate should be a positive number, got ${shortJson(learningRate)}`,
    );
  }
}
