// How far apart two tensors are.

export interface ValueDifference {
  /** The largest |a − b|; infinite where one is not finite and the other is not the same. */
  readonly maxAbsolute: number;
  /** The largest |a − b| / max(|a|, |b|), 0 where both are equal; infinite as above. */
  readonly maxRelative: number;
  /** How many elements differ. */
  readonly count: number;
  readonly elements: number;
}

/** Compares the elements of two tensors of one size; NaN equals NaN, and −0 equals 0. Throws RangeError for two sizes. */
export function valueDifference(a: Float32Array, b: Float32Array): ValueDifference {
  if (a.length !== b.length) throw new RangeError(`cannot compare ${a.length} with ${b.length} elements`);
  let [maxAbsolute, maxRelative, count] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i], b[i]];
    if (x === y || (Number.isNaN(x) && Number.isNaN(y))) continue;
    count++;
    const areFinite = Number.isFinite(x) && Number.isFinite(y);
    const absolute = areFinite ? Math.abs(x - y) : Number.POSITIVE_INFINITY;
    maxAbsolute = Math.max(maxAbsolute, absolute);
    maxRelative = Math.max(maxRelative, areFinite ? absolute / Math.max(Math.abs(x), Math.abs(y)) : absolute);
  }
  return { maxAbsolute, maxRelative, count, elements: a.length };
}
