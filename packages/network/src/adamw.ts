// AdamW (arXiv 1711.05101) as PyTorch computes it: weight decay on its own, bias-corrected moments.
import { recordOf } from '@logah/files';
import { type AdamWScalars, adamWStep, type TensorRecord } from '@logah/tensor-ops';
import * as tf from '@tensorflow/tfjs-core';

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
  { beta1, beta2, epsilon, weightDecay }: AdamWConfig = ADAMW_DEFAULTS,
): { parameters: TensorRecord; state: AdamWState } {
  const step = state.step + 1;
  const scalars: AdamWScalars = {
    gradientScale,
    keep: 1 - learningRate * weightDecay,
    beta1,
    beta2,
    stepSize: learningRate / (1 - beta1 ** step),
    secondCorrection: 1 / Math.sqrt(1 - beta2 ** step),
    epsilon,
  };
  const updated = recordOf<tf.Tensor>();
  const first = recordOf<tf.Tensor>();
  const second = recordOf<tf.Tensor>();
  for (const [name, parameter] of Object.entries(parameters)) {
    [updated[name], first[name], second[name]] = adamWStep(
      parameter,
      gradients[name],
      state.first[name],
      state.second[name],
      scalars,
    );
  }
  return { parameters: updated, state: { step, first, second } };
}

/** Frees the moments. */
export function disposeAdamW({ first, second }: AdamWState): void {
  tf.dispose([Object.values(first), Object.values(second)]);
}
