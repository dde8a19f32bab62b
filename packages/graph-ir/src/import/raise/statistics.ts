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
  const seen = new Set([origin]);
  const stack = [value];
  for (let name = stack.pop(); name !== undefined; name = stack.pop()) {
    if (seen.has(name)) continue;
    seen.add(name);
    const scalar = m.scalar(name);
    if (scalar !== undefined && scalar >= 0 && scalar < 0.1) found.add(scalar);
    stack.push(...(m.node(name)?.inputs ?? []));
  }
  return [...found];
}
