// A comparison in a folder: every architecture from every initialiser at every learning rate and seed, in parallel, each run made once.
import { type ChildProcess, fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type DatasetOptions, datasetIdentity } from '@logah/data/node';
import { parseJson } from '@logah/files';
import { lockFolder, makeFolder, readText, sweepFolder, writeFile } from '@logah/files/node';
import type { Graph } from '@logah/graph-ir';
import { EvaluationError } from './errors.js';
import { initializerIdentity } from './initializer-spec.js';
import type { Job } from './job.js';
import { areScores } from './network-state.js';
import type { RunKey, RunRecord } from './results.js';
import { checkRecipe, type EpochScore, type Recipe } from './training.js';
import type { WorkerReply, WorkerRequest, WorkerSetup } from './worker-messages.js';

export interface SweepOptions extends Omit<WorkerSetup, 'isShared'> {
  /** Where runs are kept; a comparison that was stopped goes on from there, and another one uses what it shares. */
  readonly folder: string;
  /** Architectures by the name that the results give them. */
  readonly graphs: ReadonlyMap<string, Graph>;
  /** As {@link readInitializer} reads them. */
  readonly initializers: readonly string[];
  readonly learningRates: readonly number[];
  readonly seeds: readonly number[];
  readonly recipe: Omit<Recipe, 'learningRate' | 'seed'>;
  readonly data: DatasetOptions;
  readonly workers: number;
  /** Stops the comparison; runs under way keep the state of their last epoch. */
  readonly signal?: AbortSignal;
}

export type SweepEvent =
  | {
      readonly type: 'run';
      readonly run: RunRecord;
      readonly done: number;
      readonly total: number;
      readonly isCached: boolean;
    }
  | { readonly type: 'step'; readonly key: RunKey; readonly step: number; readonly steps: number }
  /** What should not be, in a sentence. */
  | { readonly type: 'note'; readonly text: string };

/**
 * Makes all runs that the folder does not hold yet, yielding every run once, those it holds first. Ends early when the signal is aborted.
 * A folder that was made for a comparison that fails before its first run is removed.
 * Throws {@link EvaluationError} for a recipe or initialiser at fault, for two that are the same, when a worker fails,
 * and for a folder that another process holds; DataError for data that cannot be read.
 */
export async function* sweep(options: SweepOptions): AsyncGenerator<SweepEvent> {
  const { folder } = options;
  const jobs = await jobsOf(options);
  const made = await makeFolder(folder);
  try {
    const lock = await lockFolder(folder, EvaluationError);
    try {
      await sweepFolder(folder);
      yield* runAll(jobs, options);
    } finally {
      await lock.release();
    }
  } catch (error) {
    if (!jobs.some(({ path, job }) => existsSync(path) || existsSync(job.statePath))) await made.undo();
    throw error;
  }
}

async function* runAll(jobs: readonly FiledJob[], options: SweepOptions): AsyncGenerator<SweepEvent> {
  const { workers: workerCount, signal } = options;
  const total = jobs.length;
  const missing: FiledJob[] = [];
  let done = 0;
  for (const filed of jobs) {
    const run = await readRun(filed.path);
    if (run === undefined) missing.push(filed);
    // The same network may have had another name when the run was made.
    else yield { type: 'run', run: { ...run, ...filed.job.key }, done: ++done, total, isCached: true };
  }
  if (missing.length === 0) return;
  const events = createQueue<SweepEvent>();
  const count = Math.min(workerCount, missing.length);
  const setup = { ...pick(options), isShared: count > 1 };
  const workers = Array.from({ length: count }, () =>
    fork(fileURLToPath(new URL('./worker.js', import.meta.url)), { serialization: 'advanced' }),
  );
  const stop = (): void => events.end();
  signal?.addEventListener('abort', stop, { once: true });
  if (signal?.aborted) events.end();
  try {
    Promise.all(
      workers.map(async (worker) => {
        await converse(worker, setup);
        for (let filed = missing.shift(); filed !== undefined; filed = missing.shift()) {
          const { job, path } = filed;
          const run = await converse(worker, job, (reply) =>
            events.push(reply.type === 'note' ? reply : { ...reply, key: job.key }),
          );
          if (run === undefined) throw new EvaluationError('a worker answered before it was asked');
          await writeFile(path, `${JSON.stringify(run, null, 2)}\n`);
          events.push({ type: 'run', run, done: ++done, total, isCached: false });
        }
      }),
    ).then(events.end, (error: unknown) => (signal?.aborted ? events.end() : events.fail(error)));
    yield* events.items();
  } finally {
    signal?.removeEventListener('abort', stop);
    await Promise.all(workers.map(ended));
  }
}

const pick = ({ backendUrl, backend, data }: SweepOptions) => ({ backendUrl, backend, data });

/** A job, and where its run is kept when it is done. */
interface FiledJob {
  readonly job: Job;
  readonly path: string;
}

