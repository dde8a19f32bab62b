// Stochastic gradient descent with momentum as PyTorch computes it: weight decay is part of the gradient.
import { recordOf } from '@logah/files';
import type { TensorRecord } from '@logah/tensor-ops';
import * as tf from '@tensorflow/tfjs-core';

export interface SgdConfig {
  /** The part of the last update that goes on. */
  readonly momentum: number;
  /** The part of a parameter that is added to its gradient. */
  readonly weightDecay: number;
}

/** The velocity of every parameter, and how many updates it has seen. */
export interface SgdState {
  readonly step: number;
  readonly velocity: TensorRecord;
}

export const SGD_DEFAULTS: SgdConfig = { momentum: 0.9, weightDecay: 0 };

/** A state at rest for these parameters. The caller owns it. */
export const initSgd = (parameters: TensorRecord): SgdState => ({
  step: 0,
  velocity: Object.fromEntries(Object.entries(parameters).map(([name, { shape }]) => [name, tf.zeros(shape)])),
});

/**
 * One update: `v ← momentum · v + g + weightDecay · p`, `p ← p − learningRate · v`. Returns new parameters and a new state, which the caller owns;
 * the old ones are left to the caller to free. `gradientScale` multiplies every gradient first (clipping).
 */
export function updateSgd(
  parameters: TensorRecord,
  gradients: TensorRecord,
  state: SgdState,
  learningRate: number,
  gradientScale = 1,
  { momentum, weightDecay }: SgdConfig = SGD_DEFAULTS,
): { parameters: TensorRecord; state: SgdState } {
  const updated = recordOf<tf.Tensor>();
  const velocity = recordOf<tf.Tensor>();
  for (const [name, parameter] of Object.entries(parameters)) {
    [updated[name], velocity[name]] = tf.tidy(() => {
      const gradient = gradientScale === 1 ? gradients[name] : tf.mul(gradients[name], gradientScale);
      const decayed = weightDecay === 0 ? gradient : tf.add(gradient, tf.mul(parameter, weightDecay));
      const moved = tf.add(tf.mul(state.velocity[name], momentum), decayed);
      return [tf.sub(parameter, tf.mul(moved, learningRate)), moved];
    });
  }
  return { parameters: updated, state: { step: state.step + 1, velocity } };
}

/** Frees the velocities. */
export function disposeSgd({ velocity }: SgdState): void {
  tf.dispose(Object.values(velocity));
}
