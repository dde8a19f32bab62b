// Gaussian error linear units (arXiv 1606.08415), exact and with the tanh approximation, with their gradients written out.
import * as tf from '@tensorflow/tfjs-core';

const SQRT_HALF = Math.SQRT1_2;
const INVERSE_SQRT_2_PI = 1 / Math.sqrt(2 * Math.PI);
const SQRT_2_OVER_PI = Math.sqrt(2 / Math.PI);
const CUBIC = 0.044715;

/** `x · Φ(x)` with the normal distribution function Φ. Any shape; returns the same shape. */
export function gelu(x: tf.Tensor): tf.Tensor {
  return exact(x);
}

/** `x / 2 · (1 + tanh(√(2/π) · (x + 0.044715 x³)))`, GPT-2's approximation. Any shape; returns the same shape. */
export function geluTanh(x: tf.Tensor): tf.Tensor {
  return approximate(x);
}

const exact = tf.customGrad((...args) => {
  const [x, save] = args as [tf.Tensor, tf.GradSaveFunc];
  const distribution = tf.mul(tf.add(tf.erf(tf.mul(x, SQRT_HALF)), 1), 0.5);
  save([x, distribution]);
  return {
    value: tf.mul(x, distribution),
    gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [input, phi] = saved;
      const density = tf.mul(tf.exp(tf.mul(tf.square(input), -0.5)), INVERSE_SQRT_2_PI);
      return tf.mul(dy, tf.add(phi, tf.mul(input, density)));
    },
  };
});

const approximate = tf.customGrad((...args) => {
  const [x, save] = args as [tf.Tensor, tf.GradSaveFunc];
  const inner = tf.mul(tf.add(x, tf.mul(tf.mul(tf.square(x), x), CUBIC)), SQRT_2_OVER_PI);
  const tanh = tf.tanh(inner);
  save([x, tanh]);
  return {
    value: tf.mul(tf.mul(x, 0.5), tf.add(tanh, 1)),
    gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [input, t] = saved;
      const slope = tf.mul(tf.add(tf.mul(tf.square(input), 3 * CUBIC), 1), SQRT_2_OVER_PI);
      const derivative = tf.add(
        tf.mul(tf.add(t, 1), 0.5),
        tf.mul(tf.mul(tf.mul(input, 0.5), tf.sub(1, tf.square(t))), slope),
      );
      return tf.mul(dy, derivative);
    },
  };
});
