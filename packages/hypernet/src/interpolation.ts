// Linear interpolation between places on a line or a grid, as matrices.

/** What each of `to` places takes of `from` ones, row-major `[to, from]`: linear, places as intervals (PyTorch's `align_corners=False`). */
export function interpolation(from: number, to: number): Float32Array {
  const weights = new Float32Array(to * from);
  for (let place = 0; place < to; place++) {
    const at = Math.min(Math.max(((place + 0.5) * from) / to - 0.5, 0), from - 1);
    const lower = Math.floor(at);
    weights[place * from + lower] = 1 - (at - lower);
    if (at > lower) weights[place * from + lower + 1] = at - lower;
  }
  return weights;
}

/** The same on a square grid, row by row: `[to², from²]`. */
export function gridInterpolation(from: number, to: number): Float32Array {
  const line = interpolation(from, to);
  const weights = new Float32Array(to ** 2 * from ** 2);
  for (let row = 0; row < to ** 2; row++) {
    for (let column = 0; column < from ** 2; column++) {
      const ofRows = line[Math.floor(row / to) * from + Math.floor(column / from)];
      weights[row * from ** 2 + column] = ofRows * line[(row % to) * from + (column % from)];
    }
  }
  return weights;
}
