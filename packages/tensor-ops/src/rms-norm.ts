// Root-mean-square normalisation (arXiv 1910.07467).
import * as tf from '@tensorflow/tfjs-core';

/** `x / √(mean(x²) + epsilon) · weight` over the last axis. x `[..., features]`, weight `[features]`; returns the shape of x. */
export function rmsNorm(x: tf.Tensor, weight: tf.Tensor, epsilon: number): tf.Tensor {
  return tf.tidy(() => {
    const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(x), -1, true), epsilon));
    return tf.mul(tf.mul(x, inverse), weight);
  });
}
