// A comparison in a folder: every architecture from every initialiser at every learning rate and seed, in parallel, each run made once.
import { type ChildProcess, fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DatasetOptions } from '@logah/data/node';
import type { Graph } from '@logah/graph-ir';
import { writeFileAtomically } from '@logah/safetensors/node';
import { EvaluationError } from './errors.js';
import { initializerIdentity } from './initializer-spec.js';
import type { Job } from './job.js';
import type { RunKey, RunRecord } from './results.js';
import { checkRecipe, type Recipe } from './training.js';
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
  | { readonly type: 'step'; readonly key: RunKey; readonly step: number; readonly steps: number };

/**
 * Makes all runs that the folder does not hold yet, yielding every run once, those it holds first. Ends early when the signal is aborted.
 * Throws {@link EvaluationError} for a recipe or initialiser at fault, and when a worker fails.
 */
export async function* sweep(options: SweepOptions): AsyncGenerator<SweepEvent> {
  const { folder, workers: workerCount, signal } = options;
  const jobs = await jobsOf(options);
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
        // Reads the data: what fails until then leaves no folder.
        await converse(worker, setup);
        await mkdir(folder, { recursive: true });
        for (let filed = missing.shift(); filed !== undefined; filed = missing.shift()) {
          const { job, path } = filed;
          const run = await converse(worker, job, (step, steps) =>
            events.push({ type: 'step', key: job.key, step, steps }),
          );
          if (run === undefined) throw new EvaluationError('a worker answered before it was asked');
          await writeFileAtomically(path, `${JSON.stringify(run, null, 2)}\n`);
          events.push({ type: 'run', run, done: ++done, total, isCached: false });
        }
      }),
    ).then(events.end, events.fail);
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
          const { name: _, ...content } = graph;
          const identity = JSON.stringify([content, identities.get(initializer), data, whole]);
          const id = createHash('sha256').update(identity).digest('hex').slice(0, 16);
          const isReported = seed === seeds[0];
          const job = { key, graph, recipe: whole, statePath: join(folder, `${id}.safetensors`), isReported };
          jobs.push({ job, path: join(folder, `${id}.json`) });
        }
      }
    }
  }
  return jobs;
}

async function readRun(path: string): Promise<RunRecord | undefined> {
  if (!existsSync(path)) return undefined;
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    throw new EvaluationError(`${path}: not a run that was kept; delete the file to make it again`, { cause });
  }
}

/** Sends a worker a message and waits for what it answers in the end: a run, or nothing when it is ready. */
function converse(
  worker: ChildProcess,
  message: WorkerSetup | WorkerRequest,
  onStep?: (step: number, steps: number) => void,
): Promise<RunRecord | undefined> {
  const what = 'key' in message ? `the run of ${Object.values(message.key).join(', ')}` : 'a worker';
  return new Promise((resolve, reject) => {
    const finish = (act: () => void): void => {
      worker.off('message', onMessage);
      worker.off('exit', onExit);
      act();
    };
    const onMessage = (reply: WorkerReply): void => {
      if (reply.type === 'step') onStep?.(reply.step, reply.steps);
      else if (reply.type === 'error') finish(() => reject(new EvaluationError(`${what} failed: ${reply.message}`)));
      else finish(() => resolve(reply.type === 'done' ? reply.run : undefined));
    };
    const onExit = (code: number | null): void =>
      finish(() => reject(new EvaluationError(`${what} ended with code ${code}`)));
    worker.on('message', onMessage);
    worker.on('exit', onExit);
    worker.send(message);
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
