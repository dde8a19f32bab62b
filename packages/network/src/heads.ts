// Attention heads that are projected apart: rotary embedding, and keys that groups of query heads share.
import type { OperatorAttributes } from '@logah/graph-ir';
import * as tf from '@tensorflow/tfjs-core';

/** `[batch, time, heads * headSize]` to `[batch, heads, time, headSize]`. */
function splitHeads(x: tf.Tensor, heads: number): tf.Tensor {
  const [batch, time, features] = x.shape;
  return tf.transpose(tf.reshape(x, [batch, time, heads, features / heads]), [0, 2, 1, 3]);
}

/** `[batch, heads, time, headSize]` to `[batch, time, heads * headSize]`. */
export function joinHeads(x: tf.Tensor): tf.Tensor {
  const [batch, heads, time, headSize] = x.shape;
  return tf.reshape(tf.transpose(x, [0, 2, 1, 3]), [batch, time, heads * headSize]);
}

/** Queries, keys and values as `[batch, heads, time, headSize]`, each key and value head repeated for its group of query heads. */
export function groupedHeads(
  [queries, keys, values]: readonly tf.Tensor[],
  { heads, keyValueHeads }: OperatorAttributes['grouped_attention'],
): readonly [tf.Tensor, tf.Tensor, tf.Tensor] {
  const repeat = (x: tf.Tensor): tf.Tensor => {
    const split = splitHeads(x, keyValueHeads);
    if (heads === keyValueHeads) return split;
    const group = heads / keyValueHeads;
    const sharedBy = Int32Array.from({ length: heads }, (_, head) => Math.floor(head / group));
    return tf.gather(split, tf.tensor1d(sharedBy, 'int32'), 1);
  };
  return [splitHeads(queries, heads), repeat(keys), repeat(values)];
}

/**
 * Rotary position embedding (arXiv 2104.09864) in Hugging Face's order: the second half of a head is the partner of the first. With the angle of a position
 * and pair, x cos + (-second, first) sin. x `[batch, time, heads * headSize]`.
 */
export function rotate(x: tf.Tensor, { heads, base }: OperatorAttributes['rotary_embedding']): tf.Tensor {
  const [batch, time, features] = x.shape;
  const headSize = features / heads;
  const half = headSize / 2;
  const angles = Float32Array.from(
    { length: time * headSize },
    (_, i) => Math.floor(i / headSize) * base ** ((-2 * (i % half)) / headSize),
  );
  const table = (f: (angle: number) => number): tf.Tensor => tf.tensor4d(angles.map(f), [1, time, 1, headSize]);
  const split = tf.reshape(x, [batch, time, heads, headSize]);
  const [first, second] = tf.split(split, 2, 3);
  const partner = tf.concat([tf.neg(second), first], 3);
  return tf.reshape(tf.add(tf.mul(split, table(Math.cos)), tf.mul(partner, table(Math.sin))), x.shape);
}
