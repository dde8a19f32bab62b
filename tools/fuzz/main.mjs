// `pnpm run fuzz -- --runs 10000 --seed 1`: mutated files for every reader, each read in a process with bounds on time
// and memory. Prints a table, writes what went wrong to fuzz-failures, and ends with 1 where something did.
import { fork } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { mutate, randomOf } from './mutate.mjs';
import { readers } from './readers.mjs';

const { values: options } = parseArgs({
  args: process.argv.slice(2).filter((arg) => arg !== '--'),
  options: {
    /** Inputs in all, as many for each reader. */
    runs: { type: 'string', default: '3000' },
    seed: { type: 'string', default: '1' },
    /** One reader alone. */
    reader: { type: 'string' },
    out: { type: 'string', default: 'fuzz-failures' },
  },
});

/** A file of a few kilobytes that takes longer, or more, is a hang or a bomb. */
const SECONDS = 20;
const MOST_BYTES = 1.5 * 2 ** 30;
/** Inputs tried to make a failing one smaller. */
const SHRINKING = 60;

const OUTCOMES = ['accepted', 'clear', 'unclear', 'hang', 'memory'];
const folder = mkdtempSync(join(tmpdir(), 'logah-fuzz-'));
let child;

await tf.setBackend('cpu');
const all = await readers();
const names = options.reader === undefined ? Object.keys(all) : [options.reader];
const perReader = Math.ceil(Number(options.runs) / names.length);
const table = [];
let failures = 0;
try {
  for (const [index, reader] of names.entries()) {
    const counts = Object.fromEntries(OUTCOMES.map((outcome) => [outcome, 0]));
    const random = randomOf(Number(options.seed) * 1000 + Object.keys(all).indexOf(reader));
    const { corpus } = all[reader];
    const shown = new Set();
    for (let run = 0; run < perReader; run++) {
      const files = mutate(random.choose(corpus), random);
      const result = await read(reader, files, Object.keys(corpus[0])[0]);
      counts[result.outcome]++;
      if (['accepted', 'clear'].includes(result.outcome)) continue;
      failures++;
      const kind = `${result.outcome} ${(result.message ?? '').replace(/"[^"]*"|\d+/g, '…')}`;
      if (shown.has(kind)) continue;
      shown.add(kind);
      const small = await shrunk(reader, files, Object.keys(corpus[0])[0], result);
      const place = join(options.out, `${reader.replaceAll(' ', '-')}-${options.seed}-${run}`);
      writeFiles(place, {
        ...small,
        'error.txt': Buffer.from(`${result.outcome}\n${result.stack ?? result.message ?? ''}\n`),
      });
      console.error(`${reader} ${run}: ${result.outcome} ${result.message ?? ''} (${place})`.slice(0, 300));
    }
    table.push([reader, ...OUTCOMES.map((outcome) => counts[outcome])]);
    if (index === names.length - 1) break;
  }
} finally {
  child?.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
}
const totals = OUTCOMES.map((_, i) => table.reduce((sum, row) => sum + row[i + 1], 0));
console.log(`| reader | ${OUTCOMES.join(' | ')} |\n| --- | ${OUTCOMES.map(() => '---').join(' | ')} |`);
for (const row of [...table, ['all', ...totals]]) console.log(`| ${row.join(' | ')} |`);
process.exitCode = failures > 0 ? 1 : 0;

function writeFiles(place, files) {
  rmSync(place, { recursive: true, force: true });
  for (const [name, bytes] of Object.entries(files)) {
    mkdirSync(dirname(join(place, name)), { recursive: true });
    writeFileSync(join(place, name), bytes);
  }
}

/** How a reader takes files: in the child, which is ended when it takes too long or too much. */
async function read(reader, files, first) {
  const place = join(folder, 'case');
  mkdirSync(place, { recursive: true });
  writeFiles(place, files);
  child ??= await start();
  const own = child;
  return new Promise((resolve) => {
    const end = (result) => {
      clearTimeout(timer);
      clearInterval(watch);
      own.off('message', end);
      own.off('exit', onExit);
      resolve(result);
    };
    const kill = (result) => {
      child = undefined;
      end(result);
      own.kill('SIGKILL');
    };
    const onExit = (code, signal) => {
      child = undefined;
      end({ outcome: 'unclear', message: `the process ended with ${signal ?? code}` });
    };
    const timer = setTimeout(() => kill({ outcome: 'hang' }), SECONDS * 1000);
    const watch = setInterval(() => {
      if (residentBytes(own.pid) > MOST_BYTES) kill({ outcome: 'memory' });
    }, 50);
    own.on('message', end);
    own.on('exit', onExit);
    own.send({ reader, path: join(place, first) });
  });
}

function start() {
  const started = fork(new URL('./child.mjs', import.meta.url).pathname, {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    execArgv: ['--max-old-space-size=1024'],
  });
  return new Promise((resolve, reject) => {
    started.once('message', () => resolve(started));
    started.once('exit', () => reject(new Error('the reading process does not start: is everything built?')));
  });
}

/** Memory of a process in bytes; 0 where the system does not tell, as it does on Linux. */
function residentBytes(pid) {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * 4096;
  } catch {
    return 0;
  }
}

/** The files with as much left out as goes wrong the same way. */
async function shrunk(reader, files, first, { outcome }) {
  if (outcome !== 'unclear') return files;
  let best = files;
  let tries = 0;
  for (const name of Object.keys(files)) {
    for (let step = best[name].length >> 1; step >= 1 && tries < SHRINKING; step >>= 1) {
      for (let at = 0; at < best[name].length && tries < SHRINKING; at += step) {
        tries++;
        const bytes = Buffer.from(best[name]);
        const smaller = { ...best, [name]: Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + step)]) };
        if ((await read(reader, smaller, first)).outcome === outcome) best = smaller;
      }
    }
  }
  return best;
}
