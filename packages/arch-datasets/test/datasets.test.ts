import { parseArchitecture } from '@logah/graph-ir';
import { createRandom, type Random } from '@logah/random';
import { describe, expect, it } from 'vitest';
import {
  type ArchitectureEntry,
  createDataset,
  datasetFromJsonLines,
  datasetStatistics,
  datasetToJsonLines,
  GPTS_1K_MAX_PARAMETERS,
  gpts1k,
  gptsSmall,
  VITS_1K_MAX_PARAMETERS,
  vits1k,
  vitsSmall,
} from '../src/index.js';

const VITS = createDataset(vits1k({ image: 32, patch: 2, classes: 10 }), {
  seed: 1,
  maxParameters: VITS_1K_MAX_PARAMETERS,
});
const GPTS = createDataset(gpts1k({ vocab: 50257, context: 1024 }), { seed: 1, maxParameters: GPTS_1K_MAX_PARAMETERS });

const partOf = (entries: readonly ArchitectureEntry[], split: string): Set<string> =>
  new Set(entries.filter((entry) => entry.split === split).map(({ architecture }) => architecture));

describe.each([
  ['VITS-1K', VITS, VITS_1K_MAX_PARAMETERS],
  ['GPTS-1K', GPTS, GPTS_1K_MAX_PARAMETERS],
])('%s', (_, entries, most) => {
  it('has 1000 architectures to train on and 100 each to validate and test, none in two parts', () => {
    expect(datasetStatistics(entries).entries).toEqual({ train: 1000, validation: 100, test: 100 });
    const [train, validation, test] = ['train', 'validation', 'test'].map((split) => partOf(entries, split));
    for (const architecture of validation) expect(train.has(architecture) || test.has(architecture)).toBe(false);
    for (const architecture of test) expect(train.has(architecture)).toBe(false);
  });

  it('keeps the paper’s cap, and spreads over the sizes below it', () => {
    const { parameters, histogram } = datasetStatistics(entries, 6);
    expect(parameters.most).toBeLessThanOrEqual(most);
    expect(parameters.most).toBeGreaterThan(0.9 * most);
    // Near-uniform: each sixth of the range has between a fifth and twice of its even share of 200.
    for (const count of histogram.counts) {
      expect(count).toBeGreaterThan(40);
      expect(count).toBeLessThan(400);
    }
  });

  it('reads back what it writes', () => {
    expect(datasetFromJsonLines(datasetToJsonLines(entries))).toEqual(entries);
  });
});

describe('createDataset', () => {
  it('is the same on every platform: the first entries of seed 1', () => {
    expect(VITS.slice(0, 2).map(({ architecture, parameters }) => [architecture, parameters])).toMatchInlineSnapshot(`
      [
        [
          "vit:layers=5,heads=12,hidden=384,mlp=1536,patch=2,classes=10,image=32",
          8981002,
        ],
        [
          "vit:layers=8,heads=4,hidden=160,mlp=640,patch=2,classes=10,image=32",
          2519530,
        ],
      ]
    `);
  });

  it('gives other entries for another seed', () => {
    const sampler = vits1k({ image: 32, patch: 2, classes: 10 });
    expect(createDataset(sampler, { seed: 2 })).not.toEqual(createDataset(sampler, { seed: 1 }));
  });

  it.each([
    ['vits-small', vitsSmall({ image: 32, patch: 2, classes: 10 }), 27, 40],
    ['gpts-small', gptsSmall({ vocab: 257, context: 16 }), 27, 20],
    [
      'three architectures',
      (random: Random) => parseArchitecture(`vit:layers=${random.integer(1, 3)},heads=1,hidden=8,mlp=8`),
      3,
      20,
    ],
  ])('of %s, every part has architectures of its own for any seed', (_, sampler, count, seeds) => {
    for (let seed = 0; seed < seeds; seed++) {
      const entries = createDataset(sampler, { seed });
      const { train, validation, test } = datasetStatistics(entries).distinct;
      expect(Math.min(train, validation, test), `seed ${seed}`).toBeGreaterThan(0);
      expect(train + validation + test).toBe(count);
      expect(new Set(entries.map(({ architecture }) => architecture)).size).toBe(count);
    }
  });

  it('takes any sampler, and says when a part stays empty', () => {
    const one = () => parseArchitecture('vit:layers=1,heads=1,hidden=8,mlp=8');
    expect(() => createDataset(one, { seed: 1 })).toThrow(
      /no architecture for the \w+ part in 10000 draws: 1 distinct ones are known/,
    );
  });
});

