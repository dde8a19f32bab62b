// Meta-training from the command line: the built command, stopped, killed and resumed as a process.
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { readSafetensorsHeader } from '@logah/safetensors/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BIN, type Outcome, runHere } from './command.js';

/** Open MPI refuses to run as root and more processes than cores unless it is told to. */
const MPI_ENVIRONMENT = {
  ...process.env,
  OMPI_ALLOW_RUN_AS_ROOT: '1',
  OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1',
  OMPI_MCA_rmaps_base_oversubscribe: '1',
};
const hasLauncher = spawnSync('mpiexec', ['--version'], { env: MPI_ENVIRONMENT }).status === 0;
if (!hasLauncher) console.warn('training by several processes is tried only where mpiexec is found');

let folder: string;
const at = (...parts: string[]): string => join(folder, ...parts);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'logah-train-'));
  const text = 'the quick brown fox jumps over the lazy dog. '.repeat(60);
  await writeFile(at('train.txt'), text);
  await writeFile(at('test.txt'), text.slice(0, 400));
  const entry = (layers: number, hidden: number, split: string): string =>
    JSON.stringify({
      architecture: `gpt2:layers=${layers},heads=2,hidden=${hidden},vocab=257,context=16,tied=false`,
      split,
    });
  await writeFile(
    at('nets.jsonl'),
    [entry(1, 16, 'train'), entry(2, 16, 'train'), entry(1, 24, 'train'), entry(2, 24, 'test')].join('\n'),
  );
  await writeFile(
    at('run.json'),
    JSON.stringify({
      dataset: 'nets.jsonl',
      data: 'text',
      tokenizer: 'bytes',
      context: 16,
      batch: 4,
      epochs: 2,
      stepsPerEpoch: 6,
      'meta-batch': 2,
      saveEvery: 3,
      evalEvery: 6,
      evalSamples: 8,
    }),
  );
});
afterAll(() => rm(folder, { recursive: true }));

const logah = (...args: string[]): Promise<Outcome> => runHere(folder, args);
const train = (out: string, ...args: string[]): Promise<Outcome> =>
  logah('train', '--config', 'run.json', '--workers', '1', '--out', out, ...args);

/** The bytes of a number of 32 bits the other way round, as IDX files have them. */
const swapped = (value: number): number => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes.readUInt32LE();
};

const lossesOf = async (out: string): Promise<number[]> =>
  (await readFile(at(out, 'metrics.jsonl'), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
    .flatMap((event) => (event.type === 'step' ? [event.loss] : []));

/** Starts a run and calls `act` on the process once it has made a number of steps; returns when it has ended. */
async function interrupted(out: string, steps: number, act: (run: ChildProcess) => void): Promise<string> {
  const run = spawn(
    process.execPath,
    [BIN, 'train', '--config', 'run.json', '--workers', '1', '--out', out, '--json'],
    { cwd: folder },
  );
  let stdout = '';
  let hasActed = false;
  run.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk;
    if (hasActed || (stdout.match(/"type":"step"/g) ?? []).length < steps) return;
    hasActed = true;
    act(run);
  });
  await new Promise((resolve) => run.on('close', resolve));
  return stdout;
}

