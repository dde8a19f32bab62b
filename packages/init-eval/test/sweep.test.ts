// Comparisons in folders, with real worker processes.
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildArchitecture, parseArchitecture } from '@logah/graph-ir';
// The built package: workers are files.
import { initializerIdentity, type SweepEvent, type SweepOptions, sweep } from '@logah/init-eval/node';
import { readSafetensors, writeSafetensors } from '@logah/safetensors/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunRecord } from '../src/index.js';

const ARCHITECTURE = 'gpt2:layers=1,heads=2,hidden=16,vocab=257,context=16,tied=false';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'logah-eval-'));
  const text = 'the quick brown fox jumps over the lazy dog. '.repeat(30);
  await writeFile(join(folder, 'train.txt'), text);
  await writeFile(join(folder, 'test.txt'), text.slice(0, 400));
});
afterAll(() => rm(folder, { recursive: true }));

const options = (out: string, changes: Partial<SweepOptions> = {}): SweepOptions => ({
  folder: join(folder, out),
  backendUrl: import.meta.resolve('@logah/backend-ort'),
  backend: 'ort',
  graphs: new Map([[ARCHITECTURE, buildArchitecture(parseArchitecture(ARCHITECTURE))]]),
  initializers: ['random', 'orthogonal'],
  learningRates: [0.1],
  seeds: [0, 1],
  recipe: {
    optimizer: { type: 'sgd', momentum: 0.9, weightDecay: 0 },
    schedule: 'cosine',
    epochs: 3,
    batch: 8,
  },
  data: { data: 'text', dataDir: folder, tokenizer: 'bytes', context: 16 },
  workers: 2,
  ...changes,
});

async function collect(from: AsyncIterable<SweepEvent>, onEvent?: (event: SweepEvent) => void): Promise<RunRecord[]> {
  const runs: RunRecord[] = [];
  for await (const event of from) {
    onEvent?.(event);
    if (event.type === 'run') runs.push(event.run);
  }
  const place = ({ initializer, seed }: RunRecord): string => `${initializer} ${seed}`;
  return runs.sort((a, b) => place(a).localeCompare(place(b)));
}
const untimed = (runs: RunRecord[]) => runs.map(({ seconds: _, ...rest }) => rest);

