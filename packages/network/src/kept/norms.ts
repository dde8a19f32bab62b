// Kept operators that normalise.
import { integerAttribute as integer, floatAttribute as real } from '@logah/graph-ir';
import * as tf from '@tensorflow/tfjs-core';
import { axisOf, type Call, operand } from './call.js';

const epsilonOf = (call: Call): number => real(call, 'epsilon', 1e-5);

/** Less its mean, by its deviation, over these axes. */
function normalised(x: tf.Tensor, axes: number[], epsilon: number): tf.Tensor {
  const centered = tf.sub(x, tf.mean(x, axes, true));
  return tf.mul(centered, tf.rsqrt(tf.add(tf.mean(tf.square(centered), axes, true), epsilon)));
}

const axesFrom = (first: number, rank: number): number[] => Array.from({ length: rank - first }, (_, i) => first + i);

/** Undefined where means and deviations are wanted, too. */
export function layerNorm(call: Call): tf.Tensor | undefined {
  if (call.results > 1) return undefined;
  const [x, scale, shift] = [operand(call, 0), operand(call, 1), call.operands[2]];
  const scaled = tf.mul(
    normalised(x, axesFrom(axisOf(integer(call, 'axis', -1), x.rank), x.rank), epsilonOf(call)),
    scale,
  );
  return shift === undefined ? scaled : tf.add(scaled, shift);
}

export function rmsNormalised(call: Call): tf.Tensor {
  const [x, scale] = [operand(call, 0), operand(call, 1)];
  const axes = axesFrom(axisOf(integer(call, 'axis', -1), x.rank), x.rank);
  return tf.mul(tf.mul(x, tf.rsqrt(tf.add(tf.mean(tf.square(x), axes, true), epsilonOf(call)))), scale);
}

/** One number for each channel, spread over what is behind channels. */
const perChannel = (values: tf.Tensor, rank: number): tf.Tensor =>
  tf.reshape(values, [-1, ...new Array<number>(Math.max(0, rank - 2)).fill(1)]);

/** Undefined in training, and for values without a batch. */
export function batchNorm(call: Call): tf.Tensor | undefined {
  const x = operand(call, 0);
  if (integer(call, 'training_mode', 0) !== 0 || x.rank < 2) return undefined;
  const [scale, shift, mean, variance] = [1, 2, 3, 4].map((place) => perChannel(operand(call, place), x.rank));
  const factor = tf.mul(scale, tf.rsqrt(tf.add(variance, epsilonOf(call))));
  return tf.add(tf.mul(tf.sub(x, mean), factor), shift);
}

export function instanceNorm(call: Call): tf.Tensor {
  const x = operand(call, 0);
  const [scale, shift] = [1, 2].map((place) => perChannel(operand(call, place), x.rank));
  return tf.add(tf.mul(normalised(x, axesFrom(2, x.rank), epsilonOf(call)), scale), shift);
}

/** Undefined for a scale of groups, as it was up to opset 20. */
export function groupNorm(call: Call): tf.Tensor | undefined {
  const x = operand(call, 0);
  const [batch, channels = 0] = x.shape;
  const groups = integer(call, 'num_groups', 1);
  if (operand(call, 1).size !== channels || operand(call, 2).size !== channels) return undefined;
  const [scale, shift] = [1, 2].map((place) => perChannel(operand(call, place), x.rank));
  const grouped = normalised(tf.reshape(x, [batch, groups, -1]), [2], epsilonOf(call));
  return tf.add(tf.mul(tf.reshape(grouped, x.shape), scale), shift);
}
