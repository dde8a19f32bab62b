// What a newcomer tries first, and what the command says when it goes wrong.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSafetensors } from '@logah/safetensors/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EXAMPLES } from '../src/examples.js';
import { type Outcome, runHere, runLogah } from './command.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'logah-first-hour-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const logah = (...args: string[]): Promise<Outcome> => runHere(folder, args);

describe('help', () => {
  it('of each command ends with an example of it', async () => {
    const { stdout } = await logah('--help');
    const commands = [...stdout.matchAll(/^ {2}(\w+) .*[\])>]/gm)]
      .map(([, name]) => name)
      .filter((name) => name !== 'help');
    expect(commands.length).toBeGreaterThanOrEqual(10);
    expect(Object.keys(EXAMPLES).sort()).toEqual(commands.sort());
    for (const [name, example] of Object.entries(EXAMPLES)) expect(example).toMatch(new RegExp(`^logah ${name} `));
    expect((await logah('graph', '--help')).stdout.trim().endsWith(`Example:\n  $ ${EXAMPLES.graph}`)).toBe(true);
  });

  it('--version is that of the package', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
    expect((await runLogah(folder, ['--version'])).stdout.trim()).toBe(version);
  });

  it('says what the ViT presets are for, and lists all presets with their sizes', async () => {
    expect((await logah('predict', '--help')).stdout.replace(/\s+/g, ' ')).toContain(
      '32 pixels, patches of 2, 10 classes',
    );
    const { code, stdout } = await logah('graph', '--list');
    expect(code).toBe(0);
    expect(stdout).toMatch(/vit-s +vit:layers=12,heads=6,hidden=384,mlp=1536,patch=2,classes=10,image=32 +21,402,250/);
    expect(stdout).toContain('llama3-8b');
    expect((await logah('graph')).code).toBe(2);
  });

  it('completes words in bash, and in other shells', async () => {
    const { stdout: script } = await logah('completion', 'bash');
    const complete = (...words: string[]): string[] =>
      execFileSync('bash', [
        '-c',
        `${script}\nCOMP_WORDS=(logah ${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length}; _logah; echo "\${COMPREPLY[@]}"`,
      ])
        .toString()
        .trim()
        .split(' ');
    expect(complete('pre')).toEqual(['predict']);
    expect(complete('predict', '--stri')).toEqual(['--strict']);
    expect(complete('train', '--data', 'cifar')).toEqual(['cifar10', 'cifar100']);
    // Names that a command takes: presets, checkpoints that ship, sets of architectures.
    expect(complete('graph', 'resnet5')).toEqual(['resnet50']);
    expect(complete('eval', 'vit-s', 'vit-')).toEqual(['vit-s', 'vit-b', 'vit-l']);
    expect(complete('info', 'vits-d')).toEqual(['vits-digits']);
    expect(complete('predict', 'vit-s', '--checkpoint', 'gpts')).toEqual(['gpts-wikitext2', 'gpts-wikitext2-bpe']);
    expect(complete('dataset', 'llam')).toEqual(['llamas-1k']);
    expect(complete('train', '--dataset', 'vits')).toEqual(['vits-1k', 'vits-small']);
    expect((await logah('completion', 'zsh')).stdout).toContain('bashcompinit');
    expect((await logah('completion', 'fish')).stdout).toMatch(/^complete -c logah .* -a predict /m);
  });
});

const TINY = 'gpt2:layers=1,heads=1,hidden=16,vocab=50,context=8';

describe('GPT-2 over its own tokens', () => {
  it.each([true, false])('is filled from the checkpoint that ships for it, tied: %s', async (tied) => {
    const network = `gpt2:layers=1,heads=2,hidden=16,context=16,tied=${tied}`;
    const { code, stderr } = await logah('predict', network, '--out', 'gpt2.safetensors');
    expect([code, stderr]).toEqual([0, expect.stringContaining('filled from gpts-wikitext2-bpe, which ships')]);
    const { metadata, tensors } = await readSafetensors(join(folder, 'gpt2.safetensors'));
    expect(metadata).toMatchObject({ predicted_by: 'gpts-wikitext2-bpe', tokenizer: 'gpt2', vocab: '50257' });
    expect(tensors.has('lm_head.weight')).toBe(!tied);
  });
});

describe('the largest distance between two nodes', () => {
  it('is told whole, though virtual edges end at 50', async () => {
    expect((await logah('graph', 'vit-l')).stdout).toContain(
      'virtual edges (paths of 2 to 50 edges), largest distance between two nodes 57\n',
    );
    expect(JSON.parse((await logah('graph', 'vit-l', '--json')).stdout).maxDistance).toBe(57);
  });
});

