// Meta-training: an application drives it, step by step, and decides what to do with each step's state.
import { type Batch, type DataSource, epochBatches } from '@logah/data';
import { type Architecture, buildArchitecture, formatArchitecture } from '@logah/graph-ir';
import type { Hypernet } from '@logah/hypernet';
import { ADAMW_DEFAULTS, type AdamWState, clipScale, initAdamW, type Task, updateAdamW } from '@logah/network';
import { createRandom, deriveSeed, type Random } from '@logah/random';
import { areFinite, globalNorm, type TensorRecord, takeNumber } from '@logah/tensor-ops';
import * as tf from '@tensorflow/tfjs-core';
import { checkTrainerConfig, type TrainerConfig, TrainingError } from './config.js';
import { type MetaBatchResult, metaBatchGradients } from './meta-batch.js';
import { learningRateAt } from './schedule.js';

/** What a run is made of; nothing else is remembered, so a run goes on from here to the same numbers. */
export interface TrainerState {
  /** Updates made. */
  readonly step: number;
  readonly hypernet: Hypernet;
  readonly optimizer: AdamWState;
  /** The moving average of the hypernetwork's parameters, where one is kept. */
  readonly average?: TensorRecord;
}

/** Draws the architecture of a network to predict. */
export type ArchitectureSource = (random: Random) => Architecture;

/** A network of a meta-batch: its architecture, and the seed of what is drawn rather than predicted. */
export interface DrawnNetwork {
  readonly architecture: Architecture;
  readonly seed: number;
}

/** Computes the loss and gradients of a meta-batch; the caller owns the gradients. */
export type MetaGradients = (
  hypernet: Hypernet,
  networks: readonly DrawnNetwork[],
  batch: Batch,
) => MetaBatchResult | Promise<MetaBatchResult>;

