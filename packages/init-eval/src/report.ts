// A comparison as one page that needs nothing else: what was found in words, the table, curves, bars, what each start
// was like, and how it was made.
import { type BarFormat, barChart, escapeHtml, forAllScreens, htmlPage, htmlTable, lineChart } from '@logah/charts';
import { counted } from '@logah/files';
import {
  formatMetric,
  formatSpread,
  METRICS,
  type Metric,
  type MetricName,
  MILESTONES,
  type Reached,
  type RunRecord,
  type Summary,
  statements,
  summarize,
} from './results.js';
import { startName } from './start-text.js';
import type { LayerStatistics } from './statistics.js';
import { meanAndDeviation } from './welch.js';

/** All that a report is made of; also what is written as JSON. */
export interface ComparisonReport {
  readonly command: string;
  readonly metric: MetricName;
  /** Everything that was set, for the record. */
  readonly configuration: object;
  readonly runs: readonly RunRecord[];
}

/** Told apart by people who do not see all colours, on white and on black (Okabe and Ito). */
const COLORS = ['#999999', '#56b4e9', '#e69f00', '#009e73', '#cc79a7', '#d55e00', '#0072b2', '#b8a800'];

/**
 * The table of a comparison: a row for each start, with the metric at those of the milestones that any of them
 * reached before its end, and the steps until it was as good as the best baseline at its end and the other way round.
 */
export function summaryTable(
  summaries: readonly Summary[],
  metric: Metric,
): { readonly header: string[]; readonly rows: string[][] } {
  const epochs = MILESTONES.filter((epoch) => summaries.some((summary) => isBeforeEnd(summary, epoch)));
  const at = ({ milestones }: Summary, epoch: number): string => {
    const milestone = milestones.find((one) => one.epoch === epoch);
    return milestone === undefined ? '–' : formatSpread(milestone, metric);
  };
  const isAccuracy = metric.name === 'accuracy';
  const starts = summaries.map(({ initializer }) => initializer);
  return {
    header: [
      'network',
      'start from',
      'best rate',
      'seeds',
      ...epochs.map((epoch, i) => (i === 0 ? `${metric.name} at epoch ${epoch}` : `epoch ${epoch}`)),
      'at the end',
      ...(isAccuracy ? ['top 5'] : []),
      'steps to best baseline',
      'steps of best baseline',
      'diversity',
    ],
    rows: summaries.map((summary) => [
      summary.architecture,
      startName(summary.initializer, starts),
      String(summary.learningRate),
      summary.diverged === 0 ? String(summary.seeds) : `${summary.seeds} (${summary.diverged} diverged)`,
      ...epochs.map((epoch) => at(summary, epoch)),
      formatSpread(summary.final, metric),
      ...(isAccuracy ? [formatSpread(summary.top5, metric)] : []),
      ...(summary.contrast === null
        ? ['–', '–']
        : [summary.contrast.startReaches, summary.contrast.baselineReaches].map(stepsCell)),
      summary.diversity === null ? '–' : summary.diversity.toFixed(3),
    ]),
  };
}

const isBeforeEnd = ({ epochs }: Summary, epoch: number): boolean => epoch < epochs[epochs.length - 1].epoch;

const stepsCell = (reached: Reached | null): string =>
  reached === null ? 'not reached' : reached.steps === null ? `epoch ${reached.epoch}` : String(reached.steps);

