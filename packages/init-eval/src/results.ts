// What a comparison is made of: every run as it went, and for each architecture and initialiser the best learning
// rate in a few numbers.
import { startName } from './start-text.js';
import type { Finding, LayerStatistics } from './statistics.js';
import type { EpochScore } from './training.js';
import { differenceInterval, type MeanAndDeviation, meanAndDeviation } from './welch.js';

/** What tells one run of a comparison from the others. */
export interface RunKey {
  readonly architecture: string;
  readonly initializer: string;
  readonly learningRate: number;
  readonly seed: number;
}

/** What the parameters were like at the start, and how many rows of them training never reached. */
export interface StartReport {
  readonly diversity: number | null;
  readonly layers: readonly LayerStatistics[];
  readonly findings: readonly Finding[];
  readonly untrainedRows: Readonly<Record<string, number>>;
}

/** One run: from the start to the last epoch. */
export interface RunRecord extends RunKey {
  readonly parameters: number;
  /** From epoch 0 on. */
  readonly scores: readonly EpochScore[];
  readonly isDiverged: boolean;
  readonly seconds: number;
  /** Of the first seed of each start. */
  readonly start?: StartReport;
}

export type MetricName = 'accuracy' | 'perplexity';

/** How networks are judged: images by the share of right answers, text by `exp` of the mean loss. */
export interface Metric {
  readonly name: MetricName;
  readonly isHigherBetter: boolean;
  of(score: EpochScore): number;
}

export const METRICS: Readonly<Record<MetricName, Metric>> = {
  accuracy: { name: 'accuracy', isHigherBetter: true, of: ({ accuracy }) => accuracy },
  perplexity: { name: 'perplexity', isHigherBetter: false, of: ({ loss }) => Math.exp(loss) },
};

/** How an initialiser stands against the first one of the comparison. */
export interface Contrast {
  readonly baseline: string;
  /** Of final means; positive is better, also where lower numbers are. */
  readonly advantage: number;
  /** The 95 % interval of the advantage; null with a single seed. */
  readonly interval: { readonly low: number; readonly high: number } | null;
  readonly isLargerThanNoise: boolean;
  /** The same in plain words. */
  readonly text: string;
}

/** An architecture from one initialiser, at the learning rate that ended best. */
export interface Summary {
  readonly architecture: string;
  readonly initializer: string;
  readonly parameters: number;
  readonly learningRate: number;
  readonly seeds: number;
  /** Runs at this learning rate whose loss was no longer a number. */
  readonly diverged: number;
  /** The metric by epoch, over the seeds that got there. */
  readonly epochs: ReadonlyArray<MeanAndDeviation & { readonly epoch: number }>;
  readonly start: MeanAndDeviation;
  readonly final: MeanAndDeviation;
  readonly top5: MeanAndDeviation;
  /**
   * Epochs until the metric is as good as the baseline's at its end, of the seeds that got there; null when none did.
   */
  readonly epochsToTarget: MeanAndDeviation | null;
  readonly diversity: number | null;
  readonly contrast: Contrast | null;
}

/**
 * Summaries in the order in which architectures and initialisers come up in the runs; the first initialiser of an
 * architecture is its baseline.
 */
export function summarize(runs: readonly RunRecord[], metric: Metric): Summary[] {
  return groups(runs, ({ architecture }) => architecture).flatMap((ofArchitecture) => {
    const best = groups(ofArchitecture, ({ initializer }) => initializer).map((candidates) =>
      bestRate(candidates, metric),
    );
    const baseline = summaryOf(best[0], metric, null);
    return best.map((ofInitializer, i) =>
      i === 0 ? withTarget(baseline, best[0], metric, baseline) : summaryOf(ofInitializer, metric, baseline),
    );
  });
}

/** The runs of the learning rate whose final mean is best; one where a run diverged is the last choice. */
function bestRate(runs: readonly RunRecord[], metric: Metric): readonly RunRecord[] {
  const sign = metric.isHigherBetter ? 1 : -1;
  const merit = (ofRate: readonly RunRecord[]): number =>
    ofRate.some(({ isDiverged }) => isDiverged) ? Number.NEGATIVE_INFINITY : sign * finalOf(ofRate, metric).mean;
  return groups(runs, ({ learningRate }) => String(learningRate)).reduce((best, ofRate) =>
    merit(ofRate) > merit(best) ? ofRate : best,
  );
}

const last = ({ scores }: RunRecord): EpochScore => scores[scores.length - 1];
const finalOf = (runs: readonly RunRecord[], metric: Metric): MeanAndDeviation =>
  meanAndDeviation(runs.map((run) => metric.of(last(run))));

