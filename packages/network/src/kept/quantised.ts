// Kept operators on integers of 8 bits, which are floats here: products of them are exact up to 2^24, and sums beyond that are rounded.
import { integerAttribute as integer } from '@logah/graph-ir';
import * as tf from '@tensorflow/tfjs-core';
import { axisOf, type Call, operand } from './call.js';
import { convolution } from './windows.js';

/** To integers from 0 to 255 that cover what there is and 0: `[integers, scale, zero point]`. */
export function quantise(call: Call): tf.Tensor[] {
  const x = operand(call, 0);
  const [least, most] = [tf.minimum(tf.min(x), 0), tf.maximum(tf.max(x), 0)];
  const range = tf.div(tf.sub(most, least), 255);
  // Zeros alone have no range: the scale is 1 then, as in ONNX Runtime, and all integers are 0.
  const scale = tf.where(tf.equal(range, 0), tf.onesLike(range), range);
  const zero = tf.clipByValue(tf.round(tf.neg(tf.div(least, scale))), 0, 255);
  return [tf.clipByValue(tf.add(tf.round(tf.div(x, scale)), zero), 0, 255), scale, zero];
}

/** (x - zero point) · scale, with one of each or one for every place along an axis. */
export function dequantise(call: Call): tf.Tensor | undefined {
  // Blocks, and floats of 8 bits or types that are not those of the scale.
  if (['block_size', 'output_dtype'].some((name) => name in call.attributes) || call.types[1] !== 'float32')
    return undefined;
  if (operand(call, 0).size === 0) return undefined;
  const x = operand(call, 0);
  const along = axisOf(integer(call, 'axis', 1), x.rank);
  const spread = (tensor: tf.Tensor): tf.Tensor =>
    tensor.size === 1
      ? tf.reshape(tensor, [])
      : tf.reshape(
          tensor,
          x.shape.map((_, axis) => (axis === along ? tensor.size : 1)),
        );
  return tf.mul(shifted(x, call.operands[2] && spread(call.operands[2])), spread(operand(call, 1)));
}

export const integerProduct = (call: Call): tf.Tensor => {
  const [a, b] = [operand(call, 0), operand(call, 1)];
  const [zeroA, zeroB] = [call.operands[2], call.operands[3]];
  // A vector of zero points is one for each row of the first, and one for each column of the second.
  const rows = zeroA && zeroA.rank === 1 && zeroA.size > 1 ? tf.expandDims(zeroA, -1) : zeroA;
  return tf.matMul(shifted(a, rows), shifted(b, zeroB));
};

/** Padding is the image's zero point, so it is 0 once that is taken off. */
export function integerConvolution(call: Call): tf.Tensor | undefined {
  const [x, weight] = [operand(call, 0), operand(call, 1)];
  const [zeroX, zeroWeight] = [call.operands[2], call.operands[3]];
  const perOutput =
    zeroWeight && zeroWeight.size > 1
      ? tf.reshape(zeroWeight, [zeroWeight.size, ...weight.shape.slice(1).map(() => 1)])
      : zeroWeight;
  return convolution({ ...call, operands: [shifted(x, zeroX), shifted(weight, perOutput)] });
}

const shifted = (x: tf.Tensor, zero: tf.Tensor | undefined): tf.Tensor => {
  const floats = tf.cast(x, 'float32');
  return zero === undefined
    ? floats
    : tf.sub(floats, tf.cast(zero.size === 1 ? tf.reshape(zero, []) : zero, 'float32'));
};
