// AdamW (arXiv 1711.05101) as PyTorch computes it: weight decay on its own, bias-corrected moments.
import * as tf from '@tensorflow/tfjs-core';
import type { TensorRecord } from './forward.js';

export interface AdamWConfig {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** The part of a parameter that is taken away each step, times the learning rate. */
  readonly weightDecay: number;
}

/** The moments of every parameter, and how many updates they have seen. */
export interface AdamWState {
  readonly step: number;
  readonly first: TensorRecord;
  readonly second: TensorRecord;
}

export const ADAMW_DEFAULTS: AdamWConfig = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 };

/** Moments of 0 for these parameters. The caller owns them. */
export function initAdamW(parameters: TensorRecord): AdamWState {
  const zeros = (): TensorRecord =>
    Object.fromEntries(Object.entries(parameters).map(([name, { shape }]) => [name, tf.zeros(shape)]));
  return { step: 0, first: zeros(), second: zeros() };
}

/**
 * One update. Returns new parameters and a new state, which the caller owns; the old ones are left to the caller to free.
 * `gradientScale` multiplies every gradient first (clipping).
 */
export function updateAdamW(
  parameters: TensorRecord,
  gradients: TensorRecord,
  state: AdamWState,
  learningRate: number,
  gradientScale = 1,
  config: AdamWConfig = ADAMW_DEFAULTS,
): { parameters: TensorRecord; state: AdamWState } {
  const { beta1, beta2, epsilon, weightDecay } = config;
  const step = state.step + 1;
  const stepSize = learningRate / (1 - beta1 ** step);
  const secondCorrection = 1 / Math.sqrt(1 - beta2 ** step);
  const updated: Record<string, tf.Tensor> = {};
  const first: Record<string, tf.Tensor> = {};
  const second: Record<string, tf.Tensor> = {};
  for (const [name, parameter] of Object.entries(parameters)) {
    [updated[name], first[name], second[name]] = tf.tidy(() => {
      const gradient = gradientScale === 1 ? gradients[name] : tf.mul(gradients[name], gradientScale);
      const m = tf.add(tf.mul(state.first[name], beta1), tf.mul(gradient, 1 - beta1));
      const v = tf.add(tf.mul(state.second[name], beta2), tf.mul(tf.square(gradient), 1 - beta2));
      const denominator = tf.add(tf.mul(tf.sqrt(v), secondCorrection), epsilon);
      const decayed = tf.mul(parameter, 1 - learningRate * weightDecay);
      return [tf.sub(decayed, tf.mul(tf.div(m, denominator), stepSize)), m, v];
    });
  }
  return { parameters: updated, state: { step, first, second } };
}

/** Frees the moments. */
export function disposeAdamW({ first, second }: AdamWState): void {
  tf.dispose([Object.values(first), Object.values(second)]);
}
