// Comparisons from the command line: the built command as a process.
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createHypernet, hypernetPreset } from '@logah/hypernet';
import { writeHypernet } from '@logah/hypernet/node';
import type { Summary } from '@logah/init-eval';
import { createRandom } from '@logah/random';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import '@tensorflow/tfjs-backend-cpu';
import { type Outcome, runLogah } from './command.js';

/** A hypernetwork of 10 classes. */
const TEN = fileURLToPath(new URL('../../hypernet/test/fixtures/vit-mini.ghn.safetensors', import.meta.url));

let folder: string;
const logah = (...args: string[]): Promise<Outcome> => runLogah(folder, args);

/** IDX files of a number of grey images of 8×8: bright on the left for class 0, on the right for class 1. */
async function writeImages(prefix: string, count: number): Promise<void> {
  const random = createRandom(count);
  const header = (...sizes: number[]): Buffer => {
    const bytes = Buffer.alloc(4 + 4 * sizes.length);
    bytes.set([0, 0, 8, sizes.length]);
    sizes.forEach((size, i) => bytes.writeUInt32BE(size, 4 + 4 * i));
    return bytes;
  };
  const pixels = Buffer.alloc(count * 64);
  const labels = Buffer.alloc(count);
  for (let image = 0; image < count; image++) {
    labels[image] = image % 2;
    for (let p = 0; p < 64; p++) {
      const isBright = p % 8 < 4 === (image % 2 === 0);
      pixels[image * 64 + p] = random.integer(0, 100) + (isBright ? 150 : 0);
    }
  }
  await writeFile(join(folder, `${prefix}-images-idx3-ubyte`), Buffer.concat([header(count, 8, 8), pixels]));
  await writeFile(join(folder, `${prefix}-labels-idx1-ubyte`), Buffer.concat([header(count), labels]));
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'logah-eval-cli-'));
  await writeImages('train', 64);
  await writeImages('t10k', 32);
  const sizes = { dim: 16, heads: 4, layers: 1, classes: 2 };
  const config = hypernetPreset('tiny', { ...sizes, rank: 4, maxRows: 512, maxChannels: 64 });
  await writeHypernet(join(folder, 'logah.safetensors'), createHypernet(config, createRandom(1)));
  const ghn3 = hypernetPreset('ghn3-tiny', { ...sizes, maxChannels: 16 });
  await writeHypernet(join(folder, 'ghn3.safetensors'), createHypernet(ghn3, createRandom(1)));
});
afterAll(() => rm(folder, { recursive: true }));

const ARCHITECTURE = 'vit:layers=1,heads=2,hidden=16,mlp=32,patch=16,classes=2';
const evaluate = (...args: string[]): Promise<Outcome> =>
  logah('eval', ARCHITECTURE, '--data', 'idx', '--data-dir', folder, '--epochs', '2', '--batch', '16', ...args);

describe('logah eval', () => {
  it('compares four starts, prints the table and leaves JSON, CSV and a page', async () => {
    const init = 'random,orthogonal,ghn3:ghn3.safetensors,logah:logah.safetensors+noise';
    const { code, stdout, stderr } = await evaluate(
      '--init',
      init,
      '--lr',
      '0.01,0.05',
      '--seeds',
      '2',
      '--out',
      'four',
    );
    expect(stderr).not.toContain('logah:');
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /start from +best rate +seeds +accuracy at epoch 0 +epoch 1 +at the end +top 5 +steps to best/,
    );
    for (const start of ['random', 'orthogonal', 'ghn3', 'logah\\+noise'])
      expect(stdout).toMatch(new RegExp(`classes=2 +${start} +0\\.0[15] +2 +\\d+\\.\\d ± \\d+\\.\\d %`));
    expect(stdout).toMatch(/logah\+noise ends \d+\.\d points (better|worse) than (random|orthogonal) \(95 % interval/);
    expect(stdout).toMatch(/: logah\+noise (did not reach|reached) what (random|orthogonal) ends with/);
    const results = JSON.parse(await readFile(join(folder, 'four', 'results.json'), 'utf8'));
    expect(results.runs).toHaveLength(16);
    expect(results.summaries).toHaveLength(4);
    // 64 samples in batches of 16.
    expect(results.runs[0].stepsPerEpoch).toBe(4);
    const baselines = results.summaries.flatMap((one: Summary) => one.contrast?.baseline ?? []);
    expect(new Set(baselines).size).toBe(1);
    expect(['random', 'orthogonal']).toContain(baselines[0]);
    expect(results.configuration.data).toMatchObject({ data: 'idx' });
    expect((await readFile(join(folder, 'four', 'results.csv'), 'utf8')).trim().split('\r\n')).toHaveLength(1 + 16 * 3);
    expect(await readFile(join(folder, 'four', 'summaries.csv'), 'utf8')).toContain('steps_to_baseline');
    expect(await readFile(join(folder, 'four', 'report.html'), 'utf8')).toContain('Signs of trouble');
    // Again, nothing is left to do; the numbers are the same, also as JSON.
    const again = await evaluate('--init', init, '--lr', '0.01,0.05', '--seeds', '2', '--out', 'four', '--json');
    expect(again.stderr).not.toMatch(/\(\d+ s\)/);
    expect(JSON.parse(again.stdout)).toEqual(results.summaries);
  });

  it('fails with words for a network that does not fit, and a hypernetwork of the other kind', async () => {
    const other = await logah(
      'eval',
      'vit:layers=1,heads=2,hidden=16,mlp=32,patch=16',
      '--data',
      'idx',
      '--data-dir',
      folder,
    );
    expect(other).toMatchObject({ code: 1, stdout: '' });
    expect(other.stderr).toContain('the network answers for 10 classes, but the data has 2: use classes=2');
    const kind = await evaluate('--init', 'random,logah:ghn3.safetensors', '--out', 'kind', '--seeds', '1');
    expect(kind.code).toBe(1);
    expect(kind.stderr).toContain('ghn3.safetensors: a hypernetwork with the conv decoder, but logah: wants lowrank');
    // Before any run, whatever comes first, and without a folder.
    expect(kind.stderr).not.toMatch(/\(\d+ s\)/);
    expect(existsSync(join(folder, 'kind'))).toBe(false);
    const classes = await logah(
      ...['eval', 'vit:layers=1,heads=2,hidden=16,mlp=32,patch=16,classes=2', '--data', 'idx', '--data-dir', folder],
      ...['--init', `random,logah:${TEN}`, '--out', join(folder, 'ten')],
    );
    expect(classes.code).toBe(1);
    expect(classes.stderr).toContain('"vit" answers for 2; +new-head draws the last layer anew');
    expect(existsSync(join(folder, 'ten'))).toBe(false);
  });

  it('takes deviations by role within its list of starts', async () => {
    const init = 'random:position=1.5,head=0.001+noise-abs=1e-4,random';
    const { code, stdout, stderr } = await evaluate('--init', init, '--seeds', '1', '--out', 'roles', '--json');
    expect(stderr).not.toContain('logah:');
    expect(code).toBe(0);
    expect(JSON.parse(stdout).map((one: Summary) => one.initializer)).toEqual([
      'random:position=1.5,head=0.001+noise-abs=1e-4',
      'random',
    ]);
  });

  it('refuses lists with holes as wrong usage', async () => {
    expect((await evaluate('--lr', '0.1,,0.2')).code).toBe(2);
    expect((await evaluate('--seeds', '0')).stderr).toContain('A positive integer was wanted.');
  });
});
