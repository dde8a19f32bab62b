// A run in a folder: states every so often, metrics as JSON Lines and for TensorBoard, scores on architectures that were held out.
import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { DataSource } from '@logah/data';
import { messageOf, parseJson, shortJson } from '@logah/files';
import { appendToFile, lockFolder, makeFolder, readText, sweepFolder, writeFile } from '@logah/files/node';
import type { Hypernet, HypernetConfig } from '@logah/hypernet';
import { readHypernet, writeHypernet } from '@logah/hypernet/node';
import * as tf from '@tensorflow/tfjs-core';
import { TrainingError } from './config.js';
import { evaluatePredictions, type PredictedScore } from './evaluate.js';
import { type Ranks, shareState } from './ranks.js';
import { readTrainerState, writeTrainerState } from './state-file.js';
import { createEventFile } from './tensorboard.js';
import {
  checkRunnable,
  disposeTrainer,
  type TrainEvent,
  type TrainerState,
  type TrainOptions,
  train,
} from './train.js';

export interface RunOptions extends Omit<TrainOptions, 'state'> {
  readonly folder: string;
  /** Of the hypernetwork that is trained; a state of another is not taken. */
  readonly hypernet: HypernetConfig;
  /** Makes the state of a run that is new, of that hypernetwork. */
  readonly start: () => TrainerState;
  /** What is kept with the run as `config.json`; a run that goes on must have the same. */
  readonly configuration: object;
  /** What the hypernetwork's file says of it beside its configuration. */
  readonly notes?: Readonly<Record<string, string>>;
  /** Steps between states on disk; one is also written at the end and when the run is stopped. */
  readonly saveEvery: number;
  /** How many states are kept. */
  readonly keep: number;
  readonly evaluation?: {
    readonly every: number;
    readonly architectures: readonly string[];
    readonly data: DataSource;
    readonly batch?: number;
  };
  /** Stops the run after the step under way, with its state written. */
  readonly signal?: AbortSignal;
  /**
   * The processes that run this together, each with its own call of `run` and with `gradients` and `signal` of {@link shareGradients}. Rank 0 alone
   * reads and writes the folder; the others take its state and yield their steps.
   */
  readonly ranks?: Ranks;
}

export type RunEvent =
  /** A state that cannot be read: the run goes on from an older one. */
  | { readonly type: 'damaged'; readonly path: string; readonly reason: string }
  | { readonly type: 'resumed'; readonly step: number; readonly path: string }
  | ({ readonly type: 'step' } & Omit<TrainEvent, 'state'>)
  | {
      readonly type: 'evaluation';
      readonly step: number;
      readonly loss: number;
      readonly accuracy: number;
      readonly scores: readonly PredictedScore[];
    }
  | { readonly type: 'saved'; readonly step: number; readonly path: string };

const STATE = /^step-(\d+)\.safetensors$/;
const statePath = (folder: string, step: number): string =>
  join(folder, `step-${String(step).padStart(7, '0')}.safetensors`);

/**
 * Trains in a folder, going on from the last state there, to the end of the configuration or until the signal; frees all tensors.
 * A run that was stopped or killed goes on to the same numbers; metrics of steps after its last state are dropped. A
 * state that is damaged is passed over for an older one. The hypernetwork (its average, where there is one) stands in
 * `hypernet.safetensors` beside each state. When a step fails, the state before it is written first. A folder that was
 * made for a run that fails before its first state is removed.
 * Throws {@link TrainingError} when the folder holds a run of another configuration, states of which none can be read,
 * or is held by another process, and for an evaluation of no architecture.
 */
export async function* run(options: RunOptions): AsyncGenerator<RunEvent> {
  checkRunnable(options.config, options.data);
  if (options.evaluation?.architectures.length === 0)
    throw new TrainingError('an evaluation wants one architecture at least; leave it out where none is held out');
  const { folder, ranks } = options;
  if (ranks !== undefined && ranks.rank > 0) {
    yield* runAlong(options, ranks);
    return;
  }
  const made = await makeFolder(folder);
  try {
    const lock = await lockFolder(folder, TrainingError);
    try {
      await sweepFolder(folder);
      yield* runIn(options, lock.check);
    } finally {
      await lock.release();
    }
  } catch (error) {
    if ((await stateSteps(folder)).length === 0) await made.undo();
    throw error;
  }
}

