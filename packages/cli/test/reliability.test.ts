// What the command does when something goes wrong: hostile files, impossible numbers, damaged folders, two at once.
import { execFileSync, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { encodeSafetensors } from '@logah/safetensors';
import { readSafetensors, writeSafetensors } from '@logah/safetensors/node';
import { type Command, CommanderError } from 'commander';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { datasetCommand } from '../src/commands/dataset.js';
import { evalCommand } from '../src/commands/eval.js';
import { infoCommand } from '../src/commands/info.js';
import { initCommand } from '../src/commands/init.js';
import { predictCommand } from '../src/commands/predict.js';
import { quickstartCommand } from '../src/commands/quickstart.js';
import { trainCommand } from '../src/commands/train.js';
import { applyConfigFile } from '../src/config-file.js';
import { BIN, type Outcome, runLogah } from './command.js';

const GPT = 'gpt2:layers=1,heads=2,hidden=16,vocab=257,context=16,tied=false';

let folder: string;
const at = (...parts: string[]): string => join(folder, ...parts);
const logah = (...args: string[]): Promise<Outcome> => runLogah(folder, args);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'logah-reliability-'));
  const text = 'the quick brown fox jumps over the lazy dog. '.repeat(20);
  for (const name of ['train.txt', 'test.txt']) await writeFile(at(name), text);
  await writeFile(
    at('nets.jsonl'),
    [
      { architecture: GPT, split: 'train' },
      { architecture: GPT.replace('layers=1', 'layers=2'), split: 'test' },
    ]
      .map((entry) => JSON.stringify(entry))
      .join('\n'),
  );
  const options = { dataset: 'nets.jsonl', data: 'text', tokenizer: 'bytes', context: 16, batch: 4, workers: 1 };
  const small = { variant: 'template-small', maxWidth: 16, templates: 1, epochs: 1, stepsPerEpoch: 4, evalSamples: 4 };
  await writeFile(at('run.json'), JSON.stringify({ ...options, ...small }));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const train = (out: string, ...args: string[]): Promise<Outcome> =>
  logah('train', '--config', 'run.json', '--backend', 'cpu', '--out', out, ...args);
const evaluate = (out: string, ...args: string[]): Promise<Outcome> =>
  logah(
    ...['eval', GPT, '--data', 'text', '--tokenizer', 'bytes', '--context', '16', '--epochs', '1', '--batch', '4'],
    ...['--train-samples', '8', '--test-samples', '8', '--seeds', '1', '--workers', '1', '--backend', 'cpu'],
    ...['--out', out, ...args],
  );

/** One line that says what is wrong, and no trace. */
function expectFailure({ code, stderr }: Outcome, message: RegExp): void {
  expect(stderr).toMatch(message);
  expect(stderr).not.toMatch(/^\s+at /m);
  expect(stderr).not.toMatch(/unexpected/);
  expect(code).toBe(1);
}

const COMMANDS = [
  trainCommand,
  evalCommand,
  predictCommand,
  initCommand,
  infoCommand,
  datasetCommand,
  quickstartCommand,
];

/** What a command says of arguments that it refuses. */
async function refusal(make: () => Command, ...args: string[]): Promise<string> {
  let said = '';
  const command = make()
    .exitOverride()
    .configureOutput({
      writeErr: (text) => {
        said += text;
      },
    });
  await expect(command.parseAsync(args, { from: 'user' })).rejects.toBeInstanceOf(CommanderError);
  return said;
}