describe('samplers follow the paper’s ranges', () => {
  it('VITS-1K', () => {
    const random = createRandom(5);
    const sample = vits1k({ image: 32, patch: 2, classes: 100 });
    for (let i = 0; i < 500; i++) {
      const architecture = sample(random);
      if (architecture.family !== 'vit') throw new Error('not a ViT');
      const { layers, hidden, heads, mlp } = architecture;
      const [from, to] = layers > 5 ? [128, 256] : layers > 3 ? [256, 384] : [384, 512];
      expect(
        layers >= 3 && layers <= 9 && hidden >= from && hidden <= to && hidden % 32 === 0 && mlp === 4 * hidden,
      ).toBe(true);
      expect(hidden % heads).toBe(0);
    }
  });

  it('GPTS-1K', () => {
    const random = createRandom(5);
    const sample = gpts1k({ vocab: 50257, context: 1024 });
    for (let i = 0; i < 500; i++) {
      const architecture = sample(random);
      if (architecture.family !== 'gpt2') throw new Error('not a GPT-2');
      const { layers, hidden, heads, tied } = architecture;
      const [from, to] = layers > 5 ? [72, 176] : layers > 3 ? [128, 176] : [176, 256];
      expect(
        layers >= 3 && layers <= 9 && hidden >= from && hidden <= to && hidden % 8 === 0 && heads === 8 && !tied,
      ).toBe(true);
    }
  });

  it.each([
    ['own', [false]],
    ['tied', [true]],
    ['both', [false, true]],
  ] as const)('GPTS-1K with heads %s, of the same sizes', (heads, wanted) => {
    const draw = (options: { heads?: typeof heads }) => {
      const sample = gpts1k({ vocab: 257, context: 64, ...options });
      return Array.from({ length: 60 }, (_, seed) => sample(createRandom(seed)));
    };
    const drawn = draw({ heads });
    expect([...new Set(drawn.map((architecture) => 'tied' in architecture && architecture.tied))].sort()).toEqual(
      wanted,
    );
    expect(drawn.map((architecture) => ({ ...architecture, tied: false }))).toEqual(draw({}));
  });
});

describe('datasetFromJsonLines', () => {
  it.each([
    ['gpt2:layers=1,heads=1,hidden=8,vocab=10,context=4', 'gpt2:layers=1,heads=1,hidden=8,vocab=10,context=4'],
    ['gpt2:layers=1,heads=1,hidden=8,vocab=10,context=4', 'gpt2:heads=1,layers=1,hidden=8,context=4,vocab=10'],
  ])('refuses an architecture in two parts, however it is written', (one, other) => {
    const line = (architecture: string, split: string): string => JSON.stringify({ architecture, split });
    const text = [line(one, 'train'), line(other, 'train'), '', line(other, 'test')].join('\n');
    expect(() => datasetFromJsonLines(text, 'nets.jsonl')).toThrow(
      `nets.jsonl, line 4: ${other} is in the part "test", but in "train" on line 1; parts share no architecture`,
    );
    expect(datasetFromJsonLines([line(one, 'train'), line(other, 'train')].join('\n'))).toHaveLength(2);
  });

  it('takes lines by hand: parameters counted, the part "train"', () => {
    expect(datasetFromJsonLines('\n{"architecture":"gpt2:layers=1,heads=1,hidden=8,vocab=10,context=4"}\n')).toEqual([
      { architecture: 'gpt2:layers=1,heads=1,hidden=8,vocab=10,context=4', parameters: 1000, split: 'train' },
    ]);
  });

  it.each([
    ['{', /file\.jsonl, line 1: /],
    ['{"architecture":3}', /line 1: architecture should be text such as .*, got 3/],
    ['{"architecture":"vit-s","split":"dev"}', /line 1: split should be train, validation, test, got "dev"/],
    ['{"architecture":"vit-s","parameters":5}', /line 1: parameters is 5, but vit-s has 21402250/],
    ['{"architecture":"vit-q"}', /line 1: unknown architecture "vit-q"/],
  ])('refuses %s', (line, message) => {
    expect(() => datasetFromJsonLines(line, 'file.jsonl')).toThrow(message);
  });
});
