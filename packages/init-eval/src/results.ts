// What a comparison is made of: every run as it went, and for each architecture and initialiser the best learning
// rate in a few numbers.
import { counted } from '@logah/files';
import { isPredicted, randomKind, startName } from './start-text.js';
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
  /** Training steps of an epoch; runs kept by earlier versions do not say. */
  readonly stepsPerEpoch?: number;
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

/** When a score was first reached, by the mean over seeds after each epoch. */
export interface Reached {
  readonly epoch: number;
  /** Training steps until then; null for runs kept before their number of steps was. */
  readonly steps: number | null;
}

/** How a start stands against the best baseline of its architecture, both at the rate that ended best for them. */
export interface Contrast {
  readonly baseline: string;
  /** Of final means; positive is better, also where lower numbers are. */
  readonly advantage: number;
  /** The 95 % interval of the advantage; null with a single seed. */
  readonly interval: { readonly low: number; readonly high: number } | null;
  readonly isLargerThanNoise: boolean;
  /** When the start was first as good as the baseline at its end; null when it never was. */
  readonly startReaches: Reached | null;
  /** When the baseline was first as good as the start at its end; null when it never was. */
  readonly baselineReaches: Reached | null;
  /** The difference in plain words. */
  readonly text: string;
}

/** A predicted start that is worth no more than other deviations of a random one. */
export interface Rescaling {
  /** The random start with other deviations that ended best, and plain RandInit. */
  readonly rescaled: string;
  readonly random: string;
  /** What each ends better than plain RandInit. */
  readonly gain: number;
  readonly gainOfRescaled: number;
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
  /** Those of {@link MILESTONES} and of the last epoch. */
  readonly milestones: ReadonlyArray<MeanAndDeviation & { readonly epoch: number }>;
  readonly start: MeanAndDeviation;
  readonly final: MeanAndDeviation;
  readonly top5: MeanAndDeviation;
  readonly diversity: number | null;
  /** Null for the best baseline itself, and where every start is predicted. */
  readonly contrast: Contrast | null;
  /** Null for a start that is not predicted, and for one that is worth more, or was not compared. */
  readonly rescaling: Rescaling | null;
}

/** Epochs whose scores tables show beside those at the end. */
export const MILESTONES = [0, 1, 2, 5] as const;

/**
 * Summaries in the order in which architectures and initialisers come up in the runs. Every start is compared with
 * the best baseline of its architecture: the start that ends best of those that no hypernetwork predicts, each at its
 * own best rate.
 */
export function summarize(runs: readonly RunRecord[], metric: Metric): Summary[] {
  return groups(runs, ({ architecture }) => architecture).flatMap((ofArchitecture) => {
    const starts = groups(ofArchitecture, ({ initializer }) => initializer).map((candidates) =>
      summaryOf(bestRate(candidates, metric), metric),
    );
    const baseline = best(
      starts.filter(({ summary }) => !isPredicted(summary.initializer)),
      metric,
    );
    return starts.map((start) => ({
      ...start.summary,
      contrast: baseline === undefined || start === baseline ? null : contrastOf(start, baseline, metric),
      rescaling: rescalingOf(start, starts, metric),
    }));
  });
}

/** What the numbers of a start say, as sentences; none for the best baseline itself. */
export function statements({ initializer, contrast, rescaling }: Summary): string[] {
  if (contrast === null) return [];
  const [start, baseline] = [initializer, contrast.baseline].map((text, _, all) => startName(text, all));
  const reaching = (who: string, whom: string, when: Reached | null): string =>
    when === null
      ? `${who} did not reach what ${whom} ends with`
      : `${who} reached what ${whom} ends with ${formatReached(when)}`;
  const ownSpeed = reaching(start, baseline, contrast.startReaches);
  const otherSpeed = reaching(baseline, start, contrast.baselineReaches);
  return [contrast.text, `${ownSpeed}; ${otherSpeed}.`, ...(rescaling === null ? [] : [rescaling.text])];
}

/** The runs of the learning rate whose final mean is best; one where a run diverged is the last choice. */
function bestRate(runs: readonly RunRecord[], metric: Metric): readonly RunRecord[] {
  const merit = (ofRate: readonly RunRecord[]): number =>
    ofRate.some(({ isDiverged }) => isDiverged)
      ? Number.NEGATIVE_INFINITY
      : signOf(metric) * finalOf(ofRate, metric).mean;
  return groups(runs, ({ learningRate }) => String(learningRate)).reduce((best, ofRate) =>
    merit(ofRate) > merit(best) ? ofRate : best,
  );
}

const last = ({ scores }: RunRecord): EpochScore => scores[scores.length - 1];
const finalOf = (runs: readonly RunRecord[], metric: Metric): MeanAndDeviation =>
  meanAndDeviation(runs.map((run) => metric.of(last(run))));

/** A summary without its comparisons, and how many steps its runs made in an epoch. */
interface Start {
  readonly summary: Omit<Summary, 'contrast' | 'rescaling'>;
  readonly stepsPerEpoch: number | null;
}