describe('sweep', () => {
  it('makes every run once, and finds them again', async () => {
    let steps = 0;
    const runs = await collect(sweep(options('once')), ({ type }) => {
      if (type === 'step') steps++;
    });
    expect(runs.map(({ initializer, seed }) => `${initializer} ${seed}`)).toEqual([
      'orthogonal 0',
      'orthogonal 1',
      'random 0',
      'random 1',
    ]);
    for (const { scores } of runs) {
      expect(scores.map(({ epoch }) => epoch)).toEqual([0, 1, 2, 3]);
      expect(scores[3].loss).toBeLessThan(scores[0].loss);
    }
    // 84 blocks of 16 make 10 batches of 8.
    expect(steps).toBe(4 * 3 * 10);
    // The first seed says what its start was like; states of finished runs are gone.
    expect(runs.map(({ start }) => start !== undefined)).toEqual([true, false, true, false]);
    expect((await readdir(join(folder, 'once'))).every((name) => name.endsWith('.json'))).toBe(true);
    const made: string[] = [];
    const again = await collect(sweep(options('once')), (event) => {
      if (event.type === 'run') made.push(event.made);
    });
    expect(made).toEqual(['before', 'before', 'before', 'before']);
    expect(again).toEqual(runs);
    const [graph] = options('once').graphs.values();
    const renamed = await collect(sweep(options('once', { graphs: new Map([['mine', graph]]) })));
    expect(renamed).toEqual(runs.map((run) => ({ ...run, architecture: 'mine' })));
  });

  it.each([5, 15])('stopped at step %i of a run goes on to the same numbers, each epoch once', async (step) => {
    const [whole, part] = [`whole-${step}`, `stopped-${step}`];
    const runs = await collect(sweep(options(whole, { workers: 1, seeds: [0] })));
    const stop = new AbortController();
    const stopped = await collect(sweep(options(part, { workers: 1, seeds: [0], signal: stop.signal })), (event) => {
      if (event.type === 'step' && event.step === step) stop.abort();
    });
    expect(stopped).toHaveLength(0);
    expect((await readdir(join(folder, part))).some((name) => name.endsWith('.safetensors'))).toBe(true);
    const rest = await collect(sweep(options(part, { workers: 1, seeds: [0] })));
    expect(untimed(rest)).toEqual(untimed(runs));
  });

  it('refuses a kept run that is not whole', async () => {
    const one = options('kept', { initializers: ['random'], seeds: [0], workers: 1 });
    await collect(sweep(one));
    const [name] = await readdir(one.folder);
    const path = join(one.folder, name);
    const kept = JSON.parse(await readFile(path, 'utf8'));
    for (const change of [
      { scores: kept.scores.slice(0, 2) },
      { scores: kept.scores.map((score: object) => ({ ...score, trainLoss: 'abc' })) },
      { parameters: -5 },
      { seconds: -1 },
      { stepsPerEpoch: 'abc' },
      { start: 'x' },
      { start: {} },
      { start: { ...kept.start, layers: [null] } },
    ]) {
      await writeFile(path, JSON.stringify({ ...kept, ...change }));
      await expect(collect(sweep(one)), JSON.stringify(change).slice(0, 60)).rejects.toThrow(
        `${path}: not a run that was kept; delete the file to make it again`,
      );
    }
    await writeFile(path, JSON.stringify(kept));
    expect(await collect(sweep(one))).toHaveLength(1);
  });

  it.each([
    ['epoch', 3],
    ['epoch', 9],
    ['epoch', 0],
    ['epoch', 2],
    ['step', 0],
    ['scores', []],
  ])('begins a run anew whose state has another %s, %j', async (field, value) => {
    const one = options(`state-${field}-${value}`, { initializers: ['random'], seeds: [0], workers: 1 });
    const stop = new AbortController();
    await collect(sweep({ ...one, signal: stop.signal }), (event) => {
      if (event.type === 'step' && event.step === 15) stop.abort();
    });
    const name = (await readdir(one.folder)).find((file) => file.endsWith('.safetensors'));
    const path = join(one.folder, name ?? '');
    const { tensors, metadata } = await readSafetensors(path);
    const training = { ...JSON.parse(metadata.training), [field]: value };
    await writeSafetensors(path, tensors, { ...metadata, training: JSON.stringify(training) });
    const notes: string[] = [];
    const [run] = await collect(sweep(one), (event) => {
      if (event.type === 'note') notes.push(event.text);
    });
    expect(notes.join()).toContain('The state of a run is damaged, so the run begins anew');
    const [whole] = await collect(sweep({ ...one, folder: join(folder, 'undisturbed') }));
    expect(untimed([run])).toEqual(untimed([whole]));
  });

  it('knows a start in several files by all of them', async () => {
    const index = join(folder, 'model.safetensors.index.json');
    await writeFile(index, JSON.stringify({ weight_map: { a: 'one.safetensors', b: 'two.safetensors' } }));
    const identities = new Set<string>();
    for (const [one, two] of [
      [1, 1],
      [1, 2],
      [2, 1],
    ]) {
      await writeSafetensors(join(folder, 'one.safetensors'), [['a', { shape: [1], data: Float32Array.of(one) }]]);
      await writeSafetensors(join(folder, 'two.safetensors'), [['b', { shape: [1], data: Float32Array.of(two) }]]);
      identities.add(await initializerIdentity(`trained:${index}`));
    }
    expect(identities.size).toBe(3);
    expect([...identities].at(-1)?.split(' ').at(-1)).toBe(
      (await initializerIdentity(`trained:${folder}`)).split(' ').at(-1),
    );
  });

  it('names what does not fit', async () => {
    await expect(collect(sweep(options('bad', { initializers: ['xavier'] })))).rejects.toThrow(
      'unknown initialiser "xavier"; known are random, orthogonal, mimetic, ',
    );
    await expect(collect(sweep(options('bad', { initializers: ['logah:none.safetensors'] })))).rejects.toThrow(
      'the initialiser "logah:none.safetensors" wants the file none.safetensors, which cannot be read',
    );
    const small = ARCHITECTURE.replace('vocab=257', 'vocab=100');
    const graphs = new Map([[small, buildArchitecture(parseArchitecture(small))]]);
    await expect(collect(sweep(options('bad', { graphs, workers: 1 })))).rejects.toThrow(
      'the network answers for 100 tokens, but the data has 257: use vocab=257',
    );
    const none = options('bad', {});
    await expect(collect(sweep({ ...none, data: { ...none.data, skipSamples: 1_000_000 } }))).rejects.toThrow(
      /train\.txt: there are \d+ samples, so \d+ at most can be left out, got 1000000$/,
    );
  });

  it('takes an initialiser of one’s own from a module', async () => {
    const file = join(folder, 'zeros.mjs');
    await writeFile(
      file,
      `import * as tf from ${JSON.stringify(import.meta.resolve('@tensorflow/tfjs-core'))};
export default (graph) => Object.fromEntries(graph.parameters.map(({ name, shape }) => [name, tf.zeros(shape)]));`,
    );
    const [run] = await collect(sweep(options('own', { initializers: [`module:${file}`], seeds: [0], workers: 1 })));
    // All logits are 0: every one of 257 tokens is as likely.
    expect(run.scores[0].loss).toBeCloseTo(Math.log(257), 5);
    expect(run.start?.findings.map(({ kind }) => kind)).toContain('zero rows');
  });
});