describe('a word that is nearly right', () => {
  it('in a file of options is told the right one, too', async () => {
    await writeFile(join(folder, 'options.json'), '{"metaBtch": 2}');
    const { code, stderr } = await logah('train', '--config', 'options.json');
    expect(code).toBe(1);
    expect(stderr).toContain('did you mean "meta-batch"?');
    await writeFile(join(folder, 'options.json'), '{"variant": "tinny"}');
    expect((await logah('train', '--config', 'options.json')).stderr).toContain('did you mean "tiny"?');
  });

  it.each([
    [['graph', 'resnet-50'], 'did you mean "resnet50"?'],
    [['graph', 'vit-s:pach=4'], 'did you mean "patch"?'],
    [['predict', 'vit-s:patch=4', '--checkpoint', 'vits-cifar', '--dry-run'], 'did you mean "vits-cifar10"?'],
    [['grpah', 'vit-s'], 'Did you mean graph?'],
    [['help', 'predct'], 'Did you mean predict?'],
    [['info', 'vits-cifar10x'], 'did you mean "vits-cifar10"?'],
    [['info', 'vitt-s'], 'did you mean "vit-s"?'],
    [['info', 'vits-cifar10', '--ema'], '--ema has no effect here'],
    [['info', 'vits-cifar10', '--checkpoint', 'x.safetensors'], '--checkpoint is compared with a network'],
    [['graph', 'vits-cifar10'], 'logah predict ARCH --checkpoint vits-cifar10 fills one'],
    [['train', '--dataset', 'gpts-1kk'], 'did you mean "gpts-1k"?'],
    [['graph', 'vit-s', '--jsn'], 'Did you mean --json?'],
    [['train', '--variant', 'template-tny'], 'did you mean "template-tiny"?'],
    [['eval', 'vit-s', '--init', 'random', '--data', 'cifar-10'], 'did you mean "cifar10"?'],
    [['predict', TINY, '--untrained', '--out', 'x.safetensors', '--dtype', 'f16'], 'did you mean "F16"?'],
    [['completion', 'bsh'], 'did you mean "bash"?'],
    [['dataset', 'vits1k'], 'did you mean "vits-1k"?'],
    [['init', TINY, '--out', 'x.safetensors', '--init', 'randon'], 'did you mean "random"?'],
    [['init', TINY, '--out', 'x.safetensors', '--init', 'templte:vits-cifar10'], 'did you mean "template"?'],
    [['init', TINY, '--out', 'x.safetensors', '--init', 'random:psition=1.5'], 'did you mean "position"?'],
    [['init', TINY, '--out', 'x.safetensors', '--init', 'mimetic+niose'], 'did you mean "mimetic+noise"?'],
  ])('%j is told the right one', async (args, wanted) => {
    const { code, stderr } = await logah(...args);
    expect(code).not.toBe(0);
    expect(stderr).toContain(wanted);
  });
});

describe('a file where a network is wanted', () => {
  it.each([
    ['weights.safetensors', 'values of parameters are no network'],
    ['weights.pth', 'values of parameters are no network'],
    ['notes.txt', 'not a network; known are *.onnx, model.json, *.graph.json and config.json'],
    ['model.h5', 'not a network; known are *.onnx, model.json, *.graph.json and config.json'],
  ])('%s is said not to be one, and no list of presets', async (name, wanted) => {
    await writeFile(join(folder, name), 'words');
    const { code, stderr } = await logah('graph', name);
    expect(code).toBe(1);
    expect(stderr).toContain(`${name}: ${wanted}`);
    expect(stderr).not.toContain('resnet50');
  });
});

