// `pnpm run chaos -- --kills 100 --seed 1`: kills commands at random moments and goes on, and compares what is there in
// the end with a run that nobody disturbed: the same bytes, and no stray file. Then full disks and read-only ones.
// With `--log FILE` everything is noted there as it is done, and the same command goes on behind it; `--minutes` lets it
// stop in between.
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { randomOf } from '../fuzz/mutate.mjs';
import { COMMANDS, prepare } from './commands.mjs';
import { DISKS, onDisk, placeOfDisks } from './disks.mjs';
import { disturb, undisturbed } from './disturb.mjs';

const { values: options } = parseArgs({
  args: process.argv.slice(2).filter((arg) => arg !== '--'),
  options: {
    kills: { type: 'string', default: '50' },
    seed: { type: 'string', default: '1' },
    log: { type: 'string' },
    minutes: { type: 'string', default: 'Infinity' },
  },
});

const until = performance.now() + 60_000 * Number(options.minutes);
const names = Object.keys(COMMANDS);
const perCommand = Math.ceil(Number(options.kills) / names.length);
const rows = readLog();
const folder = mkdtempSync(join(tmpdir(), 'logah-chaos-'));
const known = new Map();
try {
  prepare(folder);
  await killAll();
  await fillDisks();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
printTable();
process.exitCode = rows.some(isWrong) ? 1 : 0;

function isTimeUp() {
  return performance.now() > until;
}

async function wholeOf(name) {
  if (!known.has(name)) known.set(name, await undisturbed(folder, name));
  return known.get(name);
}

/** Folders in which a command is killed, each with a seed of its own, until there were enough kills of every command. */
async function killAll() {
  for (const [index, name] of names.entries()) {
    const killsOf = () => rows.filter((row) => row.name === name).reduce((sum, { kills }) => sum + kills, 0);
    while (killsOf() < perCommand && !isTimeUp()) {
      const round = rows.filter((row) => row.name === name).length;
      const random = randomOf(Number(options.seed) * 1_000_000 + index * 10_000 + round);
      note({ name, round, ...(await disturb(folder, name, await wholeOf(name), random)) });
    }
  }
}

/** The disks that no row tells of yet. */
async function fillDisks() {
  const remaining = DISKS.slice(rows.filter(({ disk }) => disk).length);
  if (remaining.length === 0 || isTimeUp()) return;
  const place = placeOfDisks(folder);
  if (place === undefined) console.error('full disks: skipped, nothing can be mounted here');
  else
    for (const disk of remaining) {
      if (isTimeUp()) return;
      note({ disk: true, name: disk.name, ...(await onDisk(place, disk, await wholeOf(disk.command))) });
    }
}

function note(row) {
  rows.push(row);
  if (options.log !== undefined) appendFileSync(options.log, `${JSON.stringify(row)}\n`);
  if (isWrong(row)) console.error(JSON.stringify(row));
}

function readLog() {
  if (options.log === undefined || !existsSync(options.log)) return [];
  return readFileSync(options.log, 'utf8')
    .trim()
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

function isWrong({ lost, different, stray }) {
  return lost.length + different.length + stray.length > 0;
}

function printTable() {
  console.log('| command | kills | lost | different | stray |\n| --- | --- | --- | --- | --- |');
  for (const name of new Set(rows.map((row) => row.name)))
    print(
      name,
      rows.filter((row) => row.name === name),
    );
  print('all', rows);
}

function print(name, those) {
  const sum = (count) => those.reduce((total, row) => total + count(row), 0);
  const counts = [({ kills }) => kills, ({ lost }) => lost.length, ({ different }) => different.length];
  console.log(`| ${[name, ...counts.map(sum), sum(({ stray }) => stray.length)].join(' | ')} |`);
}
