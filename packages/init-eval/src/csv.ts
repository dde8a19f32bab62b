// Scores and summaries as CSV (RFC 4180), for spreadsheets and data frames.
import type { RunRecord, Summary } from './results.js';

const HEADER = [
  'architecture',
  'initializer',
  'learning_rate',
  'seed',
  'epoch',
  'train_loss',
  'test_loss',
  'accuracy',
  'top5_accuracy',
];

/** One line for each epoch of each run, under a header. */
export function runsToCsv(runs: readonly RunRecord[]): string {
  return table(
    HEADER,
    runs.flatMap(({ architecture, initializer, learningRate, seed, scores }) =>
      scores.map(({ epoch, trainLoss, loss, accuracy, top5Accuracy }) => [
        architecture,
        initializer,
        learningRate,
        seed,
        epoch,
        trainLoss,
        loss,
        accuracy,
        top5Accuracy,
      ]),
    ),
  );
}

const SUMMARY_HEADER = [
  'architecture',
  'initializer',
  'learning_rate',
  'seeds',
  'diverged',
  'epoch',
  'mean',
  'deviation',
  'baseline',
  'advantage',
  'interval_low',
  'interval_high',
  'steps_to_baseline',
  'steps_of_baseline',
  'diversity',
];

/**
 * One line for each milestone of each start, under a header; what is of the start as a whole stands in each of its
 * lines. A field that is not known, or a score that was not reached, is empty.
 */
export function summariesToCsv(summaries: readonly Summary[]): string {
  return table(
    SUMMARY_HEADER,
    summaries.flatMap(({ architecture, initializer, learningRate, seeds, diverged, milestones, contrast, diversity }) =>
      milestones.map(({ epoch, mean, std }) => [
        ...[architecture, initializer, learningRate, seeds, diverged, epoch, mean, std],
        ...[contrast?.baseline, contrast?.advantage, contrast?.interval?.low, contrast?.interval?.high],
        ...[contrast?.startReaches?.steps, contrast?.baselineReaches?.steps, diversity],
      ]),
    ),
  );
}

function table(
  header: readonly string[],
  rows: ReadonlyArray<ReadonlyArray<string | number | null | undefined>>,
): string {
  const lines = rows.map((row) => row.map((value) => quoted(String(value ?? ''))).join(','));
  return `${[header.join(','), ...lines].join('\r\n')}\r\n`;
}

/** Spreadsheets compute a cell that begins so, even in quotes; a quote before it makes it a text. */
const isFormula = (text: string): boolean => /^[=+\-@\t\r]/.test(text) && Number.isNaN(Number(text));

function quoted(text: string): string {
  const safe = isFormula(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
