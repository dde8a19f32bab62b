// Norms that are written out: what they are computed with.
import type { Matcher } from '../matcher.js';

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

/** Single numbers that a value is computed with, small enough to keep a root from 0. */
export function epsilonsBetween(m: Matcher, value: string, origin: string): number[] {
  const found = new Set<number>();
  for (const name of m.between(value, origin)) {
    const scalar = m.scalar(name);
    if (scalar !== undefined && scalar >= 0 && scalar < 0.1) found.add(scalar);
  }
  return [...found];
}
