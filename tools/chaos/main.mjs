// `pnpm run chaos -- --kills 50 --seed 1`: kills commands at random moments and goes on, and compares what is there in
// the end with a run that nobody disturbed: the same bytes, and no stray file. Then a full disk and a read-only folder.
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { randomOf } from '../fuzz/mutate.mjs';

const { values: options } = parseArgs({
  args: process.argv.slice(2).filter((arg) => arg !== '--'),
  options: {
    kills: { type: 'string', default: '50' },
    seed: { type: 'string', default: '1' },
    /** One command alone. */
    only: { type: 'string' },
  },
});

const BIN = new URL('../../packages/cli/bin/logah.js', import.meta.url).pathname;
const GPT = 'gpt2:layers=1,heads=2,hidden=16,vocab=257,context=16,tied=false';
const LARGE = 'gpt2:layers=8,heads=4,hidden=512,vocab=8000,context=64';
const TEXT = ['--data', 'text', '--tokenizer', 'bytes', '--context', '16', '--data-dir', '..', '--backend', 'cpu'];

const train = (workers) => ({
  args: [
    ...['train', '--dataset', '../nets.jsonl', ...TEXT, '--batch', '4', '--meta-batch', '2', '--epochs', '2'],
    ...['--steps-per-epoch', '8', '--save-every', '3', '--eval-every', '8', '--eval-samples', '8', '--ema', '0.9'],
    ...['--workers', String(workers), '--out', 'run'],
  ],
});

/** By name: a command that is the same when it is given again. `wanted` are what is compared, all files by default. */
const COMMANDS = {
  'train, 1 worker': train(1),
  'train, 2 workers': train(2),
  eval: {
    args: [
      ...['eval', GPT, ...TEXT, '--init', 'random,orthogonal', '--epochs', '3', '--batch', '4', '--seeds', '2'],
      ...['--workers', '2', '--train-samples', '40', '--test-samples', '20', '--out', 'run'],
    ],
  },
  predict: { args: ['predict', LARGE, '--untrained', '--backend', 'cpu', '--out', 'net.safetensors'] },
  convert: { args: ['convert', '../large.safetensors', 'copy.safetensors'] },
};

const random = randomOf(Number(options.seed));
const folder = mkdtempSync(join(tmpdir(), 'logah-chaos-'));
const table = [];
let failures = 0;
try {
  prepare();
  const names = options.only === undefined ? Object.keys(COMMANDS) : [options.only];
  for (const name of names) table.push(await disturb(name, Math.ceil(Number(options.kills) / names.length)));
  if (options.only === undefined) table.push(fullDisk(), readOnly());
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log('| command | kills | finished before | lost | different | stray |\n| --- | --- | --- | --- | --- | --- |');
for (const row of table) console.log(`| ${row.join(' | ')} |`);
process.exitCode = failures > 0 ? 1 : 0;

function prepare() {
  const text = 'the quick brown fox jumps over the lazy dog. '.repeat(60);
  writeFileSync(join(folder, 'train.txt'), text);
  writeFileSync(join(folder, 'test.txt'), text.slice(0, 900));
  const entry = (hidden, split) =>
    JSON.stringify({ architecture: GPT.replace('hidden=16', `hidden=${hidden}`), split });
  writeFileSync(join(folder, 'nets.jsonl'), [entry(16, 'train'), entry(24, 'train'), entry(20, 'test')].join('\n'));
  logah(folder, ['init', LARGE, '--init', 'random', '--backend', 'cpu', '--out', 'large.safetensors']);
}

function logah(cwd, args) {
  return execFileSync(process.execPath, [BIN, ...args], { cwd, stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' });
}

/** Kills a command again and again, and then lets it come to its end. */
async function disturb(name, kills) {
  const { args } = COMMANDS[name];
  const whole = join(folder, `whole-${name.replace(/\W+/g, '-')}`);
  mkdirSync(whole);
  const started = performance.now();
  logah(whole, args);
  const milliseconds = performance.now() - started;
  const wanted = contentOf(whole);
  let [done, early, lost, different, stray] = [0, 0, 0, 0, 0];
  while (done + early < kills) {
    const place = mkdtempSync(join(folder, 'killed-'));
    // A few kills in one folder, one after the other, each at any moment.
    for (let times = 1 + random.below(3); times > 0 && done + early < kills; times--) {
      if (await killed(place, args, random.next() * milliseconds)) done++;
      else early++;
    }
    try {
      logah(place, args);
      const found = contentOf(place);
      const missing = Object.keys(wanted).filter((file) => found[file] === undefined);
      const other = Object.keys(wanted).filter((file) => found[file] !== undefined && found[file] !== wanted[file]);
      const more = Object.keys(found).filter((file) => wanted[file] === undefined);
      lost += missing.length;
      different += other.length;
      stray += more.length;
      if (missing.length + other.length + more.length > 0)
        console.error(`${name}: ${place}:`, { missing, other, more });
    } catch (error) {
      lost++;
      console.error(`${name}: does not go on: ${error.stderr ?? error.message}`);
    }
    rmSync(place, { recursive: true });
  }
  failures += lost + different + stray;
  console.error(`${name}: ${done} kills, ${early} came too late`);
  return [name, done, early, lost, different, stray];
}

/** Whether a command was killed before it came to its end. */
function killed(cwd, args, milliseconds) {
  const child = spawn(process.execPath, [BIN, ...args], { cwd, stdio: 'ignore' });
  return new Promise((resolve) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), milliseconds);
    child.on('exit', (_, signal) => {
      clearTimeout(timer);
      // Workers of a comparison see that their parent is gone, and end.
      setTimeout(() => resolve(signal === 'SIGKILL'), 500);
    });
  });
}

