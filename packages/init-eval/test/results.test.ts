import { describe, expect, it } from 'vitest';
import {
  comparisonReport,
  differenceInterval,
  type EpochScore,
  formatSpread,
  METRICS,
  meanAndDeviation,
  type RunRecord,
  runsToCsv,
  startName,
  summarize,
} from '../src/index.js';
import { studentQuantile } from '../src/welch.js';

const score = (epoch: number, accuracy: number, loss = 1): EpochScore => ({
  epoch,
  trainLoss: epoch === 0 ? null : loss,
  loss,
  accuracy,
  top5Accuracy: Math.min(1, accuracy + 0.3),
});
const run = (initializer: string, learningRate: number, seed: number, ...accuracies: number[]): RunRecord => ({
  architecture: 'vit:layers=3',
  initializer,
  learningRate,
  seed,
  parameters: 1000,
  scores: accuracies.map((accuracy, epoch) => score(epoch, accuracy)),
  isDiverged: false,
  seconds: 1,
});

describe('Welch’s interval', () => {
  it('uses the quantiles of Student’s t that tables give', () => {
    for (const [freedom, t] of [
      [1, 12.706],
      [2, 4.303],
      [4, 2.776],
      [10, 2.228],
      [30, 2.042],
      [1e6, 1.96],
    ])
      expect(studentQuantile(freedom)).toBeCloseTo(t, 3);
  });

  it('is scipy’s for an example', () => {
    // Variances 1 and 4 of three values each: se² = 5/3, ν = (5/3)² / ((1/3)²/2 + (4/3)²/2) = 50/17; scipy 1.17's t.ppf gives 3.218758614532882.
    const interval = differenceInterval(meanAndDeviation([9, 10, 11]), meanAndDeviation([4, 6, 8]));
    expect(interval?.low).toBeCloseTo(4 - 3.218758614532882 * Math.sqrt(5 / 3), 9);
    expect(interval?.high).toBeCloseTo(4 + 3.218758614532882 * Math.sqrt(5 / 3), 9);
  });

  it('is unknown for single values', () => {
    expect(differenceInterval(meanAndDeviation([1]), meanAndDeviation([2, 3]))).toBeNull();
  });
});

describe('summarize', () => {
  it('takes the learning rate that ends best, and the epoch at which a start catches up with the baseline', () => {
    const [random, logah] = summarize(
      [
        run('random', 0.1, 0, 0.1, 0.2, 0.3),
        run('random', 0.2, 0, 0.1, 0.3, 0.4),
        run('logah:a/b.safetensors', 0.1, 0, 0.2, 0.45, 0.5),
        run('logah:a/b.safetensors', 0.2, 0, 0.2, 0.2, 0.2),
      ],
      METRICS.accuracy,
    );
    expect(random).toMatchObject({ learningRate: 0.2, seeds: 1, final: { mean: 0.4 }, contrast: null });
    expect(random.epochsToTarget?.mean).toBe(2);
    expect(logah).toMatchObject({ learningRate: 0.1, start: { mean: 0.2 }, epochsToTarget: { mean: 1 } });
    expect(logah.contrast?.text).toBe(
      'logah ends 10.0 points better than random (one seed each: its noise is unknown).',
    );
  });

  it('says whether a difference is larger than the noise', () => {
    const seeds = (initializer: string, finals: number[]): RunRecord[] =>
      finals.map((final, seed) => run(initializer, 0.1, seed, 0.1, final));
    const text = (finals: number[]): string | undefined =>
      summarize([...seeds('random', [0.4, 0.41, 0.42]), ...seeds('logah:x', finals)], METRICS.accuracy)[1].contrast
        ?.text;
    expect(text([0.5, 0.51, 0.52])).toBe(
      'logah ends 10.0 points better than random (95 % interval +7.7 to +12.3, 3 and 3 seeds: larger than the noise between seeds).',
    );
    expect(text([0.3, 0.41, 0.5])).toContain('not larger than the noise between seeds');
  });

  it('counts lower perplexity as better', () => {
    const withLoss = (initializer: string, losses: number[]): RunRecord => ({
      ...run(initializer, 0.1, 0),
      scores: losses.map((loss, epoch) => score(epoch, 0, loss)),
    });
    const [, logah] = summarize([withLoss('random', [3, 2]), withLoss('logah:x', [2, 1])], METRICS.perplexity);
    expect(logah.final.mean).toBeCloseTo(Math.E, 6);
    expect(logah.contrast?.advantage).toBeCloseTo(Math.exp(2) - Math.E, 6);
    expect(logah.epochsToTarget?.mean).toBe(0);
  });

  it('prefers a rate at which nothing diverged', () => {
    const diverged = { ...run('random', 0.5, 0, 0.1, 0.9), isDiverged: true };
    expect(summarize([diverged, run('random', 0.1, 0, 0.1, 0.2)], METRICS.accuracy)[0].learningRate).toBe(0.1);
    expect(summarize([diverged], METRICS.accuracy)[0]).toMatchObject({ learningRate: 0.5, diverged: 1 });
  });
});