describe('logah train', () => {
  it('leaves the resolved configuration, states, the hypernetwork, metrics and curves; what it learned can be used', async () => {
    const { code, stderr } = await train('whole');
    expect(stderr).toMatch(/step 12: on architectures never trained, loss \d\.\d+, perplexity \d+/);
    expect(code).toBe(0);
    const files = (await readdir(at('whole'))).map((name) => name.replace(/tfevents.*/, 'tfevents')).sort();
    expect(files).toEqual([
      'config.json',
      'events.out.tfevents',
      'heldout.svg',
      'hypernet.safetensors',
      'loss.svg',
      'metrics.jsonl',
      'step-0000006.safetensors',
      'step-0000009.safetensors',
      'step-0000012.safetensors',
    ]);
    expect(JSON.parse(await readFile(at('whole', 'config.json'), 'utf8'))).toMatchObject({
      metaBatch: 2,
      context: 16,
      lr: 3e-4,
      hypernet: { domain: 'language', classes: 257 },
    });
    const predicted = await logah(
      'predict',
      'gpt2:layers=3,heads=2,hidden=16,vocab=257,context=16,tied=false',
      '--checkpoint',
      'whole/hypernet.safetensors',
      '--out',
      'net.safetensors',
    );
    expect(predicted.code).toBe(0);
    // What it learned from is said by its file, and by those of networks that it fills.
    const notes = {
      tokenizer: 'bytes',
      vocab: '257',
      context: '16',
      trained_on: expect.stringMatching(/^text, \d+ training/),
    };
    const of = async (...path: string[]) => (await readSafetensorsHeader(at(...path))).metadata;
    expect(await of('whole', 'hypernet.safetensors')).toMatchObject({ ...notes, format: 'logah' });
    expect(await of('net.safetensors')).toMatchObject({ ...notes, predicted_by: 'whole/hypernet.safetensors' });
  }, 120_000);

  it('killed between two states, goes on to the losses of a run that was never stopped', async () => {
    await interrupted('killed', 8, (run) => run.kill('SIGKILL'));
    const { stderr } = await train('killed');
    expect(stderr).toMatch(/Going on from step [6-9] /);
    expect(await lossesOf('killed')).toEqual(await lossesOf('whole'));
  }, 120_000);

  it('stopped by Ctrl-C, keeps its last step and goes on from there', async () => {
    const stdout = await interrupted('stopped', 4, (run) => run.kill('SIGINT'));
    const events = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const last = events.findLast(({ type }) => type === 'step').step;
    expect(events.slice(-2)).toMatchObject([
      { type: 'saved', step: last },
      { type: 'interrupted', signal: 'SIGINT' },
    ]);
    await train('stopped');
    expect(await lossesOf('stopped')).toEqual(await lossesOf('whole'));
  }, 120_000);

  it.skipIf(!hasLauncher)(
    'as two processes of mpiexec has the losses of one',
    async () => {
      const args = ['-n', '2', process.execPath, BIN, 'train', '--config', 'run.json', '--out', 'ranks'];
      const { stderr } = await promisify(execFile)('mpiexec', args, { cwd: folder, env: MPI_ENVIRONMENT });
      expect(stderr).toMatch(/2 processes \((Open MPI|MPICH)/);
      const [one, two] = [await lossesOf('whole'), await lossesOf('ranks')];
      expect(two).toHaveLength(12);
      two.forEach((loss, i) => expect(Math.abs(loss - one[i])).toBeLessThan(1e-5));
    },
    120_000,
  );

  it('with two workers has the losses of one, but for the order of sums', async () => {
    await logah('train', '--config', 'run.json', '--workers', '2', '--out', 'parallel');
    const [one, two] = [await lossesOf('whole'), await lossesOf('parallel')];
    expect(two).toHaveLength(12);
    two.forEach((loss, i) => expect(Math.abs(loss / one[i] - 1)).toBeLessThan(1e-4));
  }, 120_000);

  it('refuses to go on with another configuration', async () => {
    const { code, stderr } = await train('whole', '--lr', '0.5');
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /holds a run of another configuration \(there "lr": 0\.0003, here "lr": 0\.5\); use another folder/,
    );
  });

  it.each([
    [['--data', 'text', '--data-dir', 'nowhere', '--tokenizer', 'bytes'], 1, /cannot read nowhere\/train\.txt/],
    [
      ['--data', 'text', '--tokenizer', 'bytes', '--context', '16', '--dataset', 'vits-1k'],
      1,
      /vits-1k has vision models, but --data text is text/,
    ],
    [['--data', 'cifar10'], 1, /cannot read data_batch_1\.bin/],
    [
      ['--dataset', 'cnns', '--data', 'text', '--tokenizer', 'bytes', '--context', '16'],
      1,
      /unknown data set of architectures "cnns"; known are vits-1k, gpts-1k, llamas-1k/,
    ],
    [['--lr', 'fast'], 2, /A number was wanted/],
    [['--data', 'films'], 2, /Allowed choices are cifar10/],
  ])('%j fails with a reason', async (args, code, message) => {
    const outcome = await logah('train', ...args, '--out', 'failed', '--workers', '1');
    expect(outcome.stderr).toMatch(message);
    expect(outcome.code).toBe(code);
  });

  it('names an option of its configuration file that is unknown or invalid', async () => {
    await writeFile(at('bad.json'), '{"learning": 3}');
    expect((await logah('train', '--config', 'bad.json')).stderr).toMatch(
      /bad\.json: unknown option "learning"; known are dataset, data, data-dir/,
    );
    await writeFile(at('bad.json'), '{"lr": "fast"}');
    expect((await logah('train', '--config', 'bad.json')).stderr).toMatch(
      /bad\.json: lr: "fast" is invalid\. A number was wanted/,
    );
  });
});

