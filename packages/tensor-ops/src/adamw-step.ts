// One AdamW step of one tensor (arXiv 1711.05101), in the order in which PyTorch computes it.
import * as tf from '@tensorflow/tfjs-core';
import { hasKernel, runKernel } from './kernels.js';

/** The numbers of a step; the same for all tensors. */
export interface AdamWScalars {
  /** Multiplies the gradient first: clipping. */
  readonly gradientScale: number;
  /** What is left of a parameter after weight decay: 1 − lr · decay. */
  readonly keep: number;
  readonly beta1: number;
  readonly beta2: number;
  /** lr / (1 − β1^step). */
  readonly stepSize: number;
  /** 1 / √(1 − β2^step). */
  readonly secondCorrection: number;
  readonly epsilon: number;
}

/**
 * m' = β1 m + (1 − β1) g, v' = β2 v + (1 − β2) g², p' = keep · p − stepSize · m' / (√v' · secondCorrection + ε).
 * All tensors have one shape. Returns `[p', m', v']`, which the caller owns.
 */
export function adamWStep(
  parameter: tf.Tensor,
  gradient: tf.Tensor,
  first: tf.Tensor,
  second: tf.Tensor,
  scalars: AdamWScalars,
): [parameter: tf.Tensor, first: tf.Tensor, second: tf.Tensor] {
  return tf.tidy(() => {
    if (hasKernel('AdamW')) {
      const [p, m, v] = runKernel('AdamW', { parameter, gradient, first, second }, { ...scalars });
      return [p, m, v];
    }
    const { gradientScale, keep, beta1, beta2, stepSize, secondCorrection, epsilon } = scalars;
    const g = gradientScale === 1 ? gradient : tf.mul(gradient, gradientScale);
    const m = tf.add(tf.mul(first, beta1), tf.mul(g, 1 - beta1));
    const v = tf.add(tf.mul(second, beta2), tf.mul(tf.square(g), 1 - beta2));
    const step = tf.mul(tf.div(m, tf.add(tf.mul(tf.sqrt(v), secondCorrection), epsilon)), stepSize);
    return [tf.sub(tf.mul(parameter, keep), step), m, v];
  });
}
