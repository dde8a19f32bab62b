// The learning rate at which each start trains best, as `measure/rates.mjs` found it: three seeds, a network of 3 layers and width 48, digits that the
// page neither shows nor trains on. README.md has the accuracies.
import type { StartName } from './worker/protocol.js';

export type Rates = Readonly<Record<StartName, number>>;

/** Rates that were tried. */
export const TRIED = [0.0003, 0.001, 0.003, 0.01];

/** The best rates after a number of steps. */
export interface BestRates {
  readonly steps: number;
  readonly rates: Rates;
}

const MEASURED: readonly BestRates[] = [
  { steps: 20, rates: { predicted: 0.0003, mimetic: 0.003, random: 0.001 } },
  { steps: 50, rates: { predicted: 0.0003, mimetic: 0.01, random: 0.001 } },
  { steps: 100, rates: { predicted: 0.003, mimetic: 0.003, random: 0.001 } },
];

/** What was measured nearest to a number of steps: those of the most measured steps that are not more, or of the fewest. */
export const bestRates = (steps: number): BestRates =>
  MEASURED.findLast((measured) => measured.steps <= steps) ?? MEASURED[0];
