// Gaussian error linear units (arXiv 1606.08415), exact and with the tanh approximation, with their gradients written out.
import * as tf from '@tensorflow/tfjs-core';
import { hasKernel, runKernel } from './kernels.js';

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

type UnaryFunction = (x: tf.Tensor) => tf.Tensor;
type UnaryGradient = (dy: tf.Tensor, x: tf.Tensor) => tf.Tensor;

/** A function whose gradient is computed from its input alone, by a kernel of the backend where there is one. */
function differentiable(approximation: 'none' | 'tanh', value: UnaryFunction, gradient: UnaryGradient): UnaryFunction {
  const attributes = { approximate: approximation };
  return tf.customGrad((...args) => {
    const [x, save] = args as [tf.Tensor, tf.GradSaveFunc];
    save([x]);
    return {
      value: hasKernel('Gelu') ? runKernel('Gelu', { x }, attributes)[0] : value(x),
      gradFunc: (dy: tf.Tensor, [input]: tf.Tensor[]) =>
        hasKernel('GeluGrad') ? runKernel('GeluGrad', { dy, x: input }, attributes)[0] : gradient(dy, input),
    };
  });
}

const distribution: UnaryFunction = (x) => tf.mul(tf.add(tf.erf(tf.mul(x, SQRT_HALF)), 1), 0.5);

const exact = differentiable(
  'none',
  (x) => tf.mul(x, distribution(x)),
  (dy, x) => {
    const density = tf.mul(tf.exp(tf.mul(tf.square(x), -0.5)), INVERSE_SQRT_2_PI);
    return tf.mul(dy, tf.add(distribution(x), tf.mul(x, density)));
  },
);

const tanhPart: UnaryFunction = (x) =>
  tf.tanh(tf.mul(tf.add(x, tf.mul(tf.mul(tf.square(x), x), CUBIC)), SQRT_2_OVER_PI));

const approximate = differentiable(
  'tanh',
  (x) => tf.mul(tf.mul(x, 0.5), tf.add(tanhPart(x), 1)),
  (dy, x) => {
    const t = tanhPart(x);
    const slope = tf.mul(tf.add(tf.mul(tf.square(x), 3 * CUBIC), 1), SQRT_2_OVER_PI);
    const derivative = tf.add(
      tf.mul(tf.add(t, 1), 0.5),
      tf.mul(tf.mul(tf.mul(x, 0.5), tf.sub(1, tf.square(t))), slope),
    );
    return tf.mul(dy, derivative);
  },
);