function summaryOf(runs: readonly RunRecord[], metric: Metric, baseline: Summary | null): Summary {
  const [{ architecture, initializer, parameters, learningRate }] = runs;
  const epochs = [...new Set(runs.flatMap(({ scores }) => scores.map(({ epoch }) => epoch)))].sort((a, b) => a - b);
  const final = finalOf(runs, metric);
  const summary: Summary = {
    architecture,
    initializer,
    parameters,
    learningRate,
    seeds: runs.length,
    diverged: runs.filter(({ isDiverged }) => isDiverged).length,
    epochs: epochs.map((epoch) => ({
      epoch,
      ...meanAndDeviation(
        runs.flatMap(({ scores }) => scores.filter((score) => score.epoch === epoch)).map((score) => metric.of(score)),
      ),
    })),
    start: meanAndDeviation(runs.map(({ scores }) => metric.of(scores[0]))),
    final,
    top5: meanAndDeviation(runs.map((run) => last(run).top5Accuracy)),
    epochsToTarget: null,
    diversity: runs.find(({ start }) => start)?.start?.diversity ?? null,
    contrast: null,
  };
  if (baseline === null) return summary;
  return { ...withTarget(summary, runs, metric, baseline), contrast: contrastOf(summary, baseline, metric) };
}

function withTarget(summary: Summary, runs: readonly RunRecord[], metric: Metric, baseline: Summary): Summary {
  const isReached = (value: number): boolean =>
    metric.isHigherBetter ? value >= baseline.final.mean : value <= baseline.final.mean;
  const reached = runs.flatMap(({ scores }) => {
    const first = scores.find((score) => isReached(metric.of(score)));
    return first === undefined ? [] : [first.epoch];
  });
  return { ...summary, epochsToTarget: reached.length === 0 ? null : meanAndDeviation(reached) };
}

function contrastOf(summary: Summary, baseline: Summary, metric: Metric): Contrast {
  const sign = metric.isHigherBetter ? 1 : -1;
  const interval = differenceInterval(summary.final, baseline.final);
  const [low, high] = interval === null ? [0, 0] : [sign * interval.low, sign * interval.high].sort((a, b) => a - b);
  const advantage = sign * (summary.final.mean - baseline.final.mean);
  const isLargerThanNoise = interval !== null && (low > 0 || high < 0);
  const words = advantage >= 0 ? 'better' : 'worse';
  const difference = `${startName(summary.initializer)} ends ${formatDifference(Math.abs(advantage), metric)} ${words} than ${startName(baseline.initializer)}`;
  const spread =
    interval === null
      ? 'one seed each: its noise is unknown'
      : `95 % interval ${formatSigned(low, metric)} to ${formatSigned(high, metric)}, ${summary.seeds} and ${baseline.seeds} seeds: ${
          isLargerThanNoise ? 'larger than the noise between seeds' : 'not larger than the noise between seeds'
        }`;
  return {
    baseline: baseline.initializer,
    advantage,
    interval: interval === null ? null : { low, high },
    isLargerThanNoise,
    text: `${difference} (${spread}).`,
  };
}

/** A value of a metric for people: 0.4123 as "41.2 %", a perplexity as "23.64". */
export const formatMetric = (value: number, { name }: Metric): string =>
  name === 'accuracy' ? `${(100 * value).toFixed(1)} %` : value < 1000 ? value.toFixed(2) : value.toPrecision(3);

/** Mean and deviation for people; a single value has no deviation. */
export function formatSpread({ count, mean, std }: MeanAndDeviation, metric: Metric): string {
  if (count < 2) return formatMetric(mean, metric);
  return metric.name === 'accuracy'
    ? `${(100 * mean).toFixed(1)} ± ${(100 * std).toFixed(1)} %`
    : `${formatMetric(mean, metric)} ± ${formatMetric(std, metric)}`;
}

const formatDifference = (value: number, { name }: Metric): string =>
  name === 'accuracy' ? `${(100 * value).toFixed(1)} points` : value.toFixed(2);
const formatSigned = (value: number, { name }: Metric): string =>
  `${value < 0 ? '−' : '+'}${name === 'accuracy' ? (100 * Math.abs(value)).toFixed(1) : Math.abs(value).toFixed(2)}`;

function groups<T>(items: readonly T[], keyOf: (item: T) => string): T[][] {
  const byKey = new Map<string, T[]>();
  for (const item of items) byKey.set(keyOf(item), [...(byKey.get(keyOf(item)) ?? []), item]);
  return [...byKey.values()];
}
