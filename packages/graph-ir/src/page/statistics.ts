// What a tensor's values are like.

export interface ValueStatistics {
  readonly mean: number;
  /** Of all values, not an estimate from a sample. */
  readonly std: number;
  readonly min: number;
  readonly max: number;
  /** The share of values that are 0. */
  readonly zeros: number;
  /** How many are NaN or infinite; the other numbers leave them out. */
  readonly notFinite: number;
}

/** Statistics of values, in float64; NaN where there is no finite value. */
export function valueStatistics(values: Float32Array): ValueStatistics {
  let [count, sum, zeros] = [0, 0, 0];
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    count++;
    sum += value;
    if (value === 0) zeros++;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  if (count === 0) {
    const none = Number.NaN;
    return { mean: none, std: none, min: none, max: none, zeros: none, notFinite: values.length };
  }
  const mean = sum / count;
  let squares = 0;
  for (const value of values) if (Number.isFinite(value)) squares += (value - mean) ** 2;
  return { mean, std: Math.sqrt(squares / count), min, max, zeros: zeros / count, notFinite: values.length - count };
}