/** The run in its folder, which nobody else has; `check` throws when somebody does. */
async function* runIn(options: RunOptions, check: () => Promise<void>): AsyncGenerator<RunEvent> {
  const { folder, evaluation, saveEvery, keep, signal, ranks } = options;
  await claimFolder(folder, options.configuration);
  const found = await latestState(options);
  for (const event of found.damaged) yield event;
  let state = found.state ?? options.start();
  if (ranks !== undefined) state = await shareState(state, ranks);
  let isSaved = true;
  const metrics = join(folder, 'metrics.jsonl');
  const learned = join(folder, 'hypernet.safetensors');
  const note = (event: object): Promise<void> => appendToFile(metrics, `${JSON.stringify(event)}\n`);
  const save = async (): Promise<RunEvent> => {
    await check();
    const path = statePath(folder, state.step);
    // The state comes last: one that is there has its hypernetwork beside it, whenever the run is killed.
    await writeHypernet(learned, learnedHypernet(state), options.notes);
    await writeTrainerState(path, state);
    isSaved = true;
    await removeOldStates(folder, state.step, keep);
    return { type: 'saved', step: state.step, path };
  };
  try {
    await keepMetricsUpTo(metrics, state.step);
    await removeOldStates(folder, state.step, keep);
    const board = await createEventFile(folder);
    // It may be gone, damaged or of a later state; nothing else could make it again once the run has ended.
    if (found.state !== undefined && !(await isWritten(learned, learnedHypernet(state))))
      await writeHypernet(learned, learnedHypernet(state), options.notes);
    if (found.state !== undefined) yield { type: 'resumed', step: state.step, path: statePath(folder, state.step) };
    for await (const { state: next, ...step } of train({ ...options, state })) {
      state = next;
      isSaved = false;
      await note({ type: 'step', ...step });
      await board.scalars(step.step, {
        'train/loss': step.taskLoss,
        'train/accuracy': step.accuracy,
        'train/gradient_norm': step.gradientNorm,
        'train/learning_rate': step.learningRate,
      });
      yield { type: 'step', ...step };
      if (evaluation !== undefined && (step.step % evaluation.every === 0 || step.step === step.steps)) {
        const { architectures, data, batch } = evaluation;
        const scores = await evaluatePredictions(learnedHypernet(state), architectures, data, options.task, {
          batchSize: batch,
          reference: options.config.reference,
        });
        const mean = (pick: (score: PredictedScore) => number): number =>
          scores.reduce((sum, score) => sum + pick(score), 0) / scores.length;
        const result = {
          type: 'evaluation',
          step: step.step,
          loss: mean(({ loss }) => loss),
          accuracy: mean(({ accuracy }) => accuracy),
          scores,
        } as const;
        await note(result);
        await board.scalars(step.step, { 'heldout/loss': result.loss, 'heldout/accuracy': result.accuracy });
        yield result;
      }
      if (step.step % saveEvery === 0 || step.step === step.steps) yield await save();
      await letSignalsIn();
      if (signal?.aborted) break;
    }
    if (!isSaved) yield await save();
  } catch (error) {
    // The steps up to the one that failed were good; why it failed is what is to be told, whatever becomes of them.
    if (!isSaved) await save().catch(() => {});
    throw error;
  } finally {
    disposeTrainer(state);
  }
}

/** The part of a run that a rank other than 0 has: it computes and writes nothing. */
async function* runAlong(options: RunOptions, ranks: Ranks): AsyncGenerator<RunEvent> {
  let state = await shareState(options.start(), ranks);
  try {
    for await (const { state: next, ...step } of train({ ...options, state })) {
      state = next;
      yield { type: 'step', ...step };
      await letSignalsIn();
      if (options.signal?.aborted) break;
    }
  } finally {
    disposeTrainer(state);
  }
}

/** A step itself may never wait. */
const letSignalsIn = (): Promise<void> => new Promise(setImmediate);

interface FoundState {
  /** Undefined for a run that has none yet. */
  readonly state: TrainerState | undefined;
  readonly damaged: readonly RunEvent[];
}

/** In what a state is not one of this run; undefined for one that is. */
function foreignPart(state: TrainerState, { hypernet, config }: RunOptions): string | undefined {
  const [found, wanted] = [state.hypernet.config, hypernet].map((one) => JSON.stringify(one, null, 1));
  if (!isDeepStrictEqual(JSON.parse(found), JSON.parse(wanted)))
    return `it is of another hypernetwork (${differingLines(found, wanted)})`;
  const keepsAverage = config.averageDecay !== undefined;
  if ((state.average !== undefined) === keepsAverage) return undefined;
  return keepsAverage ? 'its average is missing' : 'it has an average, and the run keeps none';
}