/** All jobs, architecture by architecture, seeds last, so that the first results come for every initialiser. */
async function jobsOf(options: SweepOptions): Promise<FiledJob[]> {
  const { folder, graphs, initializers, learningRates, seeds, recipe, data } = options;
  const identities = new Map<string, string>();
  const content = await datasetIdentity(data);
  const taken = new Map<string, RunKey>();
  for (const initializer of initializers) identities.set(initializer, await initializerIdentity(initializer));
  const jobs: FiledJob[] = [];
  for (const [architecture, graph] of graphs) {
    for (const seed of seeds) {
      for (const learningRate of learningRates) {
        for (const initializer of initializers) {
          const key = { architecture, initializer, learningRate, seed };
          const whole = { ...recipe, learningRate, seed };
          checkRecipe(whole);
          // The name of the architecture is not part of it: what counts is the graph.
          const { name: _, ...network } = graph;
          const identity = JSON.stringify([network, identities.get(initializer), content, whole]);
          const id = createHash('sha256').update(identity).digest('hex').slice(0, 16);
          const twin = taken.get(id);
          if (twin !== undefined)
            throw new EvaluationError(`${sayKey(key)} is the same run as ${sayKey(twin)}: name each once`);
          taken.set(id, key);
          const isReported = seed === seeds[0];
          const job = { key, graph, recipe: whole, statePath: join(folder, `${id}.safetensors`), isReported };
          jobs.push({ job, path: join(folder, `${id}.json`) });
        }
      }
    }
  }
  return jobs;
}

const sayKey = ({ architecture, initializer, learningRate, seed }: RunKey): string =>
  `${architecture} from ${initializer}, rate ${learningRate}, seed ${seed}`;

async function readRun(path: string): Promise<RunRecord | undefined> {
  if (!existsSync(path)) return undefined;
  const wanted = `${path}: not a run that was kept; delete the file to make it again`;
  const kept = parseJson(await readText(path, EvaluationError), wanted, EvaluationError);
  if (!isRecord(kept)) throw new EvaluationError(wanted);
  return { ...kept, scores: kept.scores.map(withNumbers) };
}

/** What tells a run is added by the caller; the report of its start is our own. */
const isRecord = (value: unknown): value is RunRecord =>
  typeof value === 'object' &&
  value !== null &&
  'scores' in value &&
  areScores(value.scores) &&
  'isDiverged' in value &&
  typeof value.isDiverged === 'boolean' &&
  'parameters' in value &&
  typeof value.parameters === 'number' &&
  'seconds' in value &&
  typeof value.seconds === 'number';

/** JSON has null for numbers that are not finite, as those of a run that diverged; only before training it is right. */
const withNumbers = (score: EpochScore): EpochScore => ({
  ...score,
  loss: score.loss ?? Number.NaN,
  accuracy: score.accuracy ?? Number.NaN,
  top5Accuracy: score.top5Accuracy ?? Number.NaN,
  trainLoss: score.epoch === 0 ? null : (score.trainLoss ?? Number.NaN),
});

/** Sends a worker a message and waits for what it answers in the end: a run, or nothing when it is ready. */
function converse(
  worker: ChildProcess,
  message: WorkerSetup | WorkerRequest,
  onEvent?: (reply: Extract<WorkerReply, { type: 'step' | 'note' }>) => void,
): Promise<RunRecord | undefined> {
  const what = 'key' in message ? `the run of ${Object.values(message.key).join(', ')}` : 'a worker';
  return new Promise((resolve, reject) => {
    const finish = (act: () => void): void => {
      worker.off('message', onMessage);
      worker.off('exit', onExit);
      act();
    };
    const onMessage = (reply: WorkerReply): void => {
      if (reply.type === 'step' || reply.type === 'note') onEvent?.(reply);
      else if (reply.type === 'error') finish(() => reject(new EvaluationError(`${what} failed: ${reply.message}`)));
      else finish(() => resolve(reply.type === 'done' ? reply.run : undefined));
    };
    const onExit = (code: number | null, signal: NodeJS.Signals | null): void =>
      finish(() => reject(new EvaluationError(`${what}: its process ended with ${signal ?? `code ${code}`}`)));
    if (worker.exitCode !== null || worker.signalCode !== null) {
      onExit(worker.exitCode, worker.signalCode);
      return;
    }
    worker.on('message', onMessage);
    worker.on('exit', onExit);
    // A worker that is just ending cannot be asked any more: its end says why.
    worker.send(message, () => {});
  });
}

/** Stops a worker, and waits until it is gone. */
function ended(worker: ChildProcess): Promise<void> {
  if (worker.exitCode !== null || worker.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    worker.once('exit', () => resolve());
    worker.kill('SIGKILL');
  });
}

/** Items that come when they come, for a loop to take. */
function createQueue<T>() {
  const waiting: T[] = [];
  let isOver = false;
  let failure: { readonly error: unknown } | undefined;
  let wake = (): void => {};
  return {
    push(item: T): void {
      waiting.push(item);
      wake();
    },
    end(): void {
      isOver = true;
      wake();
    },
    fail(error: unknown): void {
      failure = { error };
      wake();
    },
    async *items(): AsyncGenerator<T> {
      for (;;) {
        for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) yield item;
        if (failure) throw failure.error;
        if (isOver) return;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}
