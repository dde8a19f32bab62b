import '@logah/backend-ort';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildArchitecture, type Graph, parseArchitecture } from '@logah/graph-ir';
import { createHypernet, hypernetPreset } from '@logah/hypernet';
import { ABSOLUTE_NOISE, CORRELATION_NOISE, orthogonalized, withFreshClassLayer } from '@logah/network';
import { createRandom } from '@logah/random';
import { writeSafetensors } from '@logah/safetensors/node';
import type { TensorRecord } from '@logah/tensor-ops';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  CLOSED_FORM_STARTS,
  closedFormInitializer,
  graftedInitializer,
  INITIALIZER_HELP,
  type Initializer,
  isPredicted,
  MODIFIERS,
  modifiedInitializer,
  orthogonalInitializer,
  predictedInitializer,
  randomInitializer,
  selectedInitializer,
  splitStarts,
} from '../src/index.js';
import { initializerIdentity, readInitializer } from '../src/node.js';

const graph = buildArchitecture(parseArchitecture('vit:layers=2,heads=2,hidden=32,mlp=64,patch=16'));
const gpt = buildArchitecture(parseArchitecture('gpt2:layers=1,heads=2,hidden=16,vocab=20,context=8,tied=false'));
let folder: string;
let logah: Initializer;
let ghn3: Initializer;
beforeAll(async () => {
  await tf.setBackend('ort');
  folder = await mkdtemp(join(tmpdir(), 'logah-starts-'));
  const sizes = { dim: 16, heads: 4, layers: 1 };
  logah = predictedInitializer(
    createHypernet(hypernetPreset('tiny', { ...sizes, rank: 4, maxRows: 512, maxChannels: 64 }), createRandom(1)),
  );
  ghn3 = predictedInitializer(
    createHypernet(hypernetPreset('ghn3-tiny', { ...sizes, maxChannels: 16 }), createRandom(1)),
  );
});
afterAll(() => rm(folder, { recursive: true }));

const WEIGHT = 'encoder.layers.encoder_layer_0.mlp.0.weight';
const make = async (initializer: Initializer, of: Graph = graph, seed = 3): Promise<TensorRecord> =>
  initializer(of, createRandom(seed));
const deviation = (a: tf.Tensor, b: tf.Tensor): number =>
  tf.tidy(() => Math.sqrt(tf.mean(tf.square(tf.sub(a, b))).dataSync()[0]));
const expectSame = (a: TensorRecord, b: TensorRecord): void => {
  for (const [name, tensor] of Object.entries(a)) expect(tensor.dataSync(), name).toEqual(b[name].dataSync());
};
const names = <Name extends string>(table: Readonly<Record<Name, unknown>>): Name[] => Object.keys(table) as Name[];

