// Several ranks within one process: their calls meet in memory, as those of MPI do between processes.
import '@logah/backend-ort';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type ArchitectureSource,
  type DrawnNetwork,
  initTrainer,
  localGradients,
  type Ranks,
  shareGradients,
  TRAINER_DEFAULTS,
  type TrainerConfig,
} from '@logah/ghn-trainer';
import { type RunEvent, run } from '@logah/ghn-trainer/node';
import { createHypernet } from '@logah/hypernet';
import { classification } from '@logah/network';
import { createRandom } from '@logah/random';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { shareOf } from '../src/shares.js';
import { architectures, data, HYPERNET } from './small-run.js';

/** So many ranks that meet at every call. */
function ranksInMemory(size: number): Ranks[] {
  let waiting: Array<{ rank: number; values: Float32Array | Float64Array; done: () => void }> = [];
  const meet = (
    rank: number,
    values: Float32Array | Float64Array,
    combine: (all: ReadonlyArray<Float32Array | Float64Array>) => ArrayLike<number>,
  ): Promise<void> =>
    new Promise((done) => {
      waiting.push({ rank, values, done });
      if (waiting.length < size) return;
      const everyone = waiting.sort((a, b) => a.rank - b.rank);
      waiting = [];
      const result = Array.from(combine(everyone.map((one) => one.values)));
      for (const one of everyone) {
        one.values.set(result);
        one.done();
      }
    });
  return Array.from({ length: size }, (_, rank) => ({
    rank,
    size,
    allreduce: (values, operation = 'sum') =>
      meet(rank, values, (all) =>
        all.reduce((a, b) => a.map((x, i) => (operation === 'sum' ? x + b[i] : Math.max(x, b[i])))),
      ),
    broadcast: (values) => meet(rank, values, ([first]) => first),
  }));
}

const STEPS = 20;
const recipe = (metaBatch: number, steps = STEPS): TrainerConfig => ({
  ...TRAINER_DEFAULTS,
  seed: 3,
  metaBatch,
  batch: 6,
  epochs: 2,
  stepsPerEpoch: steps / 2,
  warmupEpochs: 0,
  learningRate: 1e-2,
});

const root = mkdtempSync(join(tmpdir(), 'logah-ranks-'));
afterAll(() => rmSync(root, { recursive: true }));

interface RankOptions {
  readonly ranks?: Ranks;
  readonly folder: string;
  readonly config: TrainerConfig;
  readonly seed?: number;
  readonly source?: ArchitectureSource;
  readonly wantsStop?: () => boolean;
}

async function losses({
  ranks,
  folder,
  config,
  seed = 5,
  source = architectures,
  wantsStop = () => false,
}: RankOptions): Promise<{ losses: number[]; events: RunEvent[] }> {
  const shared =
    ranks === undefined ? {} : { ranks, ...shareGradients(ranks, localGradients(classification, config), wantsStop) };
  const events: RunEvent[] = [];
  for await (const event of run({
    folder: join(root, folder),
    configuration: {},
    config,
    hypernet: HYPERNET,
    start: () => initTrainer(createHypernet(HYPERNET, createRandom(seed)), config),
    architectures: source,
    data,
    task: classification,
    saveEvery: 8,
    keep: 2,
    ...shared,
  })) {
    events.push(event);
  }
  return { losses: events.flatMap((event) => (event.type === 'step' ? [event.loss] : [])), events };
}

const together = (size: number, options: (rank: number) => Omit<RankOptions, 'ranks'>) =>
  Promise.all(ranksInMemory(size).map((ranks) => losses({ ranks, ...options(ranks.rank) })));