/** The newest state of this run that can be read. Throws {@link TrainingError} when there are some and none can. */
async function latestState(options: RunOptions): Promise<FoundState> {
  const { folder } = options;
  const damaged: Array<RunEvent & { readonly type: 'damaged' }> = [];
  for (const step of (await stateSteps(folder)).reverse()) {
    const path = statePath(folder, step);
    try {
      const state = await readTrainerState(path);
      if (state.step !== step) {
        disposeTrainer(state);
        throw new TrainingError(`${path}: it holds the state of step ${state.step}`);
      }
      const foreign = foreignPart(state, options);
      if (foreign !== undefined) {
        disposeTrainer(state);
        throw new TrainingError(`${path}: ${foreign}`);
      }
      return { state, damaged };
    } catch (cause) {
      damaged.push({ type: 'damaged', path, reason: messageOf(cause) });
    }
  }
  if (damaged.length === 0) return { state: undefined, damaged };
  throw new TrainingError(
    `${folder}: none of its ${damaged.length} states can be read (${damaged[0].reason}); use another folder to begin anew`,
  );
}

/** Leaves the newest states up to a step: later ones are damaged, and must not count in the place of good ones. */
async function removeOldStates(folder: string, step: number, keep: number): Promise<void> {
  const upTo = (await stateSteps(folder)).filter((one) => one <= step);
  for (const old of upTo.slice(0, -keep)) await rm(statePath(folder, old));
}

/** The hypernetwork that is used: the average where one is kept. */
const learnedHypernet = ({ hypernet, average }: TrainerState): Hypernet =>
  average === undefined ? hypernet : { ...hypernet, parameters: average };

/** Whether a file holds just this hypernetwork. */
async function isWritten(path: string, { config, parameters }: Hypernet): Promise<boolean> {
  const found = await readHypernet(path).catch(() => undefined);
  if (found === undefined) return false;
  try {
    if (!isDeepStrictEqual(found.config, config)) return false;
    for (const [name, tensor] of Object.entries(parameters))
      if (!isDeepStrictEqual(await found.parameters[name].data(), await tensor.data())) return false;
    return true;
  } finally {
    tf.dispose(Object.values(found.parameters));
  }
}

/** Writes the configuration of a new run, or checks that of an old one. */
async function claimFolder(folder: string, configuration: object): Promise<void> {
  const path = join(folder, 'config.json');
  const text = `${JSON.stringify(configuration, null, 2)}\n`;
  if (!existsSync(path)) {
    await writeFile(path, text);
    return;
  }
  const found = await readText(path);
  if (found === text) return;
  const damaged = `${path}: it is damaged; restore it, or use another folder`;
  const kept = parseJson(found, damaged, TrainingError);
  if (typeof kept !== 'object' || kept === null || Array.isArray(kept) || Object.keys(kept).length === 0)
    throw new TrainingError(`${damaged}: it should be an object with fields, got ${shortJson(kept)}`);
  // The order of options is no part of what a run is made of.
  if (isDeepStrictEqual(kept, JSON.parse(text))) return;
  const differences = differingLines(found, text);
  throw new TrainingError(
    `${path}: the folder holds a run of another configuration (${differences}); use another folder, or the same configuration to go on`,
  );
}

function differingLines(found: string, wanted: string): string {
  const [old, now] = [found, wanted].map((text) => text.split('\n').map((line) => line.trim().replace(/,$/, '')));
  const gone = old.filter((line) => !now.includes(line));
  const come = now.filter((line) => !old.includes(line));
  return `there ${firstOf(gone)}, here ${firstOf(come)}`;
}

/** Differences that a message names. */
const MOST_DIFFERENCES = 3;

/** The first lines, and how many more there are. */
function firstOf(lines: readonly string[]): string {
  if (lines.length === 0) return 'nothing';
  const more = lines.length > MOST_DIFFERENCES ? ` and ${lines.length - MOST_DIFFERENCES} more` : '';
  return `${lines.slice(0, MOST_DIFFERENCES).join(' ')}${more}`;
}

async function stateSteps(folder: string): Promise<number[]> {
  const steps = (await readdir(folder).catch((): string[] => [])).flatMap((name) => {
    const match = STATE.exec(name);
    return match ? [Number(match[1])] : [];
  });
  return steps.sort((a, b) => a - b);
}

/** Drops what was noted after a step, and a last line that was cut off. */
async function keepMetricsUpTo(path: string, step: number): Promise<void> {
  if (!existsSync(path)) return;
  const lines = (await readText(path)).split('\n').filter((line) => isNotedUpTo(line, step));
  await writeFile(path, lines.map((line) => `${line}\n`).join(''));
}

function isNotedUpTo(line: string, step: number): boolean {
  try {
    const event: unknown = JSON.parse(line);
    return typeof event === 'object' && event !== null && 'step' in event && Number(event.step) <= step;
  } catch {
    return false;
  }
}
