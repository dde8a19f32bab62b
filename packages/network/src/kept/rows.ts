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

export function pad(call: Call): tf.Tensor | undefined {
  const x = operand(call, 0);
  const pads = needed(call, 1);
  const axes = numbers(call, 3) ?? x.shape.map((_, i) => i);
  const sides = x.shape.map((): [number, number] => [0, 0]);
  axes.forEach((axis, i) => {
    sides[axisOf(axis, x.rank)] = [pads[i], pads[i + axes.length]];
  });
  const mode = text(call, 'mode', 'constant');
  // A negative number takes rows away; backends write beyond their memory for one.
  const begins = sides.map(([before]) => Math.max(0, -before));
  const kept = x.shape.map((size, i) => size - begins[i] - Math.max(0, -sides[i][1]));
  const added = sides.map(([before, after]): [number, number] => [Math.max(0, before), Math.max(0, after)]);
  const isCut = begins.some((size) => size > 0) || kept.some((size, i) => size < x.shape[i]);
  if (kept.some((size) => size <= 0)) return undefined;
  if (mode === 'constant') return tf.pad(isCut ? tf.slice(x, begins, kept) : x, added, numbers(call, 2)?.[0] ?? 0);
  const isWithin = added.every(([before, after], i) => before < x.shape[i] && after < x.shape[i]);
  return mode === 'reflect' && !isCut && isWithin ? tf.mirrorPad(x, added, 'reflect') : undefined;
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
  const size = x.shape[axis];
  const places = needed(call, 1).map((index) => (index < 0 ? index + size : index));
  const wrong = places.findIndex((place) => place < 0 || place >= size);
  if (wrong !== -1) throw new GraphError(`the index ${needed(call, 1)[wrong]} is not among ${size}`);
  return tf.gather(x, tf.tensor(Int32Array.from(places), indices.shape, 'int32'), axis);
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

export function spaceToDepth(call: Call): tf.Tensor | undefined {
  if (text(call, 'mode', 'DCR') !== 'DCR') return undefined;
  const x = operand(call, 0);
  const [batch, channels, height, width] = x.shape;
  const size = integer(call, 'blocksize', 1);
  const [rows, columns] = [(height ?? 0) / size, (width ?? 0) / size];
  const parts = tf.reshape(x, [batch, channels, rows, size, columns, size]);
  return tf.reshape(tf.transpose(parts, [0, 3, 5, 1, 2, 4]), [batch, (channels ?? 0) * size ** 2, rows, columns]);
}
