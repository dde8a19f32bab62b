// Brings predicted tensors to the scale that training starts well from (GHN-2's fan-in scheme; LoGAH's for language models).
import * as tf from '@tensorflow/tfjs-core';

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
 * A predicted matrix `[a, b]`, to be tiled to `shape`, at the standard deviation `scale` that it shall have when tiled:
 * `p / (std(p) + 1e-7) · scale`, with the unbiased deviation of PyTorch's `std`.
 */
export function normalizeDeviation(p: tf.Tensor2D, shape: readonly [number, number], scale: number): tf.Tensor2D {
  return tf.tidy(() => {
    // Each element counts as often as tiling repeats it, which is a product of a row's and a column's count.
    const rows = tf.tensor2d(repetitions(p.shape[0], shape[0]), [1, p.shape[0]]);
    const columns = tf.tensor2d(repetitions(p.shape[1], shape[1]), [p.shape[1], 1]);
    const total = (x: tf.Tensor2D): tf.Tensor => tf.reshape(tf.matMul(tf.matMul(rows, x), columns), []);
    const count = shape[0] * shape[1];
    const centered = tf.sub<tf.Tensor2D>(p, tf.div(total(p), count));
    const deviation = tf.sqrt(tf.div(total(tf.square(centered)), count - 1));
    return tf.mul<tf.Tensor2D>(p, tf.div(scale, tf.add(deviation, 1e-7)));
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
