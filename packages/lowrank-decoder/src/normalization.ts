// Brings predicted tensors to the scale that training starts well from (GHN-2's fan-in scheme; LoGAH's for language models).
import * as tf from '@tensorflow/tfjs-core';
import type { Factors } from './decoder.js';

/**
 * What a predicted tensor of rank 2 and more is multiplied with: `√(β / fan_in)`, fan_in the elements of one output, `shape[1..]`.
 * β is 1 for a kernel with one input channel or lower than wide, which no ReLU follows, else 2.
 */
export function fanInScale([, inputs, ...kernel]: readonly number[]): number {
  const [height = 1, width = 1] = kernel;
  const isAfterRelu = kernel.length === 0 || (inputs !== 1 && height >= width);
  return Math.sqrt((isAfterRelu ? 2 : 1) / kernel.reduce((product, size) => product * size, inputs));
}

/**
 * The standard deviation (unbiased, as PyTorch's `std`) of A·B tiled to `shape`, as a scalar, from its factors A `[rows, r]` and Bᵀ `[columns, r]` alone:
 * ΣW = (Σ rows of A) · (Σ rows of Bᵀ) and ΣW² = ⟨AᵀA, BBᵀ⟩, where a row counts as often as tiling repeats it. W itself is never touched.
 */
export function productDeviation({ left, right }: Factors, shape: readonly [number, number]): tf.Scalar {
  return tf.tidy(() => {
    const [rows, columns] = [left, right].map((factor, axis) => {
      const size = factor.shape[0];
      const counts = tf.tensor2d(repetitions(size, shape[axis]), [size, 1]);
      const weighted = tf.mul(factor, counts);
      return { sum: tf.sum(weighted, 0), squares: tf.matMul(weighted, factor, true, false) }; // [r] and [r, r]
    });
    const count = shape[0] * shape[1];
    const sum = tf.sum(tf.mul(rows.sum, columns.sum));
    const squares = tf.sum(tf.mul(rows.squares, columns.squares));
    const variance = tf.div(tf.sub(squares, tf.div(tf.square(sum), count)), count - 1);
    return tf.reshape<tf.Rank.R0>(tf.sqrt(tf.relu(variance)), []);
  });
}

/** How often each of `size` entries occurs when they are repeated up to `length`. */
function repetitions(size: number, length: number): Float32Array {
  return Float32Array.from({ length: size }, (_, i) => Math.floor((length - i - 1) / size) + 1);
}

/** The weight of a normalisation layer, in (0, 2): `2 · sigmoid(p / 2)`. */
export const normalizeGain = (p: tf.Tensor): tf.Tensor => tf.tidy(() => tf.mul(tf.sigmoid(tf.mul(p, 0.5)), 2));

/** A bias, in (-1, 1): `tanh(p / 5)`. */
export const normalizeBias = (p: tf.Tensor): tf.Tensor => tf.tidy(() => tf.tanh(tf.mul(p, 0.2)));
