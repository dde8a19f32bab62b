// Seeded random numbers for tensors. One generator, xoroshiro128+ of pure-rand, whose state can be saved and restored.
import { xoroshiro128plus, xoroshiro128plusFromState } from 'pure-rand/generator/xoroshiro128plus';

/** The saved position of a {@link Random}: plain numbers that survive JSON. */
export type RandomState = readonly number[];

/** A stream of random numbers. Every method advances it; the same seed and the same calls give the same numbers. */
export interface Random {
  /** A number in [low, high), with 32 random bits. */
  uniform(low?: number, high?: number): number;
  /** An integer in [low, high], both ends included, without modulo bias. Throws RangeError unless low <= high are integers less than 2^32 apart. */
  integer(low: number, high: number): number;
  /** One of the items, each as likely as the others. Throws RangeError when there are none. */
  choose<T>(items: readonly T[]): T;
  /** The items in a random order, as a new array (Fisher–Yates). */
  shuffle<T>(items: readonly T[]): T[];
  /** `length` numbers in [low, high). */
  uniforms(length: number, low: number, high: number): Float32Array;
  /** `length` normal numbers (Box–Muller), in pairs: an odd length discards one. */
  normals(length: number, mean: number, std: number): Float32Array;
  /** `length` normal numbers of mean 0, redrawn until they lie within [low, high]. Throws RangeError for an interval without 0. */
  truncatedNormals(length: number, std: number, low: number, high: number): Float32Array;
  /** A new stream, seeded from this one. */
  fork(): Random;
  /** Where the stream stands; `createRandom` continues from it. */
  state(): RandomState;
}

const TWO_POW_32 = 2 ** 32;

/**
 * A stream of random numbers from an integer seed, or continued from a saved state.
 * Throws RangeError for a seed that is not an integer, or a state that is not one that `state()` gave.
 */
export function createRandom(seed: number | RandomState): Random {
  const generator = typeof seed === 'number' ? fromSeed(seed) : fromState(seed);

  const unit = (): number => (generator.next() >>> 0) / TWO_POW_32; // [0, 1)
  const integer = (low: number, high: number): number => {
    const range = high - low + 1;
    if (!Number.isInteger(low) || !Number.isInteger(high) || range < 1 || range > TWO_POW_32) {
      throw new RangeError(
        `integer(low, high) wants integers low <= high less than 2^32 apart, got ${low} and ${high}`,
      );
    }
    // Values at or above the largest multiple of the range would favour small results: draw again.
    const limit = TWO_POW_32 - (TWO_POW_32 % range);
    let value = generator.next() >>> 0;
    while (value >= limit) value = generator.next() >>> 0;
    return low + (value % range);
  };
  const fillNormals = (out: Float32Array, mean: number, std: number): Float32Array => {
    for (let i = 0; i < out.length; i += 2) {
      const radius = std * Math.sqrt(-2 * Math.log(1 - unit()));
      const angle = 2 * Math.PI * unit();
      out[i] = mean + radius * Math.cos(angle);
      if (i + 1 < out.length) out[i + 1] = mean + radius * Math.sin(angle);
    }
    return out;
  };

  return {
    uniform: (low = 0, high = 1) => low + (high - low) * unit(),
    integer,
    choose(items) {
      if (items.length === 0) throw new RangeError('choose(items) wants at least one item, got none');
      return items[integer(0, items.length - 1)];
    },
    shuffle(items) {
      const out = [...items];
      for (let i = out.length - 1; i > 0; i--) {
        const j = integer(0, i);
        [out[i], out[j]] = [out[j], out[i]];
      }
      return out;
    },
    uniforms(length, low, high) {
      const out = new Float32Array(length);
      for (let i = 0; i < length; i++) out[i] = low + (high - low) * unit();
      return out;
    },
    normals: (length, mean, std) => fillNormals(new Float32Array(length), mean, std),
    truncatedNormals(length, std, low, high) {
      if (!(low < 0 && high > 0)) throw new RangeError(`truncatedNormals wants low < 0 < high, got [${low}, ${high}]`);
      const out = fillNormals(new Float32Array(length), 0, std);
      const one = new Float32Array(1);
      for (let i = 0; i < length; i++) while (out[i] < low || out[i] > high) out[i] = fillNormals(one, 0, std)[0];
      return out;
    },
    fork: () => createRandom(generator.next()),
    state: () => generator.getState(),
  };
}

/** A seed of its own for each purpose of a run, such as each of its epochs: an integer from two (splitmix32's finaliser). */
export function deriveSeed(seed: number, purpose: number): number {
  let z = (Math.imul(seed, 0x9e3779b1) + Math.imul(purpose, 0x85ebca77)) | 0;
  z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
  return z ^ (z >>> 15);
}

function fromSeed(seed: number) {
  if (!Number.isInteger(seed)) throw new RangeError(`a seed is an integer, got ${seed}`);
  return xoroshiro128plus(seed | 0);
}

function fromState(state: RandomState) {
  if (state.length !== 4 || !state.every(Number.isInteger)) {
    throw new RangeError(`a saved random state is four integers, got [${state.join(', ')}]`);
  }
  return xoroshiro128plusFromState(state);
}
