// Jobs that share a folder: who makes which run, and that all make the same comparison.
import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseJson, shortJson } from '@logah/files';
import { type Holder, type Lock, sweepFolder, tryLock } from '@logah/files/node';
import { EvaluationError } from './errors.js';
import { type ComparisonOptions, type FiledRun, hashOf, readRun, runName } from './filed-runs.js';
import type { RunRecord } from './results.js';

/** After five minutes without a sign a job on another machine is taken to be gone. */
const LEASE = 5 * 60_000;

/** How often a job that waits for others looks what they have done. */
const POLL_MILLISECONDS = 1000;

/** `comparison-ID-TOKEN.lock` for each job at work in the folder. */
const MEMBER = /^comparison-([0-9a-f]{16})-[0-9a-f]{16}\.lock$/;

/** `ID.lock` for each run that is being made, as {@link lockName} has it. */
const RUN_LOCK = /^([0-9a-f]{16})\.lock$/;

/**
 * Says in the folder that a job makes this comparison in it, until the lock is given back. Throws
 * {@link EvaluationError} where a living job makes another one there, with what differs: each would overwrite the
 * other's report.
 */
export async function joinComparison(runs: readonly FiledRun[], options: ComparisonOptions): Promise<Lock> {
  const { folder } = options;
  const id = hashOf(runs.map((run) => run.id).sort());
  const settings = settingsOf(options);
  const path = join(folder, `comparison-${id}-${randomBytes(8).toString('hex')}.lock`);
  const own = await lock(path, JSON.stringify(settings));
  if (own === undefined) throw new EvaluationError(`${path}: it was made a moment ago by another process`);
  try {
    for (const { name, comparison, holder } of await livingJobs(folder)) {
      if (comparison === id) continue;
      throw new EvaluationError(
        `${folder}: process ${holder.pid} on ${holder.host} makes another comparison in this folder` +
          `${difference(holder.note, settings)}. Give the same options, wait for it, or use another folder. ` +
          `If it is gone, remove ${join(folder, name)}`,
      );
    }
    return own;
  } catch (error) {
    await own.release();
    throw error;
  }
}

/** Removes what jobs that are gone left in a folder: files in the making, and locks of jobs and of runs that are done. */
export async function clearLeft(folder: string): Promise<void> {
  await sweepFolder(folder);
  await livingJobs(folder);
  const names = new Set(await readdir(folder));
  for (const name of names) {
    const id = RUN_LOCK.exec(name)?.[1];
    // Nobody asks for the lock of a run that is done; whoever claims another one takes that over.
    if (id === undefined || !names.has(runName(id))) continue;
    await (await lock(join(folder, name)))?.release();
  }
}

interface LivingJob {
  /** Of its file. */
  readonly name: string;
  readonly comparison: string;
  readonly holder: Holder;
}

/** The jobs at work in a folder; those that are gone are removed from it. */
async function livingJobs(folder: string): Promise<LivingJob[]> {
  const living: LivingJob[] = [];
  for (const name of await readdir(folder)) {
    const comparison = MEMBER.exec(name)?.[1];
    if (comparison === undefined) continue;
    const taken = await tryLock(join(folder, name), { lease: LEASE, Raised: EvaluationError });
    if ('release' in taken) await taken.release();
    // Another job may just be removing what a killed one left: it says nothing of itself there.
    else if (taken.note !== '') living.push({ name, comparison, holder: taken });
  }
  return living;
}

type Settings = Readonly<Record<string, unknown>>;

const settingsOf = ({ graphs, initializers, learningRates, seeds, recipe, data }: ComparisonOptions): Settings => {
  const { dataDir: _, ...samples } = data;
  return { architectures: [...graphs.keys()], initializers, learningRates, seeds, ...recipe, ...samples };
};

/** What another job's settings have that these do not, in words. */
function difference(note: string, settings: Settings): string {
  const others = parseJson(note, 'a job’s settings', EvaluationError);
  if (typeof others !== 'object' || others === null) return '';
  const said = (value: unknown): string => (value === undefined ? 'none' : shortJson(value));
  const names = new Set([...Object.keys(others), ...Object.keys(settings)]);
  const differing = [...names].flatMap((name) => {
    const [there, here] = [said(Reflect.get(others, name)), said(settings[name])];
    return there === here ? [] : [`${name} ${there} there, ${here} here`];
  });
  return ` (${differing.length === 0 ? 'files of other content' : differing.join('; ')})`;
}

/** A run that this job makes, until it gives the lock back. */
export interface ClaimedRun {
  readonly filed: FiledRun;
  readonly lock: Lock;
}

export interface ClaimOptions {
  readonly folder: string;
  /** Whether to wait for runs that other jobs are making, and make those of jobs that die. */
  readonly isWaiting: boolean;
  /** Called once for each run that another job has made meanwhile. */
  readonly onMade: (run: RunRecord) => void;
  readonly signal: AbortSignal;
}

/**
 * Gives the runs that are neither done nor being made by a living job, one at a time and in order; undefined when none is left
 * or the signal is aborted. A run whose job is gone is given again: at once on this machine, after its lease on another.
 */
export function claimRuns(
  runs: readonly FiledRun[],
  { folder, isWaiting, onMade, signal }: ClaimOptions,
): () => Promise<ClaimedRun | undefined> {
  const pending = new Set(runs);
  const claim = async (): Promise<ClaimedRun | undefined> => {
    while (pending.size > 0 && !signal.aborted) {
      const names = new Set(await readdir(folder));
      const isHeld = ({ id }: FiledRun): boolean => names.has(lockName(id));
      const free = [...pending].filter((filed) => !isHeld(filed));
      for (const filed of [...free, ...[...pending].filter(isHeld)]) {
        if (signal.aborted) return undefined;
        const own = await lock(join(folder, lockName(filed.id)));
        // Only now: whoever had the lock before may have made it.
        const run = await readRun(filed).catch(async (error: unknown) => {
          await own?.release();
          throw error;
        });
        if (run === undefined && own === undefined) continue;
        pending.delete(filed);
        if (run === undefined && own !== undefined) return { filed, lock: own };
        await own?.release();
        if (run !== undefined) onMade(run);
      }
      if (pending.size === 0 || !isWaiting) return undefined;
      await pause(POLL_MILLISECONDS, undefined, { signal }).catch(() => {});
    }
    return undefined;
  };
  let last: Promise<unknown> = Promise.resolve();
  return () => {
    const next = last.then(claim);
    last = next.catch(() => {});
    return next;
  };
}

const lockName = (id: string): string => `${id}.lock`;

/** The lock of a file, where no living job has it. */
async function lock(path: string, note = ''): Promise<Lock | undefined> {
  const taken = await tryLock(path, { lease: LEASE, note, Raised: EvaluationError });
  return 'release' in taken ? taken : undefined;
}