function summaryOf(runs: readonly RunRecord[], metric: Metric): Start {
  const [{ architecture, initializer, parameters, learningRate, stepsPerEpoch = null }] = runs;
  const numbers = [...new Set(runs.flatMap(({ scores }) => scores.map(({ epoch }) => epoch)))].sort((a, b) => a - b);
  const epochs = numbers.map((epoch) => ({
    epoch,
    ...meanAndDeviation(
      runs.flatMap(({ scores }) => scores.filter((score) => score.epoch === epoch)).map((score) => metric.of(score)),
    ),
  }));
  const shown: readonly number[] = [...MILESTONES, numbers[numbers.length - 1]];
  const summary = {
    architecture,
    initializer,
    parameters,
    learningRate,
    seeds: runs.length,
    diverged: runs.filter(({ isDiverged }) => isDiverged).length,
    epochs,
    milestones: epochs.filter(({ epoch }) => shown.includes(epoch)),
    start: meanAndDeviation(runs.map(({ scores }) => metric.of(scores[0]))),
    final: finalOf(runs, metric),
    top5: meanAndDeviation(runs.map((run) => last(run).top5Accuracy)),
    diversity: runs.find(({ start }) => start)?.start?.diversity ?? null,
  };
  return { summary, stepsPerEpoch };
}

/** The start that ends best; one of which a run diverged is the last choice. Undefined for none. */
function best(starts: readonly Start[], metric: Metric): Start | undefined {
  const merit = ({ summary: { diverged, final } }: Start): number =>
    diverged > 0 ? Number.NEGATIVE_INFINITY : signOf(metric) * final.mean;
  return starts.reduce<Start | undefined>(
    (leader, start) => (leader === undefined || merit(start) > merit(leader) ? start : leader),
    undefined,
  );
}

const signOf = ({ isHigherBetter }: Metric): 1 | -1 => (isHigherBetter ? 1 : -1);

/** How much better a start ends than another, positive also where lower numbers are better, and its 95 % interval. */
function advantageOf(
  { summary: { final } }: Start,
  { summary: { final: other } }: Start,
  metric: Metric,
): Pick<Contrast, 'advantage' | 'interval'> {
  const sign = signOf(metric);
  const interval = differenceInterval(final, other);
  const ends = interval === null ? null : [sign * interval.low, sign * interval.high].sort((a, b) => a - b);
  return {
    advantage: sign * (final.mean - other.mean),
    interval: ends === null ? null : { low: ends[0], high: ends[1] },
  };
}

/** When a start was first as good as another at its end. */
function reached({ summary: { epochs }, stepsPerEpoch }: Start, other: Start, metric: Metric): Reached | null {
  const sign = signOf(metric);
  const first = epochs.find(({ mean }) => sign * mean >= sign * other.summary.final.mean);
  if (first === undefined) return null;
  return { epoch: first.epoch, steps: stepsPerEpoch === null ? null : first.epoch * stepsPerEpoch };
}

function contrastOf(start: Start, baseline: Start, metric: Metric): Contrast {
  const { advantage, interval } = advantageOf(start, baseline, metric);
  const isLargerThanNoise = interval !== null && (interval.low > 0 || interval.high < 0);
  const [own, other] = [start.summary, baseline.summary];
  const name = (text: string): string => startName(text, [own.initializer, other.initializer]);
  const words = advantage >= 0 ? 'better' : 'worse';
  const size = formatDifference(Math.abs(advantage), metric);
  const spread =
    interval === null
      ? 'one seed each: its noise is unknown'
      : `95 % interval ${formatSigned(interval.low, metric)} to ${formatSigned(interval.high, metric)}, ` +
        `${own.seeds} and ${counted(other.seeds, 'seed')}: ` +
        `${isLargerThanNoise ? 'larger than the noise between seeds' : 'not larger than the noise between seeds'}`;
  return {
    baseline: other.initializer,
    advantage,
    interval,
    isLargerThanNoise,
    startReaches: reached(start, baseline, metric),
    baselineReaches: reached(baseline, start, metric),
    text: `${name(own.initializer)} ends ${size} ${words} than ${name(other.initializer)} (${spread}).`,
  };
}

/**
 * Whether what a predicted start gains over plain RandInit is no more, beyond the noise, than what the best random
 * start of other deviations gains.
 */
function rescalingOf(start: Start, starts: readonly Start[], metric: Metric): Rescaling | null {
  const ofKind = (kind: 'plain' | 'rescaled'): readonly Start[] =>
    starts.filter(({ summary }) => randomKind(summary.initializer) === kind);
  const [random] = ofKind('plain');
  const rescaled = best(ofKind('rescaled'), metric);
  if (!isPredicted(start.summary.initializer) || random === undefined || rescaled === undefined) return null;
  const { advantage: gain } = advantageOf(start, random, metric);
  const { advantage: gainOfRescaled } = advantageOf(rescaled, random, metric);
  const { advantage, interval } = advantageOf(start, rescaled, metric);
  const isMore = advantage > 0 && (interval === null || interval.low > 0);
  if (gain <= 0 || isMore) return null;
  const texts = [start, rescaled, random].map(({ summary }) => summary.initializer);
  const names = texts.map((text) => startName(text, texts));
  return {
    rescaled: rescaled.summary.initializer,
    random: random.summary.initializer,
    gain,
    gainOfRescaled,
    text:
      `${names[0]} gains ${formatDifference(gain, metric)} over ${names[2]}, which is no more than what a rescaled ` +
      `random start also gives: ${names[1]} gains ${formatDifference(gainOfRescaled, metric)}` +
      `${advantage > 0 ? ' (the rest is not larger than the noise between seeds)' : ''}.`,
  };
}

/** When something was reached, for people: "after 120 steps (epoch 3)". */
export function formatReached({ epoch, steps }: Reached): string {
  if (epoch === 0) return 'before any training';
  return steps === null ? `after epoch ${epoch}` : `after ${counted(steps, 'step')} (epoch ${epoch})`;
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
