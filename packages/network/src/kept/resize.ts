// Resizing along any axes, by nearest neighbours or by straight lines between two.
import { own } from '@logah/files';
import { textAttribute as text } from '@logah/graph-ir';
import * as tf from '@tensorflow/tfjs-core';
import { type Call, numbers, operand } from './call.js';

/** The place along an axis of `from` elements that element i of the result shows, by ONNX's names. `length` is the exact size of the result. */
const COORDINATES: Readonly<Record<string, (i: number, factor: number, from: number, length: number) => number>> = {
  asymmetric: (i, factor) => i / factor,
  half_pixel: (i, factor) => (i + 0.5) / factor - 0.5,
  pytorch_half_pixel: (i, factor, _, length) => (length === 1 ? -0.5 : (i + 0.5) / factor - 0.5),
  align_corners: (i, _, from, length) => (length === 1 ? 0 : (i * (from - 1)) / (length - 1)),
};

const ROUNDINGS: Readonly<Record<string, (x: number) => number>> = {
  round_prefer_floor: (x) => Math.ceil(x - 0.5),
  round_prefer_ceil: (x) => Math.floor(x + 0.5),
  floor: Math.floor,
  ceil: Math.ceil,
};

/** Undefined for modes that are not here. */
export function resize(call: Call): tf.Tensor | undefined {
  const x = operand(call, 0);
  const scales = numbers(call, 2);
  const sizes = numbers(call, 3);
  const factors = sizes?.length ? sizes.map((size, axis) => size / x.shape[axis]) : scales;
  const mode = text(call, 'mode', 'nearest');
  const where = text(call, 'coordinate_transformation_mode', 'half_pixel');
  const coordinate = own(COORDINATES, where);
  const round = own(ROUNDINGS, text(call, 'nearest_mode', 'round_prefer_floor'));
  const isKnown = (mode === 'nearest' || mode === 'linear') && coordinate !== undefined && round !== undefined;
  const others = ['antialias', 'axes', 'exclude_outside', 'keep_aspect_ratio_policy'];
  if (!isKnown || factors?.length !== x.rank || others.some((name) => name in call.attributes)) return undefined;
  return factors.reduce((tensor: tf.Tensor, factor, axis) => {
    const from = tensor.shape[axis] ?? 0;
    const to = sizes?.length ? sizes[axis] : Math.floor(from * factor);
    if (to === from) return tensor;
    const within = (place: number): number => Math.min(Math.max(place, 0), from - 1);
    const places = Array.from({ length: to }, (_, i) => coordinate(i, factor, from, factor * from));
    const rows = (at: readonly number[]): tf.Tensor => tf.gather(tensor, tf.tensor1d([...at], 'int32'), axis);
    if (mode === 'nearest') return rows(places.map((place) => within(round(place))));
    const exact = places.map(within);
    const shares = tf.tensor(
      exact.map((place) => place - Math.floor(place)),
      tensor.shape.map((_, i) => (i === axis ? to : 1)),
    );
    const [before, after] = [rows(exact.map(Math.floor)), rows(exact.map(Math.ceil))];
    return tf.add(before, tf.mul(tf.sub(after, before), shares));
  }, x);
}