/** A hash of every file of a folder, without what tells the time: seconds, and events for TensorBoard. */
function contentOf(place) {
  const content = {};
  for (const name of readdirSync(place, { recursive: true, withFileTypes: true })) {
    if (!name.isFile()) continue;
    const path = join(name.parentPath ?? name.path, name.name);
    const key = path.slice(place.length + 1);
    if (key.includes('tfevents')) continue;
    const bytes = readFileSync(path);
    content[key] = createHash('sha256').update(timeless(key, bytes)).digest('hex');
  }
  return content;
}

function timeless(name, bytes) {
  if (/\.(jsonl|json|html|csv)$/.test(name)) return String(bytes).replace(/"seconds": ?[\d.e-]+/g, '');
  return bytes;
}

/** Predictions on a disk that is too small: an error in a line, and nothing left. */
function fullDisk() {
  const disk = join(folder, 'disk');
  mkdirSync(disk);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', disk], { stdio: 'ignore' });
  } catch {
    return ['full disk: skipped, nothing can be mounted here', 0, 0, 0, 0, 0];
  }
  try {
    return refusal(
      'full disk',
      ['predict', LARGE, '--untrained', '--backend', 'cpu', '--out', 'net.safetensors'],
      disk,
      /ENOSPC/,
    );
  } finally {
    execFileSync('umount', [disk]);
  }
}

function readOnly() {
  const place = join(folder, 'read-only');
  mkdirSync(place);
  if (process.getuid?.() === 0) return ['read-only folder: skipped, root may write anywhere', 0, 0, 0, 0, 0];
  chmodSync(place, 0o500);
  return refusal(
    'read-only folder',
    ['predict', GPT, '--untrained', '--backend', 'cpu', '--out', 'net.safetensors'],
    place,
    /EACCES/,
  );
}

function refusal(name, args, cwd, message) {
  let said = '';
  try {
    logah(cwd, args);
  } catch (error) {
    said = error.stderr;
  }
  const isClear =
    message.test(said) &&
    said
      .trim()
      .split('\n')
      .filter((line) => line.startsWith('logah: ')).length === 1;
  const left = existsSync(cwd) ? readdirSync(cwd).length : 0;
  if (!isClear) console.error(`${name}: ${said || 'no error'}`);
  failures += (isClear ? 0 : 1) + left;
  return [name, 0, 0, isClear ? 0 : 1, 0, left];
}
