// Kept operators that move elements: slices, pads, splits, gathers.
import { GraphError, integerAttribute as integer, textAttribute as text } from '@logah/graph-ir';
import * as tf from '@tensorflow/tfjs-core';
import { axisOf, type Call, needed, numbers, operand } from './call.js';

export function reshape(call: Call): tf.Tensor {
  const x = operand(call, 0);
  const keepsZero = integer(call, 'allowzero', 0) === 1;
  return tf.reshape(
    x,
    needed(call, 1).map((size, i) => (size === 0 && !keepsZero ? x.shape[i] : size)),
  );
}

export function slice(call: Call): tf.Tensor {
  const x = operand(call, 0);
  const [starts, ends] = [needed(call, 1), needed(call, 2)];
  const axes = numbers(call, 3) ?? starts.map((_, i) => i);
  const steps = numbers(call, 4) ?? starts.map(() => 1);
  const rows = x.shape.map((size) => ({ start: 0, end: size, step: 1 }));
  axes.forEach((place, i) => {
    const axis = axisOf(place, x.rank);
    const size = x.shape[axis];
    const least = steps[i] > 0 ? 0 : -1;
    const within = (value: number): number => {
      const most = steps[i] > 0 ? size : size - 1;
      return Math.min(Math.max(value < 0 ? value + size : value, least), most);
    };
    rows[axis] = { start: within(starts[i]), end: within(ends[i]), step: steps[i] };
  });
  if (rows.every(({ step }) => step === 1))
    return tf.slice(
      x,
      rows.map(({ start }) => start),
      rows.map(({ start, end }) => Math.max(0, end - start)),
    );
  return rows.reduce((tensor: tf.Tensor, { start, end, step }, axis) => {
    if (step === 1 && start === 0 && end === x.shape[axis]) return tensor;
    const count = Math.max(0, Math.ceil((end - start) / step));
    const places = Array.from({ length: count }, (_, i) => start + i * step);
    return tf.gather(tensor, tf.tensor1d(places, 'int32'), axis);
  }, x);
}

export function pad(call: Call): tf.Tensor {
  const x = operand(call, 0);
  const pads = needed(call, 1);
  const axes = numbers(call, 3) ?? x.shape.map((_, i) => i);
  const sides = x.shape.map((): [number, number] => [0, 0]);
  axes.forEach((axis, i) => {
    sides[axisOf(axis, x.rank)] = [pads[i], pads[i + axes.length]];
  });
  switch (text(call, 'mode', 'constant')) {
    case 'constant':
      return tf.pad(x, sides, numbers(call, 2)?.[0] ?? 0);
    case 'reflect':
      return tf.mirrorPad(x, sides, 'reflect');
    default:
      throw new GraphError(`pads with mode "${text(call, 'mode', '')}"; "constant" and "reflect" can be run`);
  }
}

export function split(call: Call): tf.Tensor[] {
  const x = operand(call, 0);
  const axis = axisOf(integer(call, 'axis', 0), x.rank);
  const sizes = numbers(call, 1);
  const each = Math.ceil(x.shape[axis] / call.results);
  return tf.split(
    x,
    sizes ?? Array.from({ length: call.results }, (_, i) => Math.min(each, x.shape[axis] - each * i)),
    axis,
  );
}

export function gather(call: Call): tf.Tensor {
  const [x, indices] = [operand(call, 0), operand(call, 1)];
  const axis = axisOf(integer(call, 'axis', 0), x.rank);
  const size = tf.scalar(x.shape[axis], 'int32');
  const places = tf.where(tf.less(indices, tf.scalar(0, 'int32')), tf.add(indices, size), indices);
  return tf.gather(x, tf.cast(places, 'int32'), axis);
}

/** Elements, or whole slices, at indices `[..., depth]` of the first axes. */
export function gatherAt(call: Call): tf.Tensor {
  if (integer(call, 'batch_dims', 0) !== 0) throw new GraphError('with batch_dims cannot be run');
  const [x, indices] = [operand(call, 0), tf.cast(operand(call, 1), 'int32')];
  const sizes = tf.tensor1d(x.shape.slice(0, indices.shape.at(-1)), 'int32');
  return tf.gatherND(x, tf.where(tf.less(indices, tf.scalar(0, 'int32')), tf.add(indices, sizes), indices));
}

/** The largest or smallest elements along the last axis, and where they are. */
export function top(call: Call): tf.Tensor[] {
  const x = operand(call, 0);
  const [count] = needed(call, 1);
  if (axisOf(integer(call, 'axis', -1), x.rank) !== x.rank - 1)
    throw new GraphError('of another axis than the last cannot be run');
  const isLargest = integer(call, 'largest', 1) === 1;
  const { values, indices } = tf.topk(isLargest ? x : tf.neg(x), count, true);
  return [isLargest ? values : tf.neg(values), indices];
}

/** The place of the largest or smallest element along an axis. */
export const place =
  (find: typeof tf.argMax) =>
  (call: Call): tf.Tensor => {
    const x = operand(call, 0);
    const axis = axisOf(integer(call, 'axis', 0), x.rank);
    if (integer(call, 'select_last_index', 0) === 1) throw new GraphError('with select_last_index cannot be run');
    const found = find(x, axis);
    return integer(call, 'keepdims', 1) === 1 ? tf.expandDims(found, axis) : found;
  };

/** A row of one value with another at the index; the rows lie along a new axis. */
export function oneHot(call: Call): tf.Tensor {
  const [indices, [depth], [off, on]] = [operand(call, 0), needed(call, 1), needed(call, 2)];
  const rows = tf.oneHot(
    tf.cast(indices, 'int32'),
    depth,
    on,
    off,
    operand(call, 2).dtype === 'int32' ? 'int32' : 'float32',
  );
  const axis = axisOf(integer(call, 'axis', -1), rows.rank);
  const order = rows.shape.map((_, i) => i);
  order.splice(axis, 0, ...order.splice(-1));
  return axis === rows.rank - 1 ? rows : tf.transpose(rows, order);
}

/** Channels as pixels of larger images, or the other way round. */
export function depthToSpace(call: Call): tf.Tensor {
  const x = operand(call, 0);
  const [batch, channels, height, width] = x.shape;
  const size = integer(call, 'blocksize', 1);
  const depth = (channels ?? 0) / size ** 2;
  const isDepthFirst = text(call, 'mode', 'DCR') === 'DCR';
  const parts = tf.reshape(
    x,
    isDepthFirst ? [batch, size, size, depth, height, width] : [batch, depth, size, size, height, width],
  );
  const placed = tf.transpose(parts, isDepthFirst ? [0, 3, 4, 1, 5, 2] : [0, 1, 4, 2, 5, 3]);
  return tf.reshape(placed, [batch, depth, (height ?? 0) * size, (width ?? 0) * size]);
}

export function spaceToDepth(call: Call): tf.Tensor {
  const x = operand(call, 0);
  const [batch, channels, height, width] = x.shape;
  const size = integer(call, 'blocksize', 1);
  const [rows, columns] = [(height ?? 0) / size, (width ?? 0) / size];
  const parts = tf.reshape(x, [batch, channels, rows, size, columns, size]);
  return tf.reshape(tf.transpose(parts, [0, 3, 5, 1, 2, 4]), [batch, (channels ?? 0) * size ** 2, rows, columns]);
}
