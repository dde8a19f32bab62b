// Comparisons that several jobs share: the built command as processes on one folder.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { evalCommand } from '../src/commands/eval.js';
import { applyConfigFile } from '../src/config-file.js';
import { BIN, type Outcome, runLogah } from './command.js';

const GPT = 'gpt2:layers=1,heads=2,hidden=16,vocab=257,context=16,tied=false';

let folder: string;
const at = (...parts: string[]): string => join(folder, ...parts);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'logah-shards-'));
  const text = 'the quick brown fox jumps over the lazy dog. '.repeat(60);
  for (const name of ['train.txt', 'test.txt']) await writeFile(at(name), text);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const argsOf = (out: string, ...more: string[]): string[] => [
  ...['eval', GPT, '--data', 'text', '--tokenizer', 'bytes', '--context', '16', '--batch', '4', '--epochs', '3'],
  ...['--train-samples', '24', '--test-samples', '8', '--seeds', '2', '--init', 'random,orthogonal'],
  ...['--workers', '1', '--backend', 'cpu', '--out', out, ...more],
];
const evaluate = (out: string, ...more: string[]): Promise<Outcome> => runLogah(folder, argsOf(out, ...more));

interface Running {
  readonly child: ChildProcess;
  readonly end: Promise<{ code: number | null; signal: NodeJS.Signals | null; stderr: string }>;
}

function start(out: string, ...more: string[]): Running {
  const child = spawn(process.execPath, [BIN, ...argsOf(out, ...more)], { cwd: folder });
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  child.stdout.resume();
  return {
    child,
    end: new Promise((resolve) => child.on('close', (code, signal) => resolve({ code, signal, stderr }))),
  };
}

/** Every file of a report without what tells the time or the folder. */
async function reportOf(out: string): Promise<string[]> {
  const names = ['results.json', 'results.csv', 'summaries.csv', 'report.html'];
  const texts = await Promise.all(names.map((name) => readFile(at(out, name), 'utf8')));
  return texts.map((text) => text.replace(/"seconds": [\d.e-]+/g, '').replaceAll(out, 'OUT'));
}

/** The ids of runs whose lock a process holds. */
async function heldBy(out: string, pid: number | undefined): Promise<string[]> {
  const names = await readdir(at(out, 'runs')).catch((): string[] => []);
  const locks = names.filter((name) => /^[0-9a-f]{16}\.lock$/.test(name));
  const owners = await Promise.all(locks.map((name) => readFile(at(out, 'runs', name), 'utf8').catch(() => '')));
  return locks.flatMap((name, i) => (owners[i].includes(`"pid":${pid},`) ? [name.slice(0, 16)] : []));
}

/** Kills a job in the middle of a run whose state it has kept, and returns that run. */
async function killInRun(out: string, { child, end }: Running): Promise<string> {
  let killed = '';
  await expect
    .poll(
      async () => {
        const held = await heldBy(out, child.pid);
        const id = held.find((one) => existsSync(at(out, 'runs', `${one}.safetensors`)));
        if (id === undefined) return false;
        child.kill('SIGKILL');
        killed = id;
        return true;
      },
      { timeout: 200_000, interval: 5 },
    )
    .toBe(true);
  expect(await end).toMatchObject({ signal: 'SIGKILL' });
  return killed;
}