describe('logah dataset', () => {
  it('writes entries that it reads back, shows and draws their sizes', async () => {
    expect((await logah('dataset', 'vits-1k', '--seed', '4', '--out', 'vits.jsonl', '--svg', 'vits.svg')).code).toBe(0);
    const [drawn, read] = [
      await logah('dataset', 'vits-1k', '--seed', '4', '--json'),
      await logah('dataset', 'vits.jsonl', '--json'),
    ];
    expect(JSON.parse(read.stdout)).toEqual(JSON.parse(drawn.stdout));
    expect(JSON.parse(read.stdout).entries).toEqual({ train: 1000, validation: 100, test: 100 });
    expect(await readFile(at('vits.svg'), 'utf8')).toMatch(/^<svg/);
    expect((await logah('dataset', 'vits-1k', '--stats')).stdout).toMatch(
      /vits-1k: 1,000 architectures to train on \(\d+ distinct\)/,
    );
  });

  it('names a line that cannot be read', async () => {
    await writeFile(at('bad.jsonl'), '{"architecture":"vit-s"}\n{"architecture":"vit-q"}\n');
    expect(await logah('dataset', 'bad.jsonl')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^logah: bad\.jsonl, line 2: unknown architecture "vit-q"/),
    });
  });

  it('trains templates with their own recipe, as wide as is asked for', async () => {
    const { code, stdout } = await train('templates', '--variant', 'template-small', '--max-width', '32', '--json');
    expect(code).toBe(0);
    const steps = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
      .filter(({ type }) => type === 'step');
    // Two epochs: the first is the whole warm-up's start, from 1e-4; templates have a rate of 2e-3.
    expect(steps.map(({ learningRate }) => learningRate)).toEqual([...Array(6).fill(1e-4), ...Array(6).fill(2e-3)]);
    const { hypernet } = JSON.parse(await readFile(at('templates', 'config.json'), 'utf8'));
    expect(hypernet).toMatchObject({
      decoder: 'template',
      domain: 'language',
      maxChannels: 32,
      tokens: 16,
      classes: 257,
    });
  }, 120_000);

  it('trains on convolutional networks and ViTs together, and refuses language models among them', async () => {
    const nets = [
      'vit:layers=2,heads=4,hidden=16,mlp=32,patch=8,classes=2',
      'convnext:depth=1,width=4,classes=2,image=32',
    ];
    const lines = (architectures: readonly string[]): string =>
      architectures.map((architecture) => JSON.stringify({ architecture })).join('\n');
    await writeFile(at('images.jsonl'), lines(nets));
    await writeFile(at('mixed.jsonl'), lines([...nets, 'gpt2:layers=1,heads=2,hidden=16,vocab=257,context=16']));
    for (const part of ['train', 't10k']) {
      const header = (...numbers: number[]): Buffer => Buffer.from(new Uint32Array(numbers.map(swapped)).buffer);
      const pixels = Buffer.alloc(8 * 28 * 28, 100);
      await writeFile(at(`${part}-images-idx3-ubyte`), Buffer.concat([header(0x803, 8, 28, 28), pixels]));
      await writeFile(
        at(`${part}-labels-idx1-ubyte`),
        Buffer.concat([header(0x801, 8), Buffer.from([0, 1, 0, 1, 0, 1, 0, 1])]),
      );
    }
    const args = ['--data', 'idx', '--variant', 'template-small', '--max-width', '32', '--patch', '8', '--batch', '4'];
    const steps = ['--epochs', '1', '--steps-per-epoch', '6', '--warmup-epochs', '0', '--workers', '1'];
    const run = await logah('train', '--dataset', 'images.jsonl', ...args, ...steps, '--out', 'images');
    expect(run.code, run.stderr).toBe(0);
    const drawn = await readFile(at('images', 'metrics.jsonl'), 'utf8');
    for (const family of ['vit', 'convnext']) expect(drawn).toContain(`"${family}:`);
    const mixed = await logah('train', '--dataset', 'mixed.jsonl', ...args, ...steps, '--out', 'mixed');
    expect([mixed.code, mixed.stderr]).toEqual([
      1,
      'logah: mixed.jsonl has language models, but --data idx is images\n',
    ]);
  }, 120_000);

  it('refuses architectures that do not fit the data, of whichever part', async () => {
    const wrong = async (changed: string, part: string): Promise<string> => {
      const nets = (await readFile(at('nets.jsonl'), 'utf8')).split('\n');
      const [name, value] = changed.split('=');
      const lines = nets.map((line) =>
        line.includes(`"${part}"`) ? line.replace(new RegExp(`${name}=\\d+`), `${name}=${value}`) : line,
      );
      await writeFile(at('wrong.jsonl'), lines.join('\n'));
      const { code, stderr } = await train('wrong', '--dataset', 'wrong.jsonl', '--variant', 'template-small');
      expect(code).toBe(1);
      return stderr;
    };
    expect(await wrong('vocab=300', 'train')).toBe(
      'logah: wrong.jsonl: gpt2:layers=1,heads=2,hidden=16,vocab=300,context=16,tied=false: the network answers for 300 tokens, but the data has 257: use vocab=257\n',
    );
    expect(await wrong('context=8', 'test')).toContain(
      'context=8,tied=false: the network has a context of 8 tokens, but the blocks of the data have 16: use context=16',
    );
    expect((await readdir(folder)).includes('wrong')).toBe(false);
  });

  it('asks for heads only of language models that it draws', async () => {
    const { code, stderr } = await train('tied', '--dataset', 'nets.jsonl', '--heads', 'tied');
    expect(code).toBe(1);
    expect(stderr).toBe(
      'logah: --heads tied is for gpts-1k, llamas-1k, gpts-small; of nets.jsonl it changes nothing\n',
    );
    expect((await readdir(folder)).includes('tied')).toBe(false);
  });

  it('evaluates nothing where no architecture is held out, and says so', async () => {
    const nets = (await readFile(at('nets.jsonl'), 'utf8')).split('\n');
    await writeFile(at('no-test.jsonl'), nets.filter((line) => line.includes('"train"')).join('\n'));
    const args = [
      '--dataset',
      'no-test.jsonl',
      '--variant',
      'template-small',
      '--epochs',
      '1',
      '--steps-per-epoch',
      '1',
    ];
    const { code, stderr } = await train('no-test', ...args);
    expect([code, stderr]).toEqual([
      0,
      expect.stringContaining('no-test.jsonl has no architectures of the part "test", so none are evaluated.'),
    ]);
    expect(await readFile(at('no-test', 'metrics.jsonl'), 'utf8')).not.toContain('evaluation');
  });

  it('refuses options of templates for another decoder', async () => {
    const { code, stderr } = await train('none', '--variant', 'tiny', '--max-width', '32');
    expect([code, stderr]).toEqual([1, 'logah: --max-width is for templates; tiny has none\n']);
  });
});