/** The report as HTML. */
export function comparisonReport(report: ComparisonReport): string {
  const metric = METRICS[report.metric];
  const summaries = summarize(report.runs, metric);
  const architectures = [...new Set(summaries.map(({ architecture }) => architecture))];
  const initializers = [...new Set(summaries.map(({ initializer }) => initializer))];
  const colorOf = (initializer: string): string => COLORS[initializers.indexOf(initializer) % COLORS.length];
  return htmlPage('Initialisations compared', [
    `<p>${metric.name === 'accuracy' ? 'Accuracy on the test samples' : 'Perplexity on the test text'}:
mean ± standard deviation over seeds, at the learning rate that ended best on the same test samples, as the paper does.
The <em>best baseline</em> is the start that ended best of those that no hypernetwork predicts.
<em>Steps to best baseline</em>: when a start was first as good as the best baseline at its end, after whole epochs.
<em>Steps of best baseline</em>: when that was first as good as the start at its end.
<em>Diversity</em>: mean of 1 − |cos| over pairs of weights of one shape, before training.</p>`,
    ...architectures.flatMap((architecture) => {
      const own = summaries.filter((summary) => summary.architecture === architecture);
      const runs = report.runs.filter((run) => run.architecture === architecture);
      return [
        `<h2>${escapeHtml(architecture).replaceAll(',', ',<wbr>')}</h2>`,
        statementList(own),
        ownTable(own, metric),
        curves(own, metric, colorOf),
        ratesChart(runs, metric, colorOf),
        ...startCharts(
          runs.filter(({ start }) => start !== undefined),
          colorOf,
        ),
      ];
    }),
    bars(architectures, initializers, summaries, metric, colorOf),
    startFindings(report.runs),
    `<h2>How it was made</h2>
<p><code>${escapeHtml(report.command)}</code></p>
<details open><summary>Configuration</summary>
<pre>${escapeHtml(JSON.stringify(report.configuration, null, 2))}</pre></details>`,
  ]);
}

/** The table of one network, which needs no column for its name. */
function ownTable(summaries: readonly Summary[], metric: Metric): string {
  const { header, rows } = summaryTable(summaries, metric);
  return htmlTable(
    header.slice(1),
    rows.map((row) => row.slice(1)),
    1,
  );
}

function statementList(summaries: readonly Summary[]): string {
  const found = summaries.flatMap(statements).map((text) => `<li>${escapeHtml(text)}</li>`);
  return found.length === 0 ? '' : `<ul>${found.join('\n')}</ul>`;
}

const onScale = (value: number, metric: Metric): number => (metric.name === 'accuracy' ? 100 * value : value);
const axisName = (metric: Metric): string => (metric.name === 'accuracy' ? 'accuracy, per cent' : 'perplexity');

function curves(summaries: readonly Summary[], metric: Metric, colorOf: (initializer: string) => string): string {
  const starts = summaries.map((summary) => summary.initializer);
  const series = summaries.map(({ initializer, epochs }) => {
    const usable = epochs.filter(({ mean }) => Number.isFinite(mean));
    return {
      name: startName(initializer, starts),
      color: colorOf(initializer),
      points: usable.map(({ epoch, mean }) => [epoch, onScale(mean, metric)] as const),
      ...(usable.some(({ count }) => count > 1) ? { deviations: usable.map(({ std }) => onScale(std, metric)) } : {}),
    };
  });
  const axes = { title: `Test ${metric.name} by epoch`, x: 'epoch', y: axisName(metric) };
  return forAllScreens((width) => lineChart(axes, series, { width, isLogarithmic: metric.name === 'perplexity' }));
}

/** The end of all runs by learning rate; nothing where there was one rate. */
function ratesChart(runs: readonly RunRecord[], metric: Metric, colorOf: (initializer: string) => string): string {
  const rates = [...new Set(runs.map(({ learningRate }) => learningRate))].sort((a, b) => a - b);
  if (rates.length < 2) return '';
  const initializers = [...new Set(runs.map(({ initializer }) => initializer))];
  const axes = { title: `Test ${metric.name} at the end by learning rate`, x: 'learning rate', y: axisName(metric) };
  const series = initializers.map((initializer) => {
    const points = rates.flatMap((rate) => {
      const ofRate = runs.filter((run) => run.initializer === initializer && run.learningRate === rate);
      const finals = ofRate.map(({ scores }) => metric.of(scores[scores.length - 1])).filter(Number.isFinite);
      return finals.length === 0 ? [] : [{ rate, ...meanAndDeviation(finals) }];
    });
    return {
      name: startName(initializer, initializers),
      color: colorOf(initializer),
      points: points.map(({ rate, mean }) => [rate, onScale(mean, metric)] as const),
      ...(points.some(({ count }) => count > 1) ? { deviations: points.map(({ std }) => onScale(std, metric)) } : {}),
    };
  });
  return forAllScreens((width) => lineChart(axes, series, { width }));
}

