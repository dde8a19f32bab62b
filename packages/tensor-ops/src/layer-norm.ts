// Layer normalisation over the last axis, with its gradient written out: fewer and smaller intermediate tensors than autodiff's.
import * as tf from '@tensorflow/tfjs-core';
import { hasKernel, runKernel } from './kernels.js';

/**
 * `(x - mean) / sqrt(variance + epsilon) · weight + bias` over the last axis (arXiv 1607.06450); the variance is the biased one.
 * x `[..., features]`, weight and bias `[features]`; returns the shape of x.
 */
export function layerNorm(x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor, epsilon: number): tf.Tensor {
  const features = weight.shape[0];
  const normalize = tf.customGrad((...args) => {
    const [rows, w, b, save] = args as [tf.Tensor, tf.Tensor, tf.Tensor, tf.GradSaveFunc];
    const [value, mean, inverse] = hasKernel('LayerNorm')
      ? runKernel('LayerNorm', { x: rows, weight: w, bias: b }, { epsilon })
      : forward(rows, w, b, epsilon);
    save([rows, mean, inverse, w]);
    return {
      value,
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [input, center, scale, gain] = saved;
        return hasKernel('LayerNormGrad')
          ? runKernel('LayerNormGrad', { dy, x: input, mean: center, inverse: scale, weight: gain })
          : backward(dy, input, center, scale, gain);
      },
    };
  });
  return tf.tidy(() => tf.reshape(normalize(tf.reshape(x, [-1, features]), weight, bias), x.shape));
}

function forward(x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor, epsilon: number): tf.Tensor[] {
  const mean = tf.mean(x, 1, true); // [rows, 1]
  const centered = tf.sub(x, mean);
  const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(centered), 1, true), epsilon)); // [rows, 1]
  return [tf.add(tf.mul(tf.mul(centered, inverse), weight), bias), mean, inverse];
}

function backward(dy: tf.Tensor, x: tf.Tensor, mean: tf.Tensor, inverse: tf.Tensor, weight: tf.Tensor): tf.Tensor[] {
  const hat = tf.mul(tf.sub(x, mean), inverse);
  const dHat = tf.mul(dy, weight);
  const along = tf.mul(hat, tf.mean(tf.mul(dHat, hat), 1, true));
  const dx = tf.mul(inverse, tf.sub(tf.sub(dHat, tf.mean(dHat, 1, true)), along));
  return [dx, tf.sum(tf.mul(dy, hat), 0), tf.sum(dy, 0)];
}