describe('initialisers', () => {
  it('give every parameter in its shape, the same for the same seed, and leave nothing else behind', async () => {
    const trained = new Map(
      graph.parameters.map(({ name, shape }) => [
        name,
        { shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) },
      ]),
    );
    const ofGpts = ['nanochat', 'modded-nanogpt'];
    const cases: Array<readonly [what: string, initializer: Initializer, of: Graph]> = [
      ...names(CLOSED_FORM_STARTS).map(
        (name) => [name, closedFormInitializer(name), ofGpts.includes(name) ? gpt : graph] as const,
      ),
      ['deviations', closedFormInitializer('mimetic', { position: 1.5 }), graph],
      ['select', selectedInitializer(trained), graph],
      ['logah', logah, graph],
      ['ghn3', ghn3, graph],
      ...names(MODIFIERS).map((name) => [`+${name}`, modifiedInitializer(logah, name), graph] as const),
    ];
    for (const [what, initializer, of] of cases) {
      const before = tf.memory().numTensors;
      const [first, again] = [await make(initializer, of), await make(initializer, of)];
      expect(tf.memory().numTensors - before, what).toBe(2 * of.parameters.length);
      for (const { name, shape } of of.parameters) expect(first[name].shape, `${what} ${name}`).toEqual(shape);
      expectSame(first, again);
      tf.dispose([Object.values(first), Object.values(again)]);
    }
  });

  it('takes some roles of another start, with their biases, and leaves the rest and no tensor behind', async () => {
    const before = tf.memory().numTensors;
    const [base, donor] = [await make(randomInitializer), await make(logah)];
    const grafted = await make(graftedInitializer(randomInitializer, logah, ['mlp_in', 'position']));
    const taken = graph.parameters.filter(({ name }) => /mlp\.0\.(weight|bias)$|pos_embedding$/.test(name));
    expect(taken).toHaveLength(5);
    for (const { name } of graph.parameters) {
      // The donor's draws follow the base's, so rows that are drawn, not predicted, may differ.
      if (name.endsWith('pos_embedding')) continue;
      const source = taken.some((parameter) => parameter.name === name) ? donor : base;
      expect(grafted[name].dataSync(), name).toEqual(source[name].dataSync());
    }
    expect(deviation(grafted['encoder.pos_embedding'], base['encoder.pos_embedding'])).toBeGreaterThan(0);
    tf.dispose([base, donor, grafted].flatMap((record) => Object.values(record)));
    expect(tf.memory().numTensors).toBe(before);
  });

  it('refuses to take a role that the network has not', async () => {
    await expect(make(graftedInitializer(randomInitializer, logah, ['mlp_in', 'kernel']))).rejects.toThrow(
      /no parameter of vit has the role "kernel" to be taken; there are patch_embedding, class_token, position/,
    );
  });

  it('leave nothing behind when they have no meaning for a graph', async () => {
    const before = tf.memory().numTensors;
    for (const [name, of] of [
      ['nanochat', graph],
      ['impulse', gpt],
    ] as const)
      await expect(make(closedFormInitializer(name), of)).rejects.toThrow('is a start for');
    expect(tf.memory().numTensors).toBe(before);
  });

  it('noise has deviation β on weights of layers in absolute numbers, by correlations otherwise', async () => {
    const plain = await make(logah);
    const absolute = await make(modifiedInitializer(logah, 'noise-abs'));
    expect(deviation(absolute[WEIGHT], plain[WEIGHT]) / ABSOLUTE_NOISE).toBeCloseTo(1, 1);
    for (const name of ['heads.head.weight', 'encoder.pos_embedding', 'encoder.ln.weight', 'conv_proj.bias'])
      expect(deviation(absolute[name], plain[name]), name).toBe(0);
    // The noise is linear in β; its size depends on the weight.
    const [usual, tenfold] = [
      await make(modifiedInitializer(logah, 'noise')),
      await make(modifiedInitializer(logah, 'noise', 10 * CORRELATION_NOISE)),
    ];
    const ratio = deviation(tenfold[WEIGHT], plain[WEIGHT]) / deviation(usual[WEIGHT], plain[WEIGHT]);
    expect(ratio).toBeCloseTo(10, 0);
  });

  it('a new class layer is all that changes', async () => {
    const [plain, fresh] = [await make(logah), await make(modifiedInitializer(logah, 'new-head'))];
    const changed = Object.keys(plain).filter((name) => deviation(plain[name], fresh[name]) > 0);
    expect(changed.sort()).toEqual(['heads.head.bias', 'heads.head.weight']);
  });

  it('impulse keeps a positional encoding whose deviation was set, and scales one that was not', async () => {
    const scale = async (deviations: Record<string, number>): Promise<number> => {
      const { 'encoder.pos_embedding': encoding } = await make(closedFormInitializer('impulse', deviations));
      return deviation(encoding, tf.zerosLike(encoding));
    };
    expect((await scale({})) / 0.36).toBeCloseTo(1, 0);
    expect((await scale({ position: 1.5 })) / 1.5).toBeCloseTo(1, 0);
  });
});

