// Repetition of a predicted tensor beyond the largest predicted size, on plain arrays: the target can be far larger than the prediction.

/**
 * `data` of `shape`, repeated along its first two axes up to `target`; the other axes agree. Returns `data` itself when the shapes do.
 */
export function repeatTo(data: Float32Array, shape: readonly number[], target: readonly number[]): Float32Array {
  if (shape.join() === target.join()) return data;
  const [rows, columns = 1] = shape;
  const [targetRows, targetColumns = 1] = target;
  const cell = shape.slice(2).reduce((a, b) => a * b, 1);
  const rowLength = columns * cell;
  const targetRowLength = targetColumns * cell;
  const out = new Float32Array(targetRows * targetRowLength);
  for (let row = 0; row < Math.min(rows, targetRows); row++) {
    const source = data.subarray(row * rowLength, (row + 1) * rowLength);
    for (let at = 0; at < targetRowLength; at += rowLength) {
      out.set(source.subarray(0, targetRowLength - at), row * targetRowLength + at);
    }
  }
  // The block of predicted rows, now as wide as the target, repeats downwards.
  const block = rows * targetRowLength;
  for (let at = block; at < out.length; at += block) out.copyWithin(at, 0, Math.min(block, out.length - at));
  return out;
}
