// A run in a folder: states every so often, metrics as JSON Lines and for TensorBoard, scores on architectures that were held out.
import { existsSync } from 'node:fs';
import { appendFile, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DataSource } from '@logah/data';
import type { Hypernet } from '@logah/hypernet';
import { writeHypernet } from '@logah/hypernet/node';
import { writeFileAtomically } from '@logah/safetensors/node';
import { TrainingError } from './config.js';
import { evaluatePredictions, type PredictedScore } from './evaluate.js';
import { type Ranks, shareState } from './ranks.js';
import { readTrainerState, writeTrainerState } from './state-file.js';
import { createEventFile } from './tensorboard.js';
import { disposeTrainer, type TrainEvent, type TrainerState, type TrainOptions, train } from './train.js';

export interface RunOptions extends Omit<TrainOptions, 'state'> {
  readonly folder: string;
  /** The state of a run that is new. */
  readonly start: () => TrainerState;
  /** What is kept with the run as `config.json`; a run that goes on must have the same. */
  readonly configuration: object;
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
 * A run that was stopped or killed goes on to the same numbers; metrics of steps after its last state are dropped. The hypernetwork (its average, where there is one)
 * stands in `hypernet.safetensors` beside each state. Throws {@link TrainingError} when the folder holds a run of another configuration.
 */
export async function* run(options: RunOptions): AsyncGenerator<RunEvent> {
  const { folder, evaluation, saveEvery, keep, signal, ranks } = options;
  if (ranks !== undefined && ranks.rank > 0) {
    yield* runAlong(options, ranks);
    return;
  }
  await mkdir(folder, { recursive: true });
  await claimFolder(folder, options.configuration);
  const [latest] = (await stateSteps(folder)).slice(-1);
  let state = latest === undefined ? options.start() : await readTrainerState(statePath(folder, latest));
  if (ranks !== undefined) state = await shareState(state, ranks);
  const metrics = join(folder, 'metrics.jsonl');
  await keepMetricsUpTo(metrics, state.step);
  const board = await createEventFile(folder);
  const note = (event: object): Promise<void> => appendFile(metrics, `${JSON.stringify(event)}\n`);
  const save = async (): Promise<RunEvent> => {
    const path = statePath(folder, state.step);
    await writeTrainerState(path, state);
    await writeHypernet(join(folder, 'hypernet.safetensors'), learnedHypernet(state));
    for (const old of (await stateSteps(folder)).slice(0, -keep)) await rm(statePath(folder, old));
    return { type: 'saved', step: state.step, path };
  };
  if (latest !== undefined) yield { type: 'resumed', step: latest, path: statePath(folder, latest) };
  let isSaved = true;
  try {
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
        const scores = evaluatePredictions(learnedHypernet(state), architectures, data, options.task, {
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
      if (step.step % saveEvery === 0 || step.step === step.steps) {
        yield await save();
        isSaved = true;
      }
      await letSignalsIn();
      if (signal?.aborted) break;
    }
    if (!isSaved) yield await save();
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

/** The hypernetwork that is used: the average where one is kept. */
const learnedHypernet = ({ hypernet, average }: TrainerState): Hypernet =>
  average === undefined ? hypernet : { ...hypernet, parameters: average };

/** Writes the configuration of a new run, or checks that of an old one. */
async function claimFolder(folder: string, configuration: object): Promise<void> {
  const path = join(folder, 'config.json');
  const text = `${JSON.stringify(configuration, null, 2)}\n`;
  if (!existsSync(path)) {
    await writeFileAtomically(path, text);
    return;
  }
  const found = await readFile(path, 'utf8');
  if (found === text) return;
  const differences = differingLines(found, text);
  throw new TrainingError(
    `${path}: the folder holds a run of another configuration (${differences}); use another folder, or the same configuration to go on`,
  );
}

function differingLines(found: string, wanted: string): string {
  const [old, now] = [found, wanted].map((text) => text.split('\n').map((line) => line.trim().replace(/,$/, '')));
  const gone = old.filter((line) => !now.includes(line));
  const come = now.filter((line) => !old.includes(line));
  return `there ${gone.join(' ') || 'nothing'}, here ${come.join(' ') || 'nothing'}`;
}

async function stateSteps(folder: string): Promise<number[]> {
  const steps = (await readdir(folder)).flatMap((name) => {
    const match = STATE.exec(name);
    return match ? [Number(match[1])] : [];
  });
  return steps.sort((a, b) => a - b);
}

/** Drops what was noted after a step, and a last line that was cut off. */
async function keepMetricsUpTo(path: string, step: number): Promise<void> {
  if (!existsSync(path)) return;
  const lines = (await readFile(path, 'utf8')).split('\n').filter((line) => isNotedUpTo(line, step));
  await writeFileAtomically(path, lines.map((line) => `${line}\n`).join(''));
}

function isNotedUpTo(line: string, step: number): boolean {
  try {
    const event: unknown = JSON.parse(line);
    return typeof event === 'object' && event !== null && 'step' in event && Number(event.step) <= step;
  } catch {
    return false;
  }
}
