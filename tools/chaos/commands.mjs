// What is disturbed: small commands that write, each the same when it is given again in the same folder.
import { execFile, execFileSync, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const BIN = new URL('../../packages/cli/bin/logah.js', import.meta.url).pathname;
const GPT = 'gpt2:layers=1,heads=2,hidden=16,vocab=257,context=16,tied=false';
const LARGE = 'gpt2:layers=2,heads=4,hidden=256,vocab=4000,context=16';
const TEXT = ['--data', 'text', '--tokenizer', 'bytes', '--context', '16', '--data-dir', '..'];

const train = (workers) => [
  ...['train', '--dataset', '../nets.jsonl', ...TEXT, '--variant', 'template-small', '--max-width', '16'],
  ...['--templates', '1', '--batch', '4', '--meta-batch', '2', '--epochs', '2', '--steps-per-epoch', '4'],
  ...['--save-every', '3', '--keep', '2', '--eval-every', '4', '--eval-samples', '8', '--ema', '0.9'],
  ...['--workers', String(workers), '--backend', 'ort', '--out', 'run'],
];

/** Arguments by name. */
export const COMMANDS = {
  'train, 1 worker': train(1),
  'train, 2 workers': train(2),
  eval: [
    ...['eval', GPT, ...TEXT, '--init', 'random,orthogonal', '--epochs', '3', '--batch', '4', '--seeds', '1'],
    ...['--workers', '2', '--train-samples', '40', '--test-samples', '20', '--backend', 'ort', '--out', 'run'],
  ],
  predict: [
    ...['predict', LARGE, '--untrained', '--variant', 'template-small', '--backend', 'ort'],
    ...['--out', 'net.safetensors'],
  ],
  convert: ['convert', '../large.safetensors', 'copy.safetensors'],
};

/** Writes what the commands read into the folder that theirs are in. */
export function prepare(folder) {
  const text = 'the quick brown fox jumps over the lazy dog. '.repeat(60);
  writeFileSync(join(folder, 'train.txt'), text);
  writeFileSync(join(folder, 'test.txt'), text.slice(0, 900));
  const entry = (hidden, split) =>
    JSON.stringify({ architecture: GPT.replace('hidden=16', `hidden=${hidden}`), split });
  writeFileSync(join(folder, 'nets.jsonl'), [entry(16, 'train'), entry(8, 'train'), entry(12, 'test')].join('\n'));
  const init = ['init', LARGE, '--init', 'random', '--backend', 'ort', '--out', 'large.safetensors'];
  execFileSync(process.execPath, [BIN, ...init], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
}

/** Runs a command to its end: its exit code (null after a signal) and what it said on standard error. */
export function runWhole(cwd, name) {
  return new Promise((resolve) =>
    execFile(process.execPath, [BIN, ...COMMANDS[name]], { cwd }, (error, _, said) =>
      resolve({ code: error === null ? 0 : error.code, said }),
    ),
  );
}

/** Starts a command. */
export const start = (cwd, name) => spawn(process.execPath, [BIN, ...COMMANDS[name]], { cwd, stdio: 'ignore' });