export interface TrainOptions {
  readonly config: TrainerConfig;
  /** Where to start: {@link initTrainer} makes a fresh state. The trainer takes its tensors over. */
  readonly state: TrainerState;
  readonly architectures: ArchitectureSource;
  readonly data: DataSource;
  readonly task: Task;
  /** Where gradients are computed; by default here, one network after the other. */
  readonly gradients?: MetaGradients;
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

/** A fresh state for a hypernetwork, whose tensors it takes over; `averageDecay` as the configuration has it. */
export function initTrainer(
  hypernet: Hypernet,
  { averageDecay }: Pick<TrainerConfig, 'averageDecay'> = {},
): TrainerState {
  const { parameters } = hypernet;
  const average = averageDecay === undefined ? {} : { average: mapTensors(parameters, (tensor) => tf.clone(tensor)) };
  return { step: 0, hypernet, optimizer: initAdamW(parameters), ...average };
}

/** Frees a state's tensors. */
export function disposeTrainer({ hypernet, optimizer, average = {} }: TrainerState): void {
  tf.dispose([hypernet.parameters, optimizer.first, optimizer.second, average].map((record) => Object.values(record)));
}

/** How many steps a run of this configuration has on a data source. */
export const totalSteps = ({ epochs, batch, stepsPerEpoch }: TrainerConfig, data: DataSource): number =>
  epochs * (stepsPerEpoch ?? Math.floor(data.length / batch));

/** Throws {@link TrainingError} for a configuration that cannot run on a data source. */
export function checkRunnable(config: TrainerConfig, data: DataSource): void {
  checkTrainerConfig(config);
  if (config.batch > data.length) {
    throw new TrainingError(
      `trainer configuration: batch should be at most the ${data.length} samples that there are, got ${config.batch}`,
    );
  }
}

/** Gradients of a meta-batch on this thread. */
export const localGradients =
  (
    task: Task,
    {
      predictedParameterRegularization,
      reference = false,
      innerLoop,
    }: Pick<TrainerConfig, 'predictedParameterRegularization' | 'reference' | 'innerLoop'>,
  ): MetaGradients =>
  (hypernet, networks, batch) =>
    metaBatchGradients(
      hypernet,
      networks.map(({ architecture, seed }) => ({
        graph: buildArchitecture(architecture),
        random: createRandom(seed),
      })),
      batch,
      task,
      { predictedParameterRegularization, reference, ...(innerLoop === undefined ? {} : { innerLoop }) },
    );

/**
 * Meta-trains a hypernetwork from a state to the end of the configured epochs, yielding after every step; the last state is returned, and is the
 * caller's, as is the latest one when the caller stops early or an error is thrown.
 * What a step draws depends on the seed and the step alone. Throws {@link TrainingError} for a configuration that cannot run, and for a loss or
 * gradient that is not finite, or an update that makes the state so, naming the step and the architectures; the state
 * is then that of the step before.
 */
export async function* train(options: TrainOptions): AsyncGenerator<TrainEvent, TrainerState> {
  const { config, architectures, data, task } = options;
  checkRunnable(config, data);
  if (config.reference === true && options.gradients !== undefined) {
    throw new TrainingError(
      'trainer configuration: reference reads rows across a whole meta-batch, ' +
        "so it wants the trainer's own gradients, not a pool's",
    );
  }
  const { gradients: computeGradients = localGradients(task, config) } = options;
  const steps = totalSteps(config, data);
  const perEpoch = steps / config.epochs;
  let current = options.state;
  let epochOf = -1;
  let batches: number[][] = [];
  while (current.step < steps) {
    const started = performance.now();
    const epoch = Math.floor(current.step / perEpoch);
    if (epoch !== epochOf) {
      batches = epochBatches(data.length, config.batch, createRandom(deriveSeed(config.seed, -1 - epoch)));
      epochOf = epoch;
    }
    const random = createRandom(deriveSeed(config.seed, current.step));
    const networks = Array.from({ length: config.metaBatch }, () => ({
      architecture: architectures(random),
      seed: random.integer(0, 0x7fffffff),
    }));
    const batch = data.batch(batches[(current.step % perEpoch) % batches.length], random);
    const result = await computeGradients(current.hypernet, networks, batch);
    tf.dispose([batch.inputs, batch.labels]);
    const gradientNorm = await takeNumber(globalNorm(Object.values(result.gradients)));
    const names = networks.map(({ architecture }) => formatArchitecture(architecture));
    if (!Number.isFinite(result.loss) || !Number.isFinite(gradientNorm)) {
      tf.dispose(Object.values(result.gradients));
      throw new TrainingError(
        `step ${current.step + 1}: the loss is ${result.loss} and the gradient norm ${gradientNorm} for ${names.join('; ')}. ` +
          'Nothing was updated: go on from the last checkpoint with a lower learning rate or another seed',
      );
    }
    const learningRate = learningRateAt(epoch, config);
    const next = update(current, result.gradients, learningRate, clipScale(gradientNorm, config.gradientClip), config);
    if (!(await isFiniteState(next))) {
      disposeTrainer(next);
      throw new TrainingError(
        `step ${current.step + 1}: after an update at the rate ${learningRate} the hypernetwork, a moment of its ` +
          `optimiser or its average is no longer finite, for ${names.join('; ')}. The state before it is kept: ` +
          'go on from there with a lower learning rate or another seed',
      );
    }
    disposeTrainer(current);
    current = next;
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

/** The state after an update; frees the gradients. */
function update(
  state: TrainerState,
  gradients: TensorRecord,
  learningRate: number,
  gradientScale: number,
  config: TrainerConfig,
): TrainerState {
  const { hypernet, optimizer, average } = state;
  const adamW = { ...ADAMW_DEFAULTS, weightDecay: config.weightDecay };
  const { parameters, state: moments } = updateAdamW(
    hypernet.parameters,
    gradients,
    optimizer,
    learningRate,
    gradientScale,
    adamW,
  );
  const { averageDecay: decay = 0 } = config;
  const moved =
    average === undefined
      ? {}
      : {
          average: mapTensors(parameters, (tensor, name) =>
            tf.tidy(() => tf.add(tf.mul(average[name], decay), tf.mul(tensor, 1 - decay))),
          ),
        };
  tf.dispose(Object.values(gradients));
  return { step: state.step + 1, hypernet: { ...hypernet, parameters }, optimizer: moments, ...moved };
}

/** Whether no value of a state is NaN or infinite. */
const isFiniteState = ({ hypernet, optimizer, average = {} }: TrainerState): Promise<boolean> =>
  areFinite(
    [hypernet.parameters, optimizer.first, optimizer.second, average].flatMap((record) => Object.values(record)),
  );

const mapTensors = (record: TensorRecord, map: (tensor: tf.Tensor, name: string) => tf.Tensor): TensorRecord =>
  Object.fromEntries(Object.entries(record).map(([name, tensor]) => [name, map(tensor, name)]));