describe('what is written', () => {
  it('is a file, which is said before anything is computed', async () => {
    const { code, stderr } = await logah('predict', TINY, '--untrained', '--out', 'nowhere/');
    expect(code).toBe(2);
    expect(stderr).toContain('That is a folder: name a file in it');
  });

  it('is never called what it is not', async () => {
    for (const name of ['x.pt', 'x.onnx', 'x.bin', 'x', 'x.weights', '.safetensors', 'x.']) {
      const { code, stderr } = await logah('predict', TINY, '--untrained', '--out', name);
      expect(code).toBe(2);
      expect(stderr).toContain('What is written is safetensors: name it *.safetensors');
      expect(existsSync(join(folder, name))).toBe(false);
    }
  });

  it('is a picture only under the name of one', async () => {
    for (const args of [
      ['graph', 'vit-s', '--svg', 'x.png'],
      ['graph', 'vit-s', '--heatmap', 'x.png'],
      ['graph', 'vit-s', '--dot', 'x.svg'],
      ['graph', 'vit-s', '--svg', 'picture'],
      ['graph', 'vit-s', '--out', 'page'],
      ['graph', 'vit-s', '--mermaid', 'x.PDF'],
      ['graph', 'vit-s', '--model-explorer', 'x.html'],
      ['dataset', 'vits-1k', '--svg', 'x.jpeg'],
    ]) {
      const { code, stderr } = await logah(...args);
      expect([code, stderr]).toEqual([2, expect.stringContaining('What is written is ')]);
      expect(stderr).toContain('name it *.');
      expect(existsSync(join(folder, args[3]))).toBe(false);
    }
  });

  it.each([
    [['--variant', 'small'], '--variant has no effect here: it is the size of a fresh hypernetwork'],
    [['--ema'], '--ema has no effect here: vits-cifar10 ships'],
    [['--assume', 'heads=3'], '--assume has no effect here: vits-cifar10 ships'],
    [['--reference'], '--reference has no effect here: vits-cifar10 ships'],
    [['--checkpoint', 'vits-cifar10', '--ema'], '--ema has no effect here: vits-cifar10 ships'],
    [['--checkpoint', 'vits-cifar10', '--variant', 'small'], '--variant has no effect here'],
    [['--untrained', '--ema'], '--ema has no effect here: a fresh hypernetwork'],
    [['--untrained', '--assume', 'heads=3'], '--assume has no effect here: a fresh hypernetwork'],
  ])('leaves no option out silently: %j', async (args, message) => {
    const { code, stderr } = await logah('predict', 'vit-s:patch=4', '--dry-run', ...args);
    expect([code, stderr]).toEqual([1, expect.stringContaining(`logah: ${message}`)]);
  });

  it('loads strictly where that is asked for, and is said not to otherwise', async () => {
    const plain = await logah('predict', TINY, '--untrained', '--out', 'plain.safetensors');
    expect(plain.stderr).toContain(
      "PyTorch's strict loading also wants lm_head.weight (tied to transformer.wte.weight)",
    );
    const strict = await logah('predict', TINY, '--untrained', '--strict', '--out', 'strict.safetensors');
    expect(strict.stderr).not.toContain('also wants');
    const [without, { tensors }] = await Promise.all(
      ['plain', 'strict'].map((name) => readSafetensors(join(folder, `${name}.safetensors`))),
    );
    expect([...tensors.keys()].filter((name) => !without.tensors.has(name))).toEqual(['lm_head.weight']);
    expect(tensors.get('lm_head.weight')).toEqual(tensors.get('transformer.wte.weight'));
  });
});

describe('a size', () => {
  it('that names nothing is refused', async () => {
    const { code, stderr } = await logah('graph', 'vit-s', '--size', 'height=64');
    expect(code).toBe(1);
    expect(stderr).toContain('vit-s: --size height=… names no size of it; changes of a preset are written behind it');
  });
});

describe('data that is missing', () => {
  it('is said where to get, and leaves no folder', async () => {
    const { code, stderr } = await logah(
      'eval',
      'vit-s:patch=4',
      '--data',
      'cifar10',
      '--data-dir',
      'nowhere',
      '--out',
      'out',
    );
    expect(code).toBe(1);
    expect(stderr).toContain('https://www.cs.toronto.edu/~kriz/cifar.html');
    expect(stderr).toContain('--data-dir');
    expect(existsSync(join(folder, 'out'))).toBe(false);
  });

  it('of text trains language models without a word about them', async () => {
    for (const split of ['train', 'test'])
      await writeFile(join(folder, `${split}.txt`), 'words and words. '.repeat(20));
    const text = ['--data', 'text', '--tokenizer', 'bytes', '--context', '16', '--workers', '1'];
    const short = ['--batch', '2', '--epochs', '1', '--steps-per-epoch', '1', '--warmup-epochs', '0'];
    const wrong = await logah('train', ...text, ...short, '--dataset', 'vits-1k', '--out', 'wrong');
    expect(wrong.stderr).toContain('vits-1k has vision models, but --data text is text');
    const judged = ['--eval-architectures', '1', '--eval-samples', '1'];
    const right = await logah('train', ...text, ...short, ...judged, '--out', 'right');
    expect([right.code, right.stderr]).toEqual([0, expect.stringContaining('Meta-training')]);
  });
});