describe('output', () => {
  it('as CSV has a line for every epoch of every run, quoted where needed', () => {
    const lines = runsToCsv([{ ...run('random', 0.1, 7, 0.25, 0.5), architecture: 'vit:layers=3,heads=4' }]).split(
      '\r\n',
    );
    expect(lines).toEqual([
      'architecture,initializer,learning_rate,seed,epoch,train_loss,test_loss,accuracy,top5_accuracy',
      '"vit:layers=3,heads=4",random,0.1,7,0,,1,0.25,0.55',
      '"vit:layers=3,heads=4",random,0.1,7,1,1,1,0.5,0.8',
      '',
    ]);
  });

  it('names starts without their paths, and a spread only where there is one', () => {
    expect(startName('logah:runs/a+b/ghn.safetensors+noise+new-head')).toBe('logah+noise+new-head');
    expect(startName('random')).toBe('random');
    expect(formatSpread(meanAndDeviation([0.5]), METRICS.accuracy)).toBe('50.0 %');
    expect(formatSpread(meanAndDeviation([0.5, 0.52]), METRICS.accuracy)).toBe('51.0 ± 1.4 %');
    expect(formatSpread(meanAndDeviation([1234.5]), METRICS.perplexity)).toBe('1.23e+3');
  });

  it('as a page holds the table, the words, the charts and the configuration', () => {
    const layer = {
      name: 'w',
      shape: [4, 4],
      norm: 1,
      mean: 0,
      std: 0.25,
      matrix: { spectralNorm: 1, effectiveRank: 2, zeroRows: 0, repeatedRows: 0 },
    };
    const finding = { kind: 'collapsed', parameters: ['w'], text: 'collapsed: w' } as const;
    const start = { diversity: 0.001, layers: [layer, layer], findings: [finding], untrainedRows: { w: 3 } };
    const html = comparisonReport({
      command: 'logah eval "<arch>"',
      metric: 'accuracy',
      configuration: { epochs: 1 },
      runs: [
        { ...run('random', 0.1, 0, 0.1, 0.3), start },
        run('random', 0.2, 0, 0.1, 0.2),
        run('logah:x', 0.1, 0, 0.1, 0.4),
      ],
    });
    for (const part of [
      'logah ends 10.0 points better than random',
      '<td>30.0 %</td>',
      'Test accuracy by epoch',
      'at the end by learning rate',
      'Effective rank of each weight',
      'collapsed: w',
      'weights of one shape are nearly copies of each other (diversity 0.0010)',
      'no gradient ever reached 3 rows of w',
      'logah eval &#34;&#60;arch&#62;&#34;',
      '&#34;epochs&#34;: 1',
    ])
      expect(html).toContain(part);
    expect(html).not.toContain('NaN');
  });
});
