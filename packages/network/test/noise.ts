/** The numbers in [-1, 1) that the makers of fixtures use: a hash that shaders use. */
export function noise(count: number, seed: number, value: (x: number) => number): Float32Array {
  const values = new Float32Array(count);
  for (let k = 0; k < count; k++) {
    const wave = 43758.5453 * Math.sin(12.9898 * k + 78.233 * seed);
    values[k] = value(2 * (wave - Math.floor(wave)) - 1);
  }
  return values;
}