describe('numbers on the command line', () => {
  it.each([
    ['--keep', '-2', '1 to 1000000'],
    ['--keep', '0', '1 to 1000000'],
    ['--save-every', '0', '1 to 1000000000'],
    ['--eval-every', '-1', '1 to 1000000000'],
    ['--workers', '-3', '1 to 1024'],
    ['--eval-architectures', '0', '1 to 2147483647'],
    ['--eval-samples', '0', '1 to 2147483647'],
    ['--lr', '1e300', 'above 0 to 1000'],
    ['--lr', '3e38', 'above 0 to 1000'],
    ['--lr', '0', 'above 0 to 1000'],
    ['--ema', '1', '0 to below 1'],
  ])('train %s %s is refused with its range', async (flag, value, range) => {
    expect(await refusal(trainCommand, flag, value)).toContain(`The range is ${range}.`);
  });

  it('of a list are refused each', async () => {
    expect(await refusal(evalCommand, GPT, '--lr', '0.1,1e300')).toContain('The range is above 0 to 1000.');
    expect((await logah('eval', GPT, '--workers', '0')).code).toBe(2);
  });

  it('all have a range in the help', () => {
    const numbers = COMMANDS.flatMap((make) => make().options).filter(
      ({ flags }) =>
        /<(count|steps|rate|norm|weight|decay|integer|part|pixels|features|tokens|name=number|size=number)>|--lr/.test(
          flags,
        ) &&
        // What a network is given may be any number.
        !flags.startsWith('--constant'),
    );
    expect(numbers.length).toBeGreaterThan(40);
    for (const { flags, description } of numbers)
      expect(`${flags} ${description}`).toMatch(/\((above )?-?\d+ to (below )?\d+( each)?\)/);
  });

  it('in a file of options are checked like those of the line, and other kinds of values are refused', async () => {
    const apply = async (text: string): Promise<void> => {
      await writeFile(at('bad.json'), text);
      await applyConfigFile(trainCommand(), at('bad.json'));
    };
    for (const [options, message] of [
      [{ keep: 0 }, /bad\.json: keep: 0 is invalid\. A positive integer was wanted/],
      [{ out: ['x'] }, /bad\.json: out: \["x"\] is invalid\. A text or a number was wanted/],
      [{ json: 'yes' }, /bad\.json: json: "yes" is invalid\. It is a flag/],
      [{ toString: 1 }, /bad\.json: unknown option "toString"/],
    ] as const)
      await expect(apply(JSON.stringify(options))).rejects.toThrow(message);
    await expect(apply(`{"lr":${'['.repeat(6000)}${']'.repeat(6000)}}`)).rejects.toThrow(
      /bad\.json: lr\[0\]\[0\].* is nested more than 100 deep/,
    );
  });
});

