// Which job makes which run: shares, and claims in a folder.
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeFile as writeWhole } from '@logah/files/node';
import { buildArchitecture, parseArchitecture } from '@logah/graph-ir';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { claimRuns, clearLeft, joinComparison } from '../src/claims.js';
import type { ComparisonOptions, FiledRun } from '../src/filed-runs.js';
import { parseShard } from '../src/index.js';
import { inShardOrder } from '../src/shard.js';

describe('a shard', () => {
  it('is read as i/n, and nothing else', () => {
    expect(parseShard('2/8')).toEqual({ index: 2, count: 8 });
    for (const text of ['3/2', '0/2', '1', '1/0', '-1/2', '1/2/3', '1.5/2', ' 1/2', '', '1/99999999999999999999'])
      expect(() => parseShard(text)).toThrow(`"${text}" is not a shard: it is i/n, such as 2/8, with i from 1 to n`);
    expect(() => inShardOrder([1], { index: 3, count: 2 })).toThrow('"3/2" is not a shard');
  });

  it('takes all items in the end; the first ones are its own, and those of all shards make up the whole', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 1, max: 12 }), (length, count) => {
        const items = Array.from({ length }, (_, i) => i);
        const orders = items.length === 0 ? [] : Array.from({ length: count }, (_, i) => i + 1);
        const own = orders.flatMap((index) => {
          const order = inShardOrder(items, { index, count });
          expect([...order].sort((a, b) => a - b)).toEqual(items);
          const share = order.slice(0, Math.ceil((length - index + 1) / count));
          expect(share).toEqual(items.filter((i) => i % count === index - 1));
          return share;
        });
        expect(own.sort((a, b) => a - b)).toEqual(items);
      }),
    );
  });

  it('takes of another share first what that one takes last', () => {
    expect(inShardOrder([0, 1, 2, 3, 4, 5, 6], { index: 2, count: 3 })).toEqual([1, 4, 5, 2, 6, 3, 0]);
  });
});

const GRAPH = buildArchitecture(parseArchitecture('gpt2:layers=1,heads=1,hidden=4,vocab=5,context=4'));

const filedIn = (folder: string, count: number): FiledRun[] =>
  Array.from({ length: count }, (_, i) => {
    const id = String(i).padStart(16, '0');
    const key = { architecture: 'net', initializer: 'random', learningRate: 0.1, seed: i };
    const recipe = {
      optimizer: { type: 'sgd', momentum: 0, weightDecay: 0 } as const,
      ...{ schedule: 'constant' as const, epochs: 1, batch: 1, learningRate: 0.1, seed: i },
    };
    const job = { key, graph: GRAPH, recipe, statePath: join(folder, `${id}.safetensors`), isReported: false };
    return { id, job, path: join(folder, `${id}.json`) };
  });

const START = { epoch: 0, loss: 1, accuracy: 0, top5Accuracy: 0, trainLoss: null };

const END = { ...START, epoch: 1, trainLoss: 1 };

/** Makes the run: a record of its one epoch. */
const make = ({ path }: FiledRun): Promise<void> =>
  writeWhole(path, JSON.stringify({ scores: [START, END], isDiverged: false, parameters: 1, seconds: 1 }));