describe('logah eval by several jobs', () => {
  it('gives the report of one, also when a job is killed in a run: the other takes that over', async () => {
    expect((await evaluate('out-one')).code).toBe(0);
    const whole = await reportOf('out-one');
    const [first, second] = [start('out-two', '--shard', '1/2'), start('out-two', '--shard', '2/2')];
    const killed = await killInRun('out-two', second);
    expect(existsSync(at('out-two', 'runs', `${killed}.json`))).toBe(false);
    const { code, stderr } = await first.end;
    expect(stderr).not.toContain('logah:');
    expect(code).toBe(0);
    expect(await reportOf('out-two')).toEqual(whole);
    const names = async (out: string): Promise<string[]> => (await readdir(at(out), { recursive: true })).sort();
    expect(await names('out-two')).toEqual(await names('out-one'));
  }, 400_000);

  it('is shared by terminals that say nothing of each other; each run is made once, and both have the report', async () => {
    const jobs = [start('out-terminals'), start('out-terminals')];
    const ends = await Promise.all(jobs.map(({ end }) => end));
    expect(ends.map(({ code }) => code)).toEqual([0, 0]);
    const made = ends.flatMap(({ stderr }) => stderr.match(/^\d\/4 .*\(\d+ s\)$/gm) ?? []);
    expect(made.map((line) => line.replace(/^\d\/4 |: .*/g, '')).sort()).toEqual(
      ['orthogonal', 'random'].flatMap((init) => [0, 1].map((seed) => `${GPT} from ${init}, rate 0.1, seed ${seed}`)),
    );
    expect(ends.some(({ stderr }) => stderr.includes('by another job)'))).toBe(true);
    expect(await reportOf('out-terminals')).toEqual(await reportOf('out-one'));
  }, 400_000);

  it('ends without a report when no run is free and it shall not wait; --report writes it of what is done', async () => {
    const other = start('out-unwaited', '--shard', '1/4');
    await expect
      .poll(() => heldBy('out-unwaited', other.child.pid), { timeout: 200_000, interval: 20 })
      .toHaveLength(1);
    other.child.kill('SIGSTOP');
    const early = await evaluate('out-unwaited', '--shard', '2/4', '--no-wait');
    expect(early.stderr).toContain('No run is free. 1 of 4 are not done; the last job to end writes the report.');
    expect(early).toMatchObject({ code: 0, stdout: '' });
    expect(await readdir(at('out-unwaited'))).toEqual(['runs']);
    const partial = await evaluate('out-unwaited', '--report');
    expect(partial.code).toBe(1);
    expect(partial.stderr).toContain('the report is of 3 runs; 1 are not done yet');
    expect(JSON.parse(await readFile(at('out-unwaited', 'results.json'), 'utf8')).runs).toHaveLength(3);
    const changed = await evaluate('out-unwaited', '--epochs', '5', '--init', 'random');
    expect(changed.code).toBe(1);
    expect(changed.stderr).toMatch(
      new RegExp(
        `process ${other.child.pid} on .* makes another comparison in this folder ` +
          '\\(initializers \\["random","orthogonal"\\] there, \\["random"\\] here; epochs 3 there, 5 here\\)',
      ),
    );
    other.child.kill('SIGCONT');
    expect(await other.end).toMatchObject({ code: 0 });
    expect(await reportOf('out-unwaited')).toEqual(await reportOf('out-one'));
    await rm(at('out-unwaited', 'report.html'));
    expect((await evaluate('out-unwaited', '--report')).code).toBe(0);
    expect(await reportOf('out-unwaited')).toEqual(await reportOf('out-one'));
  }, 400_000);

  it('refuses shards that are none, and a report of nothing', async () => {
    for (const shard of ['3/2', '0/2', 'x', '2']) {
      const { code, stderr } = await evaluate('none', '--shard', shard);
      expect(code).toBe(2);
      expect(stderr).toContain(`"${shard}" is not a shard: it is i/n, such as 2/8, with i from 1 to n`);
    }
    const report = await evaluate('none', '--report');
    expect(report.code).toBe(1);
    expect(report.stderr).toMatch(/none.runs: no run of this comparison is done; give the options that its jobs have/);
    expect(await readdir(folder)).not.toContain('none');
  });

  it('takes its options from a file, also those that say no', async () => {
    await writeFile(at('options.json'), JSON.stringify({ 'no-wait': true, shard: '2/3', report: false }));
    const command = evalCommand();
    await applyConfigFile(command, at('options.json'));
    expect(command.opts()).toMatchObject({ wait: false, shard: { index: 2, count: 3 } });
    expect(command.opts()).not.toHaveProperty('report');
  });
});
