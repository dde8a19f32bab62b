// Initial parameters from the command line: the built command as a process.
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildArchitecture, parseArchitecture } from '@logah/graph-ir';
import { closedFormInitializer, startRandom } from '@logah/init-eval';
import { readSafetensors } from '@logah/safetensors/node';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import '@tensorflow/tfjs-backend-cpu';
import { type Outcome, runLogah } from './command.js';

const MINI = 'vit:layers=1,heads=2,hidden=16,mlp=32,patch=8';
const GPT = 'gpt2:layers=1,heads=2,hidden=16,vocab=20,context=8';
const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../hypernet/test/fixtures/${name}.ghn.safetensors`, import.meta.url));
const [VISION, GHN3, LANGUAGE] = ['vit-mini', 'ghn3-vit-mini', 'gpt2-mini'].map(fixture);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'logah-init-'));
});
afterAll(() => rm(folder, { recursive: true }));
const init = (architecture: string, start: string, ...args: string[]): Promise<Outcome> =>
  runLogah(folder, ['init', architecture, '--init', start, ...args]);
const read = (name: string) => readSafetensors(join(folder, name));

describe('logah init', () => {
  it('writes the start that a comparison would train from for that seed, in PyTorch’s format', async () => {
    const start = 'mimetic:position=1.5';
    const { code, stdout } = await init(MINI, start, '--seed', '3', '--out', 'a.safetensors', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ parameters: 5802, tensors: 20, out: 'a.safetensors', dtype: 'F32' });
    const { tensors, metadata } = await read('a.safetensors');
    expect(metadata).toEqual({ format: 'pt', architecture: MINI, initialized_by: start, seed: '3' });
    const graph = buildArchitecture(parseArchitecture(MINI));
    expect([...tensors].map(([name, { shape }]) => [name, shape])).toEqual(
      graph.parameters.map(({ name, shape }) => [name, shape]),
    );
    await tf.setBackend('cpu');
    const expected = await closedFormInitializer('mimetic', { position: 1.5 })(graph, startRandom(3));
    for (const [name, { data }] of tensors) expect(data, name).toEqual(expected[name].dataSync());
  });

  it('gives the same file for the same seed, and another for another', async () => {
    for (const [name, seed] of [
      ['b', '1'],
      ['c', '1'],
      ['d', '2'],
    ])
      expect((await init(GPT, 'random+noise', '--seed', seed, '--out', `${name}.safetensors`)).code).toBe(0);
    const [b, c, d] = await Promise.all(['b', 'c', 'd'].map((name) => readFile(join(folder, `${name}.safetensors`))));
    expect(c).toEqual(b);
    expect(d).not.toEqual(b);
  });

  it('selects weights from a file that it wrote, and stores half precision', async () => {
    await init('vit:layers=2,heads=2,hidden=32,mlp=64,patch=8', 'random', '--out', 'large.safetensors');
    const { code, stdout } = await init(
      ...[MINI, 'select:large.safetensors', '--out', 'small.safetensors', '--dtype', 'BF16'],
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/^small\.safetensors: 5,802 parameters in 20 tensors, /);
    const [large, small] = [await read('large.safetensors'), await read('small.safetensors')];
    const entries = (of: typeof large): Float32Array => of.tensors.get('conv_proj.bias')?.data ?? new Float32Array();
    // Every second entry, rounded to 8 bits.
    entries(small).forEach((value, i) => {
      const whole = entries(large)[2 * i];
      expect(Math.abs(value - whole)).toBeLessThanOrEqual(Math.abs(whole) * 2 ** -8);
    });
    expect(entries(small)).toHaveLength(16);
  });

  it('says what would fit, and writes nothing', async () => {
    for (const [architecture, start, message] of [
      [MINI, 'mimetc', 'unknown initialiser "mimetc"; known are random, orthogonal, mimetic'],
      [MINI, 'nanochat', '"nanochat" is a start for causal language models (gpt2, llama), and "vit" is none'],
      [MINI, 'random:gate=1', '"vit" has no role "gate"; it has patch_embedding, '],
      [GPT, 'impulse', 'has no patch embedding: use it for a vit, or "mimetic" here'],
      [GPT, 'select:a.safetensors', 'is of another family or has other names than "gpt2"'],
      [GPT, 'select:none.safetensors', 'cannot read none.safetensors'],
    ]) {
      const { code, stderr } = await init(architecture, start, '--out', 'none-such.safetensors');
      expect(stderr).toMatch(/^logah: /);
      expect(stderr).toContain(message);
      expect(code).toBe(1);
    }
    expect(existsSync(join(folder, 'none-such.safetensors'))).toBe(false);
    expect((await readdir(folder)).filter((name) => name.endsWith('.partial'))).toEqual([]);
  });

  it.each([
    [
      'gpt2:layers=2,heads=2,hidden=32,vocab=257,context=128',
      `logah:${VISION}`,
      'vit-mini.ghn.safetensors: a hypernetwork for vision models, but "gpt2" is a language model',
    ],
    [`${MINI},classes=100`, `logah:${VISION}`, '"vit" answers for 100; +new-head draws the last layer anew'],
    [`${MINI},classes=100`, `ghn3:${GHN3}`, '"vit" answers for 100; +new-head draws the last layer anew'],
    ['vit:layers=2,heads=4,hidden=4800,mlp=192,patch=8', `logah:${VISION}`, 'the largest that fits is '],
    [GPT, `logah:${LANGUAGE}+new-head`, '"gpt2" answers with its token embedding, so +new-head would draw that anew'],
  ])('fills %s from no hypernetwork that is not for it', async (architecture, start, message) => {
    const { code, stderr } = await init(architecture, start, '--out', 'none-such.safetensors');
    expect(stderr).toMatch(/^logah: /);
    expect(stderr).not.toContain('unexpected');
    expect(stderr).toContain(message);
    expect(code).toBe(1);
    expect(existsSync(join(folder, 'none-such.safetensors'))).toBe(false);
  });

  it('fills a network of other classes with a new head', async () => {
    const start = `logah:${VISION}+new-head`;
    expect((await init(`${MINI},classes=100`, start, '--out', 'hundred.safetensors')).code).toBe(0);
    expect((await read('hundred.safetensors')).tensors.get('heads.head.weight')?.shape).toEqual([100, 16]);
  });

  it('wants a start and a file, and shows an example', async () => {
    expect((await runLogah(folder, ['init', MINI, '--out', 'x.safetensors'])).code).toBe(2);
    expect((await init(MINI, 'random')).code).toBe(2);
    const { stdout } = await runLogah(folder, ['init', '--help']);
    expect(stdout).toContain(
      '$ logah init vit:layers=6,heads=4,hidden=96,mlp=384,patch=4 --init mimetic:position=1.5 --out vit.safetensors',
    );
    expect(stdout.replace(/\s+/g, ' ')).toContain('random, orthogonal, mimetic, impulse');
  });
});
