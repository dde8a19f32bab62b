// Repetition of a predicted tensor beyond the largest predicted size, on plain arrays: the target can be far larger than the prediction.

/** Writes `data` of `shape` into `out` of shape `target`, repeated along its first two axes up to it; the other axes agree. */
export function repeatInto(
  out: Float32Array,
  data: Float32Array,
  shape: readonly number[],
  target: readonly number[],
): void {
  const [rows, columns = 1] = shape;
  const [targetRows, targetColumns = 1] = target;
  const cell = shape.slice(2).reduce((a, b) => a * b, 1);
  const rowLength = columns * cell;
  const targetRowLength = targetColumns * cell;
  for (let row = 0; row < Math.min(rows, targetRows); row++) {
    const source = data.subarray(row * rowLength, (row + 1) * rowLength);
    for (let at = 0; at < targetRowLength; at += rowLength) {
      out.set(source.subarray(0, targetRowLength - at), row * targetRowLength + at);
    }
  }
  // The block of predicted rows, now as wide as the target, repeats downwards.
  const block = rows * targetRowLength;
  for (let at = block; at < out.length; at += block) out.copyWithin(at, 0, Math.min(block, out.length - at));
}