async function inFolder(act: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'logah-claims-'));
  try {
    await act(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

const never = new AbortController().signal;

describe('claims', () => {
  it('give each run to one job, whatever the jobs and their pace; all jobs learn of all runs', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 9, maxLength: 9 }),
        (count, jobs, pace) =>
          inFolder(async (folder) => {
            const runs = filedIn(folder, count);
            const made: number[] = [];
            await Promise.all(
              Array.from({ length: jobs }, async (_, i) => {
                const order = inShardOrder(runs, { index: i + 1, count: jobs });
                const claim = claimRuns(order, { folder, isWaiting: false, onMade: () => {}, signal: never });
                for (let claimed = await claim(); claimed !== undefined; claimed = await claim()) {
                  const { seed } = claimed.filed.job.key;
                  await new Promise((resolve) => setTimeout(resolve, pace[seed]));
                  made.push(seed);
                  await make(claimed.filed);
                  await claimed.lock.release();
                }
              }),
            );
            expect(made.sort()).toEqual(runs.map(({ job }) => job.key.seed));
            expect((await readdir(folder)).filter((name) => !name.endsWith('.json'))).toEqual([]);
            const seen: number[] = [];
            const late = claimRuns(runs, {
              folder,
              isWaiting: true,
              onMade: ({ seed }) => seen.push(seed),
              signal: never,
            });
            expect(await late()).toBeUndefined();
            expect(seen).toEqual(made);
          }),
      ),
      { numRuns: 25 },
    );
  });

  it('wait for a job that lives, and take over from one elsewhere when its lease is over', () =>
    inFolder(async (folder) => {
      const [run, other] = filedIn(folder, 2);
      const lock = join(folder, `${run.id}.lock`);
      const owner = { pid: 1, host: 'elsewhere', machine: '00000000', started: '1', token: 'x' };
      await writeFile(lock, JSON.stringify(owner));
      const options = { folder, onMade: () => {}, signal: never };
      const first = claimRuns([run, other], { ...options, isWaiting: false });
      expect((await first())?.filed.id).toBe(other.id);
      expect(await first()).toBeUndefined();
      const waiting = claimRuns([run], { ...options, isWaiting: true })();
      const timeout = new Promise((resolve) => setTimeout(resolve, 1500, 'still waiting'));
      expect(await Promise.race([waiting, timeout])).toBe('still waiting');
      const old = new Date(Date.now() - 6 * 60_000);
      await utimes(lock, old, old);
      expect((await waiting)?.filed.id).toBe(run.id);
    }));

  it('leave no lock of a run whose job was killed right after it was made', () =>
    inFolder(async (folder) => {
      const [done, begun, held] = filedIn(folder, 3);
      const script = `import { tryLock } from ${JSON.stringify(import.meta.resolve('@logah/files/node'))};
        for (const path of process.argv.slice(1)) await tryLock(path, { lease: 60_000 });
        process.kill(process.pid, 'SIGKILL');`;
      const locks = [done, begun].map(({ id }) => join(folder, `${id}.lock`));
      const args = ['--input-type=module', '-e', script, ...locks];
      await new Promise((resolve) => execFile(process.execPath, args, resolve));
      const living = await claimRuns([held], { folder, isWaiting: false, onMade: () => {}, signal: never })();
      await make(done);
      await make(held);
      expect(await readdir(folder)).toHaveLength(5);
      await clearLeft(folder);
      expect((await readdir(folder)).filter((name) => name.endsWith('.lock')).sort()).toEqual([
        `${begun.id}.lock`,
        `${held.id}.lock`,
      ]);
      await living?.lock.release();
    }));

  it('end at once when they wait and are stopped', () =>
    inFolder(async (folder) => {
      const [run] = filedIn(folder, 1);
      const options = { folder, isWaiting: true, onMade: () => {} };
      const held = await claimRuns([run], { ...options, signal: never })();
      const stop = new AbortController();
      const waiting = claimRuns([run], { ...options, signal: stop.signal })();
      const started = performance.now();
      setTimeout(() => stop.abort(), 50);
      expect(await waiting).toBeUndefined();
      expect(performance.now() - started).toBeLessThan(900);
      await held?.lock.release();
    }));
});

describe('jobs of one folder', () => {
  const comparison = (folder: string, changes: Partial<ComparisonOptions> = {}): ComparisonOptions => ({
    folder,
    graphs: new Map(),
    initializers: ['random'],
    learningRates: [0.1],
    seeds: [0],
    recipe: { optimizer: { type: 'adamw', weightDecay: 0 }, schedule: 'constant', epochs: 2, batch: 8 },
    data: { data: 'text', dataDir: 'here', tokenizer: 'bytes', context: 16 },
    ...changes,
  });

  it('make one comparison; another one is refused with what differs, and welcome later', () =>
    inFolder(async (folder) => {
      const runs = filedIn(folder, 3);
      const one = await joinComparison(runs, comparison(folder));
      const two = await joinComparison([...runs].reverse(), comparison(folder));
      const { recipe } = comparison(folder);
      const other = comparison(folder, { seeds: [0, 1], recipe: { ...recipe, epochs: 3 } });
      await expect(joinComparison(runs.slice(1), other)).rejects.toThrow(
        new RegExp(
          `process ${process.pid} on .* makes another comparison in this folder ` +
            '\\(seeds \\[0\\] there, \\[0,1\\] here; epochs 2 there, 3 here\\)\\. Give the same options',
        ),
      );
      await expect(joinComparison(runs.slice(1), comparison(folder))).rejects.toThrow('(files of other content)');
      await one.release();
      await two.release();
      expect(await readdir(folder)).toEqual([]);
      await (await joinComparison(runs.slice(1), other)).release();
    }));
});
