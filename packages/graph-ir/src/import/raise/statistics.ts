// Norms that are written out: what they are computed with.
import type { Constant } from '../../graph.js';
import { type Matcher, probe } from '../matcher.js';

/** What statistics are computed with. */
export const STATISTICS: ReadonlySet<string> = new Set([
  'ReduceMean',
  'Sub',
  'Add',
  'Mul',
  'Pow',
  'Sqrt',
  'Div',
  'Reciprocal',
  'Cast',
]);

/** What float32 leaves of a norm's digits. */
export const STATISTICS_TOLERANCE = 1e-5;

/** Numbers whose variance is about the epsilon, so that it shows where that is added. */
export const statisticsProbe = (sizes: readonly number[], epsilon: number): Constant =>
  probe(sizes, epsilon > 1e-30 ? 2 * Math.sqrt(epsilon) : 0.01);

/** Single numbers that a value is computed with, small enough to keep a root from 0. */
export function epsilonsBetween(m: Matcher, value: string, origin: string): number[] {
  const found = new Set<number>();
  for (const name of m.between(value, origin)) {
    const scalar = m.scalar(name);
    if (scalar !== undefined && scalar >= 0 && scalar < 0.1) found.add(scalar);
  }
  return [...found];
}

/** Exponents and factors that statistics are written with. */
const PLAIN: ReadonlySet<number> = new Set([2, 0.5, -0.5, 1, -1]);

/** Whether all numbers of a piece are its epsilon or belong to every norm; tables and sizes are none of them. */
export function isOnlyStatistics(m: Matcher, value: string, origin: string, epsilon: number): boolean {
  for (const name of m.between(value, origin)) {
    const constant = m.constant(name);
    // What depends on sizes is known at one of them only.
    if (constant === undefined && m.isOfSizes(name)) return false;
    if (constant === undefined || isAxes(m, name)) continue;
    if (!constant.values.every((number) => PLAIN.has(number) || number === epsilon)) return false;
  }
  return true;
}

/** Whether a value only says which axes a reduction goes over. */
const isAxes = (m: Matcher, name: string): boolean =>
  m.readers(name).every(({ op, inputs }) => op.startsWith('Reduce') && inputs[0] !== name);
