// Tensors larger than what a decoder predicts repeat the prediction.
import * as tf from '@tensorflow/tfjs-core';

/** Repeats `x` along each axis until it covers `shape`, then cuts it there. Axes that are large enough are only cut. */
export function tileTo(x: tf.Tensor, shape: readonly number[]): tf.Tensor {
  return tf.tidy(() => {
    const repeats = shape.map((size, axis) => Math.ceil(size / x.shape[axis]));
    const tiled = repeats.every((count) => count === 1) ? x : tf.tile(x, repeats);
    const isCut = shape.some((size, axis) => size !== tiled.shape[axis]);
    return isCut
      ? tf.slice(
          tiled,
          shape.map(() => 0),
          [...shape],
        )
      : tf.clone(tiled);
  });
}