describe('a command that fails', () => {
  it('leaves no folder that it made', async () => {
    expectFailure(await train('none', '--batch', '4096'), /batch should be at most the \d+ samples/);
    expectFailure(await train('none', '--data-dir', 'missing'), /cannot read missing.train\.txt/);
    expectFailure(await evaluate('none', '--batch', '4096'), /batch should be at most the 8 samples/);
    expectFailure(await evaluate('none', '--data-dir', 'missing'), /cannot read missing.train\.txt/);
    expectFailure(await evaluate('none', '--init', 'random,random'), /is the same run as/);
    expect(await readdir(folder)).not.toContain('none');
  });

  it('names a folder where a file was wanted, a pipe, a file that is not there, and a device', async () => {
    await mkdir(at('dir.onnx'), { recursive: true });
    expectFailure(await logah('info', 'dir.onnx'), /dir\.onnx: cannot read it \(EISDIR: it is a folder/);
    execFileSync('mkfifo', [at('pipe.safetensors'), at('pipe.onnx'), at('pipe.json'), at('pipe.pt')]);
    for (const name of ['pipe.safetensors', 'pipe.onnx', 'pipe.json', 'pipe.pt'])
      expectFailure(
        await logah('info', name),
        new RegExp(`${name.replace('.', '\\.')}.*it is a pipe, not a regular file`),
      );
    expectFailure(await logah('info', 'gone.pt'), /cannot read gone\.pt: ENOENT/);
    expectFailure(
      await logah('init', GPT, '--init', 'random', '--out', '/dev/null', '--backend', 'cpu'),
      /cannot write .dev.null: it is a device/,
    );
  });

  it('says what no memory holds, before it asks for it', async () => {
    const huge = 'vit:layers=1,heads=1,hidden=1000000,mlp=2000000000,patch=8';
    expectFailure(await logah('init', huge, '--init', 'random', '--out', 'x.safetensors'), /wants .* of memory/);
    expectFailure(await logah('predict', huge, '--untrained', '--out', 'x.safetensors'), /wants .* of memory/);
    expectFailure(await logah('info', 'vit:layers=1000000000'), /layers is at most 10000/);
  });

  it('shows the trace of what is unexpected with --verbose alone', async () => {
    await writeFile(at('throws.mjs'), 'export default () => { throw new TypeError("odd\\nthing"); };');
    const init = ['init', GPT, '--init', 'module:throws.mjs', '--out', 'x.safetensors', '--backend', 'cpu'];
    const quiet = await logah(...init);
    expect(quiet).toMatchObject({ code: 1 });
    expect(
      quiet.stderr
        .trim()
        .split('\n')
        .filter((line) => line.startsWith('logah: ')),
    ).toEqual([expect.stringMatching(/^logah: unexpected TypeError: odd thing; this is a mistake in logah/)]);
    expect(quiet.stderr).not.toMatch(/^\s+at /m);
    expect((await logah(...init, '--verbose')).stderr).toMatch(/^\s+at .*throws\.mjs/m);
  });
});

describe('values that a file cannot hold', () => {
  it('are refused by the name of their tensor', async () => {
    const init = (start: string, ...args: string[]) =>
      logah('init', GPT, '--init', start, '--out', 'x.safetensors', '--backend', 'cpu', ...args);
    expectFailure(await init('random:position=1e39'), /"position=1e39" is no deviation of a role/);
    expectFailure(
      await init('random:position=1e7', '--dtype', 'F16'),
      /the tensor ".*" holds .*, but F16 ends at 65504/,
    );
    expect(await readdir(folder)).not.toContain('x.safetensors');
  });

  it('are found by info --checkpoint, as init finds them', async () => {
    await logah('init', GPT, '--init', 'random', '--out', 'good.safetensors', '--backend', 'cpu');
    expect((await logah('info', GPT, '--checkpoint', 'good.safetensors')).code).toBe(0);
    const { tensors, metadata } = await readSafetensors(at('good.safetensors'));
    const [name, tensor] = [...tensors][0];
    const broken = new Map(tensors).set(name, { ...tensor, data: tensor.data.map(() => Number.NaN) });
    await writeSafetensors(at('nan.safetensors'), broken, metadata);
    const found = await logah('info', GPT, '--checkpoint', 'nan.safetensors');
    expect(found.stdout).toContain(`${name} holds NaN or infinite values`);
    expect(found.code).toBe(1);
    expectFailure(
      await logah('init', GPT, '--init', 'trained:nan.safetensors', '--out', 'y.safetensors', '--backend', 'cpu'),
      new RegExp(`the tensor "${name}" holds NaN`),
    );
  });
});

describe('hostile files', () => {
  it('a checkpoint that asks for more layers than it holds is refused before any is made', async () => {
    const config = {
      ...{ decoder: 'lowrank', dim: 64, heads: 8, layers: 1_000_000_000, maxChannels: 2048, maxKernel: 16 },
      ...{ classes: 10, virtualEdges: 50, domain: 'vision', initializerRange: 0.02, rank: 32, maxRows: 32768 },
    };
    const tensors = Array.from({ length: 200 }, (_, i) => [`t${i}`, { shape: [1], data: Float32Array.of(1) }] as const);
    await writeFile(
      at('layers.safetensors'),
      encodeSafetensors(tensors, { format: 'logah', config: JSON.stringify(config) }),
    );
    expectFailure(
      await logah(
        'predict',
        'vit:layers=1,heads=2,hidden=8,mlp=8,patch=8',
        '--checkpoint',
        'layers.safetensors',
        '--dry-run',
      ),
      /its configuration has 1000000000 layers, but the file has only 200 tensors/,
    );
  });

  it('names in a file are printed, not obeyed', async () => {
    const name = 'a\u001b[31m\u009b';
    await writeSafetensors(at('ansi.safetensors'), [[name, { shape: [1], data: Float32Array.of(1) }]]);
    for (const args of [[], ['--json']]) {
      const { stdout } = await logah('info', 'ansi.safetensors', ...args);
      expect(stdout).toContain('a\\u001b[31m\\u009b');
      for (const obeyed of ['\u001b', '\u009b']) expect(stdout).not.toContain(obeyed);
    }
    expect(JSON.parse((await logah('info', 'ansi.safetensors', '--json')).stdout).tensors[0].name).toBe(name);
  });

  it('an IDX file in gzip is unpacked no further than its header promises', async () => {
    await mkdir(at('idx'), { recursive: true });
    const header = (magic: number, ...sizes: number[]): Buffer => {
      const bytes = Buffer.alloc(4 + 4 * sizes.length);
      bytes.writeUInt32BE(magic);
      sizes.forEach((size, i) => bytes.writeUInt32BE(size, 4 + 4 * i));
      return bytes;
    };
    const bomb = gzipSync(Buffer.concat([header(0x803, 2, 4, 4), Buffer.alloc(2 ** 28)]));
    for (const split of ['train', 't10k']) {
      await writeFile(at('idx', `${split}-images-idx3-ubyte.gz`), bomb);
      await writeFile(at('idx', `${split}-labels-idx1-ubyte`), Buffer.concat([header(0x801, 2), Buffer.of(0, 1)]));
    }
    const arch = 'vit:layers=1,heads=2,hidden=8,mlp=8,patch=8';
    const eval_ = () => logah('eval', arch, '--data', 'idx', '--data-dir', 'idx', '--out', 'idx-out', '--workers', '1');
    expectFailure(await eval_(), /its header promises 48 bytes in all, but more follow/);
    const promising = gzipSync(Buffer.concat([header(0x803, 2 ** 16, 2 ** 8, 2 ** 8), Buffer.alloc(1000)]));
    for (const split of ['train', 't10k']) await writeFile(at('idx', `${split}-images-idx3-ubyte.gz`), promising);
    expectFailure(await eval_(), /compressed bytes promise 4294967312; \d+ are allowed/);
  });
});

describe('a run folder', () => {
  it('with a damaged newest state goes on from the one before it, and says so', async () => {
    expect((await train('damaged', '--save-every', '1')).code).toBe(0);
    const whole = await readFile(at('damaged', 'hypernet.safetensors'));
    const newest = at('damaged', 'step-0000004.safetensors');
    await writeFile(newest, (await readFile(newest)).subarray(0, 5000));
    const again = await train('damaged', '--save-every', '1');
    expect(again.stderr).toMatch(/A state cannot be read.*step-0000004\.safetensors/);
    expect(again.stderr).toMatch(/Going on from step 3 /);
    expect(again.code).toBe(0);
    expect((await readFile(at('damaged', 'hypernet.safetensors'))).equals(whole)).toBe(true);
  });

  it('whose states are all damaged is refused with the file, not begun anew', async () => {
    for (const name of await readdir(at('damaged')))
      if (name.startsWith('step-')) await writeFile(at('damaged', name), 'x');
    expectFailure(await train('damaged', '--save-every', '1'), /none of its 3 states can be read .*step-0000004/);
  });

  it('with a moment that is no longer a number goes on from the state before', async () => {
    await train('moment', '--save-every', '1');
    const path = at('moment', 'step-0000004.safetensors');
    const { tensors, metadata } = await readSafetensors(path);
    const name = [...tensors.keys()].find((key) => key.startsWith('optimizer.second.')) ?? '';
    const tensor = tensors.get(name);
    if (tensor === undefined) throw new Error('no moment');
    tensor.data.fill(Number.NaN);
    await writeSafetensors(path, tensors, metadata);
    const { stderr } = await train('moment', '--save-every', '1');
    expect(stderr).toContain(`the tensor "${name}" holds NaN or infinite values`);
    expect(stderr).toMatch(/Going on from step 3 /);
  });

  it('with a damaged config.json says that it is damaged', async () => {
    await writeFile(at('moment', 'config.json'), '{"dataset": ');
    expectFailure(await train('moment', '--save-every', '1'), /config\.json: it is damaged.*not JSON/);
  });

  it('knows its data and architectures by their content, wherever the data lies', async () => {
    for (const name of ['here', 'there']) {
      await mkdir(at(name));
      for (const file of ['train.txt', 'test.txt']) await copyFile(at(file), at(name, file));
    }
    await copyFile(at('nets.jsonl'), at('own.jsonl'));
    const run = (data: string) => train('content', '--data-dir', data, '--dataset', 'own.jsonl');
    expect((await run('here')).code).toBe(0);
    const curves = await readFile(at('content', 'loss.svg'));
    await rm(at('content', 'loss.svg'));
    expect((await run('there')).stderr).toMatch(/Going on from step 4 /);
    expect((await readFile(at('content', 'loss.svg'))).equals(curves)).toBe(true);
    await writeFile(at('there', 'train.txt'), 'the quick brown fox jumps over the lazy cat. '.repeat(20));
    expectFailure(await run('there'), /config\.json: .*another configuration \(there "contentOfData": "\w{64}", here /);
    const [first, second] = (await readFile(at('own.jsonl'), 'utf8')).split('\n');
    await writeFile(at('own.jsonl'), [first.replace('hidden=16', 'hidden=32'), second].join('\n'));
    expectFailure(await run('here'), /another configuration \(there "contentOfArchitectures"/);
  }, 120_000);

  it('is for one run at a time, and a step that diverges is no result', async () => {
    const first = spawn(
      process.execPath,
      [
        BIN,
        'train',
        '--config',
        'run.json',
        '--backend',
        'cpu',
        '--out',
        'shared',
        '--json',
        '--steps-per-epoch',
        '1000',
      ],
      { cwd: folder },
    );
    let output = '';
    await new Promise<void>((resolve) =>
      first.stdout.on('data', (chunk: Buffer) => {
        output += chunk;
        if (output.includes('"type":"step"')) resolve();
      }),
    );
    const second = await train('shared', '--steps-per-epoch', '1000');
    const code = new Promise((resolve) => first.on('close', resolve));
    first.kill('SIGTERM');
    expect(await code).toBe(143);
    expectFailure(second, new RegExp(`process ${first.pid} on .* works in this folder`));
    expect(output.trim().split('\n').at(-1)).toBe('{"type":"interrupted","signal":"SIGTERM"}');
    expect((await readdir(at('shared'))).filter((name) => /lock|partial/.test(name))).toEqual([]);
    const diverged = await train('diverged', '--lr', '1000', '--clip', '1000000', '--warmup-epochs', '0');
    expectFailure(diverged, /step \d: (the loss is|after an update)/);
  }, 120_000);
});

describe('a reader that goes away', () => {
  const start = (...args: string[]) =>
    spawn(process.execPath, [BIN, ...args], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });

  it('stops a run, which keeps its state and does not end as if it were done', async () => {
    const steps = ['--steps-per-epoch', '1000', '--save-every', '1000'];
    const child = start('train', '--config', 'run.json', '--backend', 'cpu', '--json', '--out', 'unread', ...steps);
    child.stdout.once('data', () => child.stdout.destroy());
    expect(await new Promise((resolve) => child.on('close', resolve))).toBe(141);
    const names = await readdir(at('unread'));
    expect(names.filter((name) => name.startsWith('step-'))).toHaveLength(1);
    expect(names.filter((name) => /lock|partial/.test(name))).toEqual([]);
  }, 60_000);

  it('of how it goes does not keep a command from its result', async () => {
    const child = start('init', GPT, '--init', 'random', '--backend', 'cpu', '--out', 'unseen.safetensors');
    child.stderr.destroy();
    child.stdout.resume();
    expect(await new Promise((resolve) => child.on('close', resolve))).toBe(0);
    expect((await readSafetensors(at('unseen.safetensors'))).tensors.size).toBe(17);
  }, 60_000);
});

describe.skipIf(!existsSync('/dev/full'))(
  'a full disk that output goes to (skipped where there is no /dev/full)',
  () => {
    const started = async (stream: 1 | 2, ...args: string[]): Promise<{ code: number | null; stderr: string }> => {
      const full = openSync('/dev/full', 'w');
      const child = spawn(process.execPath, [BIN, ...args], {
        cwd: folder,
        stdio: ['ignore', stream === 1 ? full : 'ignore', stream === 2 ? full : 'pipe'],
      });
      let stderr = '';
      child.stderr?.on('data', (chunk) => {
        stderr += chunk;
      });
      const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
      closeSync(full);
      return { code, stderr };
    };

    it('fails a command whose result goes there, in a line', async () => {
      expect(await started(1, 'graph', GPT, '--json')).toEqual({
        code: 1,
        stderr: expect.stringMatching(/^logah: cannot write to standard output: ENOSPC.*\n$/),
      });
    }, 60_000);

    it('does not keep a command from its result where only how it goes is lost', async () => {
      const { code } = await started(
        2,
        'init',
        GPT,
        '--init',
        'random',
        '--backend',
        'cpu',
        '--out',
        'untold.safetensors',
      );
      expect(code).toBe(0);
      expect((await readSafetensors(at('untold.safetensors'))).tensors.size).toBe(17);
    }, 60_000);
  },
);

describe('the cache of evaluations', () => {
  it('knows data by its content, wherever it lies', async () => {
    await mkdir(at('data'));
    for (const name of ['train.txt', 'test.txt']) await copyFile(at(name), at('data', name));
    const run = (data: string) => evaluate('cached', '--init', 'random', '--data-dir', data);
    const runs = async (): Promise<string[]> => (await readdir(at('cached', 'runs'))).sort();
    expect((await run('data')).code).toBe(0);
    const before = await runs();
    await mkdir(at('moved'));
    for (const name of ['train.txt', 'test.txt']) await copyFile(at('data', name), at('moved', name));
    expect((await run('moved')).code).toBe(0);
    expect(await runs()).toEqual(before);
    await writeFile(at('data', 'train.txt'), 'a change of content, of whatever length it is. '.repeat(20));
    await run('data');
    expect(await runs()).toHaveLength(2);
    for (const content of ['{"scores":[]}', 'null']) {
      await writeFile(at('cached', 'runs', before[0]), content);
      expectFailure(await run('moved'), /\.json: not a run that was kept; delete the file to make it again/);
    }
  }, 120_000);
});
