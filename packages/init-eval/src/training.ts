// Trains one network from given parameters, and scores it before the first epoch and after each.
import { type DataSource, epochBatches } from '@logah/data';
import type { Graph } from '@logah/graph-ir';
import { clipScale, evaluateNetwork, type NetworkScore, networkGradients, type Task } from '@logah/network';
import { createRandom, deriveSeed } from '@logah/random';
import { areFinite, globalNorm, takeNumber } from '@logah/tensor-ops';
import * as tf from '@tensorflow/tfjs-core';
import { EvaluationError } from './errors.js';
import { disposeState, type NetworkState, type OptimizerConfig, updateState } from './optimizer.js';

export interface Recipe {
  readonly optimizer: OptimizerConfig;
  readonly learningRate: number;
  /** The learning rate stays, or falls to 0 as half a cosine over all steps. */
  readonly schedule: 'constant' | 'cosine';
  readonly epochs: number;
  readonly batch: number;
  /** The largest global norm of gradients; no limit by default. */
  readonly gradientClip?: number;
  /** Of the order of samples and their augmentation. */
  readonly seed: number;
}

/** How a network stands after an epoch; epoch 0 is before any training. */
export interface EpochScore extends NetworkScore {
  readonly epoch: number;
  /** The mean loss over the epoch's batches; null before training. */
  readonly trainLoss: number | null;
}

export interface TrainNetworkOptions {
  readonly graph: Graph;
  readonly task: Task;
  readonly train: DataSource;
  readonly test: DataSource;
  readonly recipe: Recipe;
  /** Where to start; the trainer takes its tensors over. A state of a later epoch goes on from there to the same numbers. */
  readonly state: NetworkState;
  /** Told of every step, from 1 to the number of steps of the whole training. */
  readonly onStep?: (step: number, steps: number) => void;
}

export interface EpochEvent {
  readonly score: EpochScore;
  /** The state after the epoch. It belongs to the trainer: read it before asking for the next epoch. */
  readonly state: NetworkState;
  /** The loss, a parameter or a moment was no longer finite: this is the last epoch, and its score that of the state it broke down in. */
  readonly isDiverged: boolean;
}

/** Checks every field. Throws {@link EvaluationError} naming the first one at fault. */
export function checkRecipe(recipe: Recipe): void {
  const fail = (field: string, wanted: string, got: unknown): never => {
    throw new EvaluationError(`training recipe: ${field} should be ${wanted}, got ${JSON.stringify(got)}`);
  };
  for (const field of ['epochs', 'batch'] as const) {
    if (!Number.isSafeInteger(recipe[field]) || recipe[field] < 1) fail(field, 'a positive integer', recipe[field]);
  }
  if (!Number.isSafeInteger(recipe.seed)) fail('seed', 'an integer', recipe.seed);
  if (!(recipe.learningRate > 0 && Number.isFinite(recipe.learningRate)))
    fail('learningRate', 'a positive number', recipe.learningRate);
  const { gradientClip = 1, optimizer } = recipe;
  if (!(gradientClip > 0)) fail('gradientClip', 'a positive number', gradientClip);
  if (!(optimizer.weightDecay >= 0)) fail('weightDecay', 'a number of at least 0', optimizer.weightDecay);
  if (optimizer.type === 'sgd' && !(optimizer.momentum >= 0 && optimizer.momentum < 1))
    fail('momentum', 'a number in [0, 1)', optimizer.momentum);
}

/** Updates in an epoch: whole batches of the samples. */
export const stepsPerEpoch = (samples: number, batch: number): number => Math.floor(samples / batch);

/** The learning rate of a step, counted from 0. */
export function learningRateOf({ learningRate, schedule }: Recipe, step: number, steps: number): number {
  return schedule === 'constant' ? learningRate : (learningRate * (1 + Math.cos((Math.PI * step) / steps))) / 2;
}

/**
 * Trains to the end of the recipe, yielding before the first epoch (unless the state is of a later one) and after each; frees the state at the end, also
 * when the caller stops early. What an epoch draws depends on the seed and the epoch alone.
 * Throws {@link EvaluationError} for a recipe that cannot run, also on data smaller than a batch.
 */
export async function* trainNetwork(options: TrainNetworkOptions): AsyncGenerator<EpochEvent> {
  const { graph, task, train, test, recipe, onStep } = options;
  checkRecipe(recipe);
  if (recipe.batch > train.length) {
    throw new EvaluationError(
      `training recipe: batch should be at most the ${train.length} samples that there are, got ${recipe.batch}`,
    );
  }
  let { state } = options;
  const steps = recipe.epochs * stepsPerEpoch(train.length, recipe.batch);
  const scored = async (trainLoss: number | null): Promise<EpochScore> => ({
    epoch: state.epoch,
    trainLoss,
    ...(await evaluateNetwork(graph, state.parameters, test, task, recipe.batch)),
  });
  try {
    if (state.epoch === 0) yield { score: await scored(null), state, isDiverged: false };
    while (state.epoch < recipe.epochs) {
      const order = epochBatches(train.length, recipe.batch, createRandom(deriveSeed(recipe.seed, state.epoch)));
      const random = createRandom(deriveSeed(recipe.seed, -1 - state.epoch));
      let sum = 0;
      let isBroken = false;
      for (const indices of order) {
        const batch = train.batch(indices, random);
        const { loss, gradients } = await networkGradients(graph, state.parameters, batch, task);
        tf.dispose([batch.inputs, batch.labels]);
        sum += loss;
        const scale =
          recipe.gradientClip === undefined ? 1 : await clipped(Object.values(gradients), recipe.gradientClip);
        if (!Number.isFinite(loss) || !Number.isFinite(scale)) {
          tf.dispose(Object.values(gradients));
          isBroken = true;
          break;
        }
        const rate = learningRateOf(recipe, state.step, steps);
        state = updateState(recipe.optimizer, state, gradients, rate, scale);
        if (
          !(await areFinite(
            [state.parameters, ...Object.values(state.moments)].flatMap((record) => Object.values(record)),
          ))
        ) {
          isBroken = true;
          break;
        }
        onStep?.(state.step, steps);
      }
      state = { ...state, epoch: state.epoch + 1 };
      const trainLoss = sum / order.length;
      const score = await scored(trainLoss);
      const isDiverged = isBroken || !Number.isFinite(trainLoss) || !Number.isFinite(score.loss);
      yield { score, state, isDiverged };
      if (isDiverged) return;
    }
  } finally {
    disposeState(state);
  }
}

const clipped = async (gradients: tf.Tensor[], limit: number): Promise<number> =>
  clipScale(await takeNumber(globalNorm(gradients)), limit);
