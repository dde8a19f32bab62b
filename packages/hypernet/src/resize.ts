// Templates of images for other numbers of pixels and patches, by linear interpolation.
import type { KernelShape } from '@logah/lowrank-decoder';
import * as tf from '@tensorflow/tfjs-core';
import { gridInterpolation, interpolation } from './interpolation.js';

/** The side of the largest square grid of tokens; the tokens before it belong to no patch. */
const sideOf = (tokens: number): number => Math.floor(Math.sqrt(tokens));

/** A positional encoding `[from, features]` for `tokens` tokens, `[tokens, features]`: class rows as they are or 0, the others interpolated on their grid. */
export function resizeSequence(x: tf.Tensor, tokens: number): tf.Tensor {
  const [from] = x.shape;
  if (from === tokens) return x;
  const [side, wanted] = [sideOf(from), sideOf(tokens)];
  const [classRows, wantedClassRows] = [from - side ** 2, tokens - wanted ** 2];
  const weights = new Float32Array(tokens * from);
  for (let row = 0; row < Math.min(classRows, wantedClassRows); row++) weights[row * from + row] = 1;
  const grid = gridInterpolation(side, wanted);
  for (let row = 0; row < wanted ** 2; row++) {
    weights.set(grid.subarray(row * side ** 2, (row + 1) * side ** 2), (wantedClassRows + row) * from + classRows);
  }
  return tf.matMul(tf.tensor2d(weights, [tokens, from]), x as tf.Tensor2D);
}

/** A patch embedding `[out, channels · side²]` as a kernel `[out, channels, height, width]`, its pixels interpolated. */
export function resizePatch(x: tf.Tensor, [out, channels, height, width]: KernelShape): tf.Tensor {
  const side = Math.sqrt((x.shape[1] ?? 0) / channels);
  return stretch(tf.reshape(x, [out, channels, side, side]), [height, width]);
}

/** Kernels `[out, channels, …]` with their last two axes interpolated to `[height, width]`. */
export function stretch(x: tf.Tensor, [height, width]: readonly number[]): tf.Tensor {
  const [rows, columns] = x.shape.slice(-2);
  if (rows === height && columns === width) return x;
  const wide = along(tf.reshape(x, [-1, columns]), width);
  const flipped = tf.transpose(tf.reshape(wide, [-1, rows, width]), [0, 2, 1]);
  const high = along(tf.reshape(flipped, [-1, rows]), height);
  return tf.reshape(tf.transpose(tf.reshape(high, [-1, width, height]), [0, 2, 1]), [
    ...x.shape.slice(0, -2),
    height,
    width,
  ]);
}

/** Lines `[lines, from]` with `to` places. */
const along = (lines: tf.Tensor, to: number): tf.Tensor => {
  const from = lines.shape[1] ?? 0;
  return tf.matMul(lines as tf.Tensor2D, tf.tensor2d(interpolation(from, to), [to, from]), false, true);
};