/** Layer by layer, what the weights were like before training. */
function startCharts(runs: readonly RunRecord[], colorOf: (initializer: string) => string): string[] {
  const reported = [...new Map(runs.map((run) => [run.initializer, run])).values()];
  const matrices = (run: RunRecord): LayerStatistics[] =>
    (run.start?.layers ?? []).filter(({ matrix }) => matrix !== undefined);
  if (reported.length === 0) return [];
  const chart = (title: string, y: string, pick: (layer: LayerStatistics) => number): string =>
    forAllScreens((width) =>
      lineChart(
        { title, x: 'matrix or kernel, from the input on', y },
        reported.map((run) => ({
          name: startName(
            run.initializer,
            reported.map(({ initializer }) => initializer),
          ),
          color: colorOf(run.initializer),
          points: matrices(run).map((layer, i) => [i + 1, pick(layer)] as const),
        })),
        { isLogarithmic: true, width },
      ),
    );
  return [
    chart('Deviation of each weight before training', 'standard deviation', ({ std }) => std),
    chart(
      'Largest singular value of each weight before training',
      'spectral norm',
      ({ matrix }) => matrix?.spectralNorm ?? 0,
    ),
    chart(
      'Effective rank of each weight before training',
      '(Σ σ²)² / Σ σ⁴',
      ({ matrix }) => matrix?.effectiveRank ?? 0,
    ),
  ];
}

function bars(
  architectures: readonly string[],
  initializers: readonly string[],
  summaries: readonly Summary[],
  metric: Metric,
  colorOf: (initializer: string) => string,
): string {
  const format: BarFormat = {
    axis: (value) => formatMetric(value, metric),
    label: (value) => formatMetric(value, metric),
  };
  const of = (architecture: string, initializer: string): Summary['final'] =>
    summaries.find((summary) => summary.architecture === architecture && summary.initializer === initializer)
      ?.final ?? {
      count: 0,
      mean: 0,
      std: 0,
    };
  const series = initializers.map((initializer) => ({
    name: startName(initializer, initializers),
    color: colorOf(initializer),
    values: architectures.map((architecture) => of(architecture, initializer).mean),
    deviations: architectures.map((architecture) => of(architecture, initializer).std),
  }));
  const axes = { title: `Test ${metric.name} after the last epoch`, x: '', y: '' };
  const chart = forAllScreens((width) => barChart(axes, architectures, series, { format, width }));
  return `<h2>At the end</h2>\n${chart}`;
}

/** Below this diversity all weights of one shape are nearly the same. */
const ALIKE = 0.05;

const alikeness = (diversity: number | null): string[] =>
  diversity !== null && diversity < ALIKE
    ? [`collapsed: weights of one shape are nearly copies of each other (diversity ${diversity.toFixed(4)})`]
    : [];

function startFindings(runs: readonly RunRecord[]): string {
  const seen = new Set<string>();
  const rows = runs.flatMap(({ architecture, initializer, start }) => {
    if (start === undefined || seen.has(`${architecture} ${initializer}`)) return [];
    seen.add(`${architecture} ${initializer}`);
    const untrained = Object.entries(start.untrainedRows).map(([name, count]) => `${counted(count, 'row')} of ${name}`);
    const texts = [...alikeness(start.diversity), ...start.findings.map(({ text }) => text)];
    const all =
      untrained.length === 0 ? texts : [...texts, `untrained: no gradient ever reached ${untrained.join(', ')}`];
    const starts = runs.map((run) => run.initializer);
    return all.map((text) => [architecture, startName(initializer, starts), text]);
  });
  const table =
    rows.length === 0
      ? '<p>Nothing: no start looked wrong.</p>'
      : htmlTable(['network', 'start from', 'sign'], rows, 3);
  return `<h2>Signs of trouble</h2>\n${table}`;
}