describe('initialisers as text', () => {
  const read = async (text: string): Promise<TensorRecord> => make(await readInitializer(text));

  it('are those of the table', async () => {
    expectSame(await read('random'), await make(randomInitializer));
    expectSame(await read('orthogonal'), await make(orthogonalInitializer));
    expectSame(
      await read('mimetic:position=1.5,head=0.1'),
      await make(closedFormInitializer('mimetic', { position: 1.5, head: 0.1 })),
    );
  });

  it('apply modifiers in the order written', async () => {
    const random = createRandom(3);
    const start = await randomInitializer(graph, random);
    expectSame(
      await read('random+orth+new-head'),
      withFreshClassLayer(graph, await orthogonalized(graph, start), random),
    );
    // Orthogonal weights last: no noise is left of them.
    const [noisyLast, noisyFirst] = [await read('random+orth+noise-abs=0.1'), await read('random+noise-abs=0.1+orth')];
    const gram = (p: TensorRecord): tf.Tensor => {
      const matrix = tf.reshape<tf.Rank.R2>(p[WEIGHT], [64, 32]);
      return tf.sub(tf.matMul(matrix, matrix, true, false), tf.eye(32));
    };
    expect(deviation(gram(noisyFirst), tf.zeros([32, 32]))).toBeLessThan(1e-6);
    expect(deviation(gram(noisyLast), tf.zeros([32, 32]))).toBeGreaterThan(0.01);
  });

  it('select weights from a file, also one with a + in its name', async () => {
    const large = buildArchitecture(parseArchitecture('vit:layers=3,heads=2,hidden=64,mlp=64,patch=16'));
    const teacher = await make(randomInitializer, large, 8);
    const file = join(folder, 'large+noise.safetensors');
    await writeSafetensors(
      file,
      Object.entries(teacher).map(([name, { shape }]) => [
        name,
        { shape, data: Float32Array.from(teacher[name].dataSync()) },
      ]),
    );
    const start = await read(`select:${file}+new-head`);
    const [small, whole] = [start, teacher].map((p) => p['encoder.layers.encoder_layer_1.ln_1.weight'].dataSync());
    expect([...small]).toEqual(Array.from({ length: 32 }, (_, i) => whole[2 * i]));
    const row = (p: TensorRecord, index: number, size: number): number[] =>
      [...p['conv_proj.weight'].dataSync()].slice(index * size, (index + 1) * size);
    expect(row(start, 5, 768)).toEqual(row(teacher, 10, 768));
  });

  it.each(['trained:no\nsuch.safetensors', 'trained:no\nsuch.safetensors+orth'])('takes %j as a file', async (text) => {
    await expect(readInitializer(text)).resolves.toBeTypeOf('function');
  });

  it.each([
    ['randm', `unknown initialiser "randm"; known are ${INITIALIZER_HELP}`],
    ['random+nois', 'unknown initialiser "random+nois"; known are random, orthogonal, mimetic'],
    ['logah', '"logah" wants a file: logah:FILE (what a LoGAH predicts)'],
    ['random:position', '"position" is no deviation of a role; a name and a number of at least 0 were wanted'],
    ['random:position=-1', '"position=-1" is no deviation of a role'],
    ['random:position=wide', '"position=wide" is no deviation of a role'],
    ['random+noise=much', '+noise wants a number of at least 0, as in +noise=0.00003'],
    ['random+orth=2', '+orth takes no number'],
    ['mimetic:attention_out=1', 'mimetic:attention_out=… has no effect: "mimetic" is attention as trained networks'],
  ])('"%s" is refused with what would fit', async (text, message) => {
    await expect(readInitializer(text)).rejects.toThrow(message);
  });

  it('a role that the graph lacks is named with those that it has', async () => {
    await expect(read('random:mlp_gate=1')).rejects.toThrow('"vit" has no role "mlp_gate"; it has patch_embedding, ');
  });

  it('in a list keep their deviations', () => {
    expect(splitStarts('random, random:position=1.5,head=0.001+noise,logah:a=b.safetensors')).toEqual([
      'random',
      'random:position=1.5,head=0.001+noise',
      'logah:a=b.safetensors',
    ]);
  });

  it('are baselines unless a hypernetwork or a module predicts them', () => {
    for (const text of ['random:position=1.5', 'mimetic+noise', 'select:large.safetensors', 'nanochat'])
      expect(isPredicted(text), text).toBe(false);
    for (const text of ['logah:a', 'ghn3:a+noise', 'template:a', 'module:a.js'])
      expect(isPredicted(text), text).toBe(true);
  });

  it('have an identity of numbers and contents, not of how they are written', async () => {
    expect(await initializerIdentity('random')).toBe('random');
    expect(await initializerIdentity('random+noise')).toBe('random+noise=0.00003');
    expect(await initializerIdentity('random:position=1.50+noise=3e-5')).toBe('random:position=1.5+noise=0.00003');
    const file = join(folder, 'teacher.safetensors');
    await writeFile(file, 'one');
    const one = await initializerIdentity(`select:${file}`);
    await writeFile(file, 'another');
    expect(await initializerIdentity(`select:${file}`)).not.toBe(one);
    await expect(initializerIdentity('select:none.safetensors')).rejects.toThrow(
      'the initialiser "select:none.safetensors" wants the file none.safetensors, which cannot be read',
    );
  });
});
