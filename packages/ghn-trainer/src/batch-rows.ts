// Parts of a mini-batch.
import type { Batch } from '@logah/data';
import * as tf from '@tensorflow/tfjs-core';

/** Samples `from` to before `to` of a mini-batch, as tensors of their own. */
export function batchRows(batch: Batch, from: number, to: number): Batch {
  const rows = (tensor: tf.Tensor): tf.Tensor =>
    tf.slice(tensor, [from, ...tensor.shape.slice(1).map(() => 0)], [to - from, ...tensor.shape.slice(1)]);
  return { inputs: rows(batch.inputs), labels: rows(batch.labels) };
}

/** A mini-batch in so many parts of the same number of samples, within one. */
export function batchParts(batch: Batch, parts: number): Batch[] {
  const [rows] = batch.inputs.shape;
  const start = (part: number): number => Math.floor((part * rows) / parts);
  return Array.from({ length: parts }, (_, part) => batchRows(batch, start(part), start(part + 1)));
}
