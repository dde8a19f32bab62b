// Every score of every run as CSV (RFC 4180), for spreadsheets and data frames.
import type { RunRecord } from './results.js';

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
  const lines = runs.flatMap(({ architecture, initializer, learningRate, seed, scores }) =>
    scores.map(({ epoch, trainLoss, loss, accuracy, top5Accuracy }) =>
      [architecture, initializer, learningRate, seed, epoch, trainLoss ?? '', loss, accuracy, top5Accuracy]
        .map((value) => quoted(String(value)))
        .join(','),
    ),
  );
  return `${[HEADER.join(','), ...lines].join('\r\n')}\r\n`;
}

const quoted = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