describe('shareOf', () => {
  const network = (layers: number): DrawnNetwork => ({
    architecture: { family: 'vit', layers, heads: 2, hidden: 8, mlp: 32, patch: 4, classes: 2, image: 8 },
    seed: layers,
  });

  it('gives every network every row once, and weights that add up to 1', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 9 }),
        (count, rows, size) => {
          const networks = Array.from({ length: count }, (_, i) => network(i + 1));
          const shares = Array.from({ length: size }, (_, rank) => shareOf(networks, rows, rank, size));
          const computed = shares.flatMap(({ networks: own, rows: [from, to] }) =>
            own.flatMap(({ seed }) => Array.from({ length: to - from }, (_, i) => `${seed} ${from + i}`)),
          );
          const wanted = networks.flatMap(({ seed }) => Array.from({ length: rows }, (_, row) => `${seed} ${row}`));
          expect(computed.sort()).toEqual(wanted.sort());
          expect(shares.reduce((sum, { weight }) => sum + weight, 0)).toBeCloseTo(1, 12);
        },
      ),
    );
  });
});

describe('ranks', () => {
  beforeAll(() => tf.setBackend('ort'));

  it.each([
    ['whole networks', 2, 3],
    ['parts of a mini-batch', 4, 1],
  ])('follow one process: %s', async (name, size, metaBatch) => {
    const config = recipe(metaBatch);
    const alone = (await losses({ folder: `${name}-alone`, config })).losses;
    expect(alone).toHaveLength(STEPS);
    const before = tf.memory().numTensors;
    // Only rank 0's start counts.
    const all = await together(size, (rank) => ({ folder: `${name}-${rank}`, config, seed: 5 + rank }));
    expect(tf.memory().numTensors).toBe(before);
    for (const { losses: own } of all) {
      expect(own).toEqual(all[0].losses);
      own.forEach((loss, i) => expect(Math.abs(loss - alone[i])).toBeLessThan(2e-5 * Math.abs(alone[i])));
    }
    // Rank 0 alone writes.
    expect(readdirSync(root).filter((folder) => folder.startsWith(`${name}-`) && !folder.endsWith('alone'))).toEqual([
      `${name}-0`,
    ]);
  });

  it('stop at the same step when one of them wants to, and go on to the same losses', async () => {
    const config = recipe(2, 8);
    const alone = (await losses({ folder: 'stopped-alone', config })).losses;
    let asked = 0;
    const first = await together(2, () => ({
      folder: 'stopped',
      config,
      // Both count: the tenth to ask is one rank alone, at step 5.
      wantsStop: () => ++asked === 10,
    }));
    expect(first.map(({ losses: own }) => own.length)).toEqual([5, 5]);
    const second = await together(2, () => ({ folder: 'stopped', config }));
    expect(second[0].events[0]).toMatchObject({ type: 'resumed', step: 5 });
    for (const [rank, { losses: rest }] of second.entries()) {
      const whole = [...first[rank].losses, ...rest];
      expect(whole).toHaveLength(8);
      whole.forEach((loss, i) => expect(Math.abs(loss - alone[i])).toBeLessThan(2e-5 * Math.abs(alone[i])));
    }
  });

  it('whose hypernetworks differ are stopped', async () => {
    const config = recipe(2);
    const own = (seed: number) => createHypernet(HYPERNET, createRandom(seed));
    const batch = data.batch([0, 1, 2, 3]);
    const results = ranksInMemory(2).map(async (ranks) => {
      const { gradients } = shareGradients(ranks, localGradients(classification, config), () => false);
      return gradients(own(ranks.rank), [], batch);
    });
    await expect(results[0]).rejects.toThrow(/hypernetworks differ/);
    await expect(results[1]).rejects.toThrow(/hypernetworks differ/);
  });

  it('do not divide a mini-batch whose statistics a network reads', async () => {
    const config = recipe(1);
    const source: ArchitectureSource = () => ({ family: 'resnet', depth: 18, classes: 2, image: 8 });
    await expect(together(2, (rank) => ({ folder: `resnet-${rank}`, config, source }))).rejects.toThrow(
      /batch statistics/,
    );
  });
});
