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
  type Summary,
  startName,
  statements,
  summariesToCsv,
  summarize,
  summaryTable,
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
  stepsPerEpoch: 30,
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
    // Variances 1 and 4 of three values each: se² = 5/3, ν = (5/3)² / ((1/3)²/2 + (4/3)²/2) = 50/17; scipy 1.17's
    // t.ppf gives 3.218758614532882.
    const interval = differenceInterval(meanAndDeviation([9, 10, 11]), meanAndDeviation([4, 6, 8]));
    expect(interval?.low).toBeCloseTo(4 - 3.218758614532882 * Math.sqrt(5 / 3), 9);
    expect(interval?.high).toBeCloseTo(4 + 3.218758614532882 * Math.sqrt(5 / 3), 9);
  });

  it('is unknown for single values', () => {
    expect(differenceInterval(meanAndDeviation([1]), meanAndDeviation([2, 3]))).toBeNull();
  });
});

describe('summarize', () => {
  const seeds = (initializer: string, finals: number[], start = 0.1): RunRecord[] =>
    finals.map((final, seed) => run(initializer, 0.1, seed, start, final));
  const of = (runs: RunRecord[], initializer: string): Summary => {
    const found = summarize(runs, METRICS.accuracy).find((summary) => summary.initializer === initializer);
    if (found === undefined) throw new Error(`no summary of ${initializer}`);
    return found;
  };

  it('takes the learning rate that ends best, and the steps until one start reaches what the other ends with', () => {
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
    expect(logah).toMatchObject({
      learningRate: 0.1,
      start: { mean: 0.2 },
      contrast: { baseline: 'random', startReaches: { epoch: 1, steps: 30 }, baselineReaches: null },
    });
    expect(statements(logah)).toEqual([
      'logah ends 10.0 points better than random (one seed each: its noise is unknown).',
      'logah reached what random ends with after 30 steps (epoch 1); random did not reach what logah ends with.',
    ]);
    expect(statements(random)).toEqual([]);
  });

  it('compares with the baseline that ends best, wherever it stands, and never with a predicted start', () => {
    const runs = [
      ...seeds('logah:x', [0.6]),
      ...seeds('random', [0.4]),
      ...seeds('mimetic+noise', [0.5]),
      ...seeds('orthogonal', [0.45]),
      ...seeds('ghn3:y', [0.7]),
    ];
    const summaries = summarize(runs, METRICS.accuracy);
    expect(summaries.map(({ contrast }) => contrast?.baseline ?? null)).toEqual([
      'mimetic+noise',
      'mimetic+noise',
      null,
      'mimetic+noise',
      'mimetic+noise',
    ]);
    expect(summarize(seeds('logah:x', [0.6]), METRICS.accuracy)[0].contrast).toBeNull();
  });

  it('takes no baseline that diverged while there is another', () => {
    const diverged = { ...run('orthogonal', 0.1, 0, 0.1, 0.9), isDiverged: true };
    const runs = [diverged, ...seeds('random', [0.4]), ...seeds('logah:x', [0.5])];
    expect(of(runs, 'logah:x').contrast?.baseline).toBe('random');
  });

  it('finds the best baseline of each architecture by itself', () => {
    const other = [...seeds('random', [0.9]), ...seeds('mimetic', [0.8]), ...seeds('logah:x', [0.7])];
    const runs = [
      ...[...seeds('random', [0.2]), ...seeds('mimetic', [0.3]), ...seeds('logah:x', [0.7])],
      ...other.map((one) => ({ ...one, architecture: 'another' })),
    ];
    const baselines = summarize(runs, METRICS.accuracy).map(({ contrast }) => contrast?.baseline);
    expect(baselines).toEqual(['mimetic', undefined, 'mimetic', undefined, 'random', 'random']);
  });

  it('says whether a difference is larger than the noise', () => {
    const text = (finals: number[]): string | undefined =>
      summarize([...seeds('random', [0.4, 0.41, 0.42]), ...seeds('logah:x', finals)], METRICS.accuracy)[1].contrast
        ?.text;
    expect(text([0.5, 0.51, 0.52])).toBe(
      'logah ends 10.0 points better than random ' +
        '(95 % interval +7.7 to +12.3, 3 and 3 seeds: larger than the noise between seeds).',
    );
    expect(text([0.3, 0.41, 0.5])).toContain('not larger than the noise between seeds');
  });

  it('says when a predicted start gains no more than a rescaled random one', () => {
    const rescaled = 'random:position=1.5';
    const worse = [...seeds('random', [0.35]), ...seeds(rescaled, [0.42]), ...seeds('random:head=9', [0.1])];
    expect(of([...worse, ...seeds('logah:x', [0.39])], 'logah:x').rescaling).toMatchObject({
      rescaled,
      text:
        'logah gains 4.0 points over random, which is no more than what a rescaled random start also gives: ' +
        'random:position=1.5 gains 7.0 points.',
    });
    // More than that, or less than random itself: there is nothing to say.
    for (const final of [0.45, 0.3])
      expect(of([...worse, ...seeds('logah:x', [final])], 'logah:x').rescaling).toBeNull();
    // A baseline's gain is what it is; without a rescaled start nobody knows.
    expect(of([...worse, ...seeds('mimetic', [0.39])], 'mimetic').rescaling).toBeNull();
    expect(of([...seeds('random', [0.35]), ...seeds('logah:x', [0.39])], 'logah:x').rescaling).toBeNull();
  });

  it('a gain over the rescaled start counts only beyond the noise of seeds', () => {
    const runs = [...seeds('random', [0.34, 0.35, 0.36]), ...seeds('random:position=1.5', [0.4, 0.42, 0.44])];
    const { rescaling } = of([...runs, ...seeds('logah:x', [0.4, 0.43, 0.46])], 'logah:x');
    expect(rescaling?.text).toContain('(the rest is not larger than the noise between seeds)');
    expect(of([...runs, ...seeds('logah:x', [0.5, 0.52, 0.54])], 'logah:x').rescaling).toBeNull();
  });

  it('shows the metric at epochs 0, 1, 2, 5 and the last, where they exist', () => {
    const long = run('random', 0.1, 0, ...Array.from({ length: 8 }, (_, epoch) => epoch / 10));
    const short = run('orthogonal', 0.1, 0, 0, 0.1);
    const summaries = summarize([long, short], METRICS.accuracy);
    expect(summaries.map(({ milestones }) => milestones.map(({ epoch }) => epoch))).toEqual([
      [0, 1, 2, 5, 7],
      [0, 1],
    ]);
    const { header, rows } = summaryTable(summaries, METRICS.accuracy);
    expect(header.slice(4, 9)).toEqual(['accuracy at epoch 0', 'epoch 1', 'epoch 2', 'epoch 5', 'at the end']);
    expect(rows[0].slice(4, 9)).toEqual(['0.0 %', '10.0 %', '20.0 %', '50.0 %', '70.0 %']);
    expect(rows[1].slice(4, 9)).toEqual(['0.0 %', '10.0 %', '–', '–', '10.0 %']);
    expect(rows.map((row) => row.slice(10, 12))).toEqual([
      ['–', '–'],
      ['not reached', '30'],
    ]);
  });

  it('names epochs where a run does not say how many steps they have', () => {
    const { stepsPerEpoch: _, ...old } = run('logah:x', 0.1, 0, 0.1, 0.3, 0.5);
    const { contrast } = of([old, ...seeds('random', [0.2])], 'logah:x');
    expect(contrast?.startReaches).toEqual({ epoch: 1, steps: null });
    expect(
      summaryTable(summarize([old, ...seeds('random', [0.2])], METRICS.accuracy), METRICS.accuracy).rows[0],
    ).toContain('epoch 1');
  });

  it('counts lower perplexity as better', () => {
    const withLoss = (initializer: string, losses: number[]): RunRecord => ({
      ...run(initializer, 0.1, 0),
      scores: losses.map((loss, epoch) => score(epoch, 0, loss)),
    });
    const runs = [withLoss('orthogonal', [4, 3]), withLoss('random', [3, 2]), withLoss('logah:x', [2, 1])];
    const [orthogonal, , logah] = summarize(runs, METRICS.perplexity);
    expect(logah.final.mean).toBeCloseTo(Math.E, 6);
    expect(logah.contrast?.advantage).toBeCloseTo(Math.exp(2) - Math.E, 6);
    expect(logah.contrast).toMatchObject({ baseline: 'random', startReaches: { epoch: 0 }, baselineReaches: null });
    expect(orthogonal.contrast).toMatchObject({ startReaches: null, baselineReaches: { epoch: 0 } });
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

  it('as CSV has a line for every milestone of every start, with what it is compared with', () => {
    const runs = [run('random', 0.1, 0, 0.25, 0.5), run('logah:x', 0.1, 0, 0.5, 0.75)];
    expect(summariesToCsv(summarize(runs, METRICS.accuracy)).split('\r\n')).toEqual([
      'architecture,initializer,learning_rate,seeds,diverged,epoch,mean,deviation,' +
        'baseline,advantage,interval_low,interval_high,steps_to_baseline,steps_of_baseline,diversity',
      'vit:layers=3,random,0.1,1,0,0,0.25,0,,,,,,,',
      'vit:layers=3,random,0.1,1,0,1,0.5,0,,,,,,,',
      'vit:layers=3,logah:x,0.1,1,0,0,0.5,0,random,0.25,,,0,,',
      'vit:layers=3,logah:x,0.1,1,0,1,0.75,0,random,0.25,,,0,,',
      '',
    ]);
  });

  it('names starts without their paths, and a spread only where there is one', () => {
    expect(startName('logah:runs/a+b/ghn.safetensors+noise+new-head')).toBe('logah+noise+new-head');
    expect(startName('random:position=1.5+noise=0.001')).toBe('random:position=1.5+noise=0.001');
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
      'logah reached what random ends with after 30 steps (epoch 1)',
      '<td>30</td>',
      '<td>not reached</td>',
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

describe('CSV', () => {
  it('has no cell that a spreadsheet would compute, and numbers as they are', () => {
    const run = {
      ...{
        architecture: '=cmd|calc!A1',
        initializer: '@SUM(1)',
        learningRate: 0.1,
        seed: 0,
        parameters: 1,
        seconds: 1,
      },
      isDiverged: false,
      scores: [{ epoch: 0, trainLoss: null, loss: -1.5, accuracy: 0.5, top5Accuracy: 1 }],
    };
    const [, line] = runsToCsv([run, { ...run, architecture: '-2+3' }]).split('\r\n');
    expect(line).toBe("'=cmd|calc!A1,'@SUM(1),0.1,0,0,,-1.5,0.5,1");
  });
});
