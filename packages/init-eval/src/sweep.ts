// A comparison in a folder: every architecture from every initialiser at every learning rate and seed, in parallel, each run made once,
// by one job or by several that share the folder.
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { makeFolder, writeFile } from '@logah/files/node';
import { claimRuns, clearLeft, joinComparison } from './claims.js';
import { createQueue } from './event-queue.js';
import { type ComparisonOptions, type FiledRun, fileRuns, readRun } from './filed-runs.js';
import type { RunKey, RunRecord } from './results.js';
import { inShardOrder, type Shard } from './shard.js';
import type { WorkerSetup } from './worker-messages.js';
import { type RunWorker, startWorker } from './worker-process.js';

export interface SweepOptions extends ComparisonOptions, Omit<WorkerSetup, 'isShared'> {
  readonly workers: number;
  /** What {@link fileRuns} gives for these options, where that is known: it reads all data. */
  readonly filed?: readonly FiledRun[];
  /** Which of several jobs this one is; it begins with its own share. One job that begins with all by default. */
  readonly shard?: Shard;
  /**
   * Whether to go on until all runs are done, also those that other jobs are making, and to make those of jobs that die; true by
   * default. Else the sweep ends when no run is free.
   */
  readonly isWaiting?: boolean;
  /** Stops the comparison; runs under way keep the state of their last epoch. */
  readonly signal?: AbortSignal;
}

export type SweepEvent =
  | {
      readonly type: 'run';
      readonly run: RunRecord;
      readonly done: number;
      readonly total: number;
      /** Whether the folder held it at the start, it was made here, or meanwhile by another job. */
      readonly made: 'before' | 'here' | 'elsewhere';
    }
  | { readonly type: 'step'; readonly key: RunKey; readonly step: number; readonly steps: number }
  /** What should not be, in a sentence. */
  | { readonly type: 'note'; readonly text: string };

/**
 * Makes the runs that the folder does not hold yet and that no other job is making there, yielding every run once, those it holds first.
 * Jobs of one comparison share a folder, on one machine or many. Ends early when the signal is aborted.
 * A folder that was made for a comparison that fails before its first run is removed.
 * Throws {@link EvaluationError} for a recipe or initialiser at fault, for two that are the same, when a worker fails,
 * and while another job makes another comparison in the folder; DataError for data that cannot be read.
 */
export async function* sweep(options: SweepOptions): AsyncGenerator<SweepEvent> {
  const { folder, shard = { index: 1, count: 1 } } = options;
  const runs = inShardOrder(options.filed ?? (await fileRuns(options)), shard);
  const made = await makeFolder(folder);
  try {
    const membership = await joinComparison(runs, options);
    try {
      await clearLeft(folder);
      yield* runAll(runs, options);
      await clearLeft(folder);
    } finally {
      await membership.release();
    }
  } catch (error) {
    if (!runs.some(({ path, job }) => existsSync(path) || existsSync(job.statePath)) && (await isEmpty(folder)))
      await made.undo();
    throw error;
  }
}

/** Whether no other job is at work in a folder either. */
const isEmpty = async (folder: string): Promise<boolean> => (await readdir(folder)).length === 0;

async function* runAll(runs: readonly FiledRun[], options: SweepOptions): AsyncGenerator<SweepEvent> {
  const { folder, signal, isWaiting = true, backendUrl, backend, data } = options;
  const total = runs.length;
  const missing: FiledRun[] = [];
  let done = 0;
  for (const filed of runs) {
    const run = await readRun(filed);
    if (run === undefined) missing.push(filed);
    else yield { type: 'run', run, done: ++done, total, made: 'before' };
  }
  if (missing.length === 0) return;
  const events = createQueue<SweepEvent>();
  const onMade = (run: RunRecord): void => events.push({ type: 'run', run, done: ++done, total, made: 'elsewhere' });
  const over = new AbortController();
  const claim = claimRuns(missing, { folder, isWaiting, onMade, signal: over.signal });
  const count = Math.min(options.workers, missing.length);
  const workers: RunWorker[] = [];
  /** One run after the other, by a worker that is started for the first. */
  const work = async (): Promise<void> => {
    let worker: RunWorker | undefined;
    for (let claimed = await claim(); claimed !== undefined; claimed = await claim()) {
      const { filed, lock } = claimed;
      try {
        if (over.signal.aborted) return;
        if (worker === undefined) {
          worker = startWorker({ backendUrl, backend, data, isShared: count > 1 });
          workers.push(worker);
        }
        const { job, path } = filed;
        const run = await worker.make(job, (reply) =>
          events.push(reply.type === 'note' ? reply : { ...reply, key: job.key }),
        );
        await writeFile(path, `${JSON.stringify(run, null, 2)}\n`);
        events.push({ type: 'run', run, done: ++done, total, made: 'here' });
      } finally {
        await lock.release();
      }
    }
  };
  const stop = (): void => {
    over.abort();
    events.end();
  };
  signal?.addEventListener('abort', stop, { once: true });
  if (signal?.aborted) stop();
  const lanes = Array.from({ length: count }, work);
  Promise.all(lanes).then(events.end, (error: unknown) => (signal?.aborted ? events.end() : events.fail(error)));
  try {
    yield* events.items();
  } finally {
    signal?.removeEventListener('abort', stop);
    over.abort();
    await Promise.all(workers.map((worker) => worker.end()));
    await Promise.allSettled(lanes);
  }
}
