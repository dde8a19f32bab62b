// Numbers of the studies as people read them.
import { meanAndDeviation } from '@logah/init-eval';

/** Lines and bars, told apart by the colour-blind as well (Okabe and Ito 2008). */
export const COLORS = ['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#56b4e9', '#d55e00', '#999999', '#f0e442'];

/** 0.4123 as "41.2 %". */
export const percent = (value) => `${(100 * value).toFixed(1)} %`;

/** What part of a whole something is, as per cent without decimals; a dash where the whole is nothing. */
export const share = (part, whole) => (whole === 0 ? '–' : `${Math.round((100 * part) / whole)} %`);

const scoreAt = ({ result: { scores } }, epoch) =>
  epoch === undefined ? scores[scores.length - 1] : scores.find((score) => score.epoch === epoch);

/** Mean and deviation of accuracy over runs at an epoch; by default the last one. */
export const accuracyOf = (runs, epoch) => meanAndDeviation(runs.map((run) => scoreAt(run, epoch).accuracy));
export const finalOf = (runs) => accuracyOf(runs);

/** Mean and deviation of perplexity over runs at an epoch; by default the last one. */
export const perplexityOf = (runs, epoch) => meanAndDeviation(runs.map((run) => Math.exp(scoreAt(run, epoch).loss)));

/** "41.2 ± 0.3 %" of runs at an epoch, by default the last one; a single run has no deviation. */
export function spread(runs, epoch) {
  const { count, mean, std } = accuracyOf(runs, epoch);
  return count < 2 ? percent(mean) : `${(100 * mean).toFixed(1)} ± ${(100 * std).toFixed(1)} %`;
}

/** The same of perplexity. */
export function perplexitySpread(runs, epoch) {
  const { count, mean, std } = perplexityOf(runs, epoch);
  return count < 2 ? mean.toFixed(2) : `${mean.toFixed(2)} ± ${std.toFixed(2)}`;
}

/** 585230 as "585,230". */
export const thousands = (count) => count.toLocaleString('en');
