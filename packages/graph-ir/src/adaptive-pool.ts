/**
 * What each of `parts` takes of the `size` pixels of a side in adaptive pooling, as a matrix `[parts, size]`: the mean from ⌊i·s/n⌋ to ⌈(i+1)·s/n⌉, as
 * PyTorch divides it.
 */
export function adaptivePoolShares(size: number, parts: number): Float32Array {
  const matrix = new Float32Array(parts * size);
  for (let part = 0; part < parts; part++) {
    const [start, end] = [Math.floor((part * size) / parts), Math.ceil(((part + 1) * size) / parts)];
    matrix.fill(1 / (end - start), part * size + start, part * size + end);
  }
  return matrix;
}
