// The size of all gradients together, and clipping by it.
import * as tf from '@tensorflow/tfjs-core';
import type { TensorRecord } from './forward.js';

/** The global norm of gradients, √Σ‖g‖². */
export function globalNorm(gradients: TensorRecord): number {
  const norm = tf.tidy(() => tf.sqrt(tf.addN(Object.values(gradients).map((g) => tf.sum(tf.square(g))))));
  const [value] = norm.dataSync();
  norm.dispose();
  return value;
}

/** What gradients of this norm are multiplied with so that it is at most `limit`, as PyTorch's `clip_grad_norm_` does. */
export const clipScale = (norm: number, limit: number): number => Math.min(1, limit / (norm + 1e-6));
