// Layer normalisation over the last axis, with its gradient written out: fewer and smaller intermediate tensors than autodiff's.
import * as tf from '@tensorflow/tfjs-core';

/**
 * `(x - mean) / sqrt(variance + epsilon) · weight + bias` over the last axis (arXiv 1607.06450); the variance is the biased one.
 * x `[..., features]`, weight and bias `[features]`; returns the shape of x.
 */
export function layerNorm(x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor, epsilon: number): tf.Tensor {
  const features = weight.shape[0];
  const normalize = tf.customGrad((...args) => {
    const [rows, w, b, save] = args as [tf.Tensor, tf.Tensor, tf.Tensor, tf.GradSaveFunc];
    const centered = tf.sub(rows, tf.mean(rows, 1, true));
    const scale = tf.rsqrt(tf.add(tf.mean(tf.square(centered), 1, true), epsilon)); // [rows, 1]
    const normalized = tf.mul(centered, scale);
    save([normalized, scale, w]);
    return {
      value: tf.add(tf.mul(normalized, w), b),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [hat, inverse, gain] = saved;
        const dHat = tf.mul(dy, gain);
        const dRows = tf.mul(
          inverse,
          tf.sub(tf.sub(dHat, tf.mean(dHat, 1, true)), tf.mul(hat, tf.mean(tf.mul(dHat, hat), 1, true))),
        );
        return [dRows, tf.sum(tf.mul(dy, hat), 0), tf.sum(dy, 0)];
      },
    };
  });
  return tf.tidy(() => tf.reshape(normalize(tf.reshape(x, [-1, features]), weight, bias), x.shape));
}
