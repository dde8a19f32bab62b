// Multi-head scaled dot-product attention (arXiv 1706.03762) on packed projections.
import * as tf from '@tensorflow/tfjs-core';

/**
 * Attention of packed queries, keys and values: qkv `[batch, time, 3 * features]`, heads side by side within each third.
 * `bias`, broadcast to `[batch, heads, time, time]`, is added to the scaled logits. Returns `[batch, time, features]`.
 */
export function multiHeadAttention(qkv: tf.Tensor, heads: number, bias?: tf.Tensor): tf.Tensor {
  return tf.tidy(() => {
    const [batch, time, packed] = qkv.shape;
    const features = packed / 3;
    const headSize = features / heads;
    const split = tf.transpose(tf.reshape(qkv, [batch, time, 3, heads, headSize]), [2, 0, 3, 1, 4]); // [3, batch, heads, time, headSize]
    const [queries, keys, values] = tf.split(tf.reshape(split, [3 * batch * heads, time, headSize]), 3, 0);
    const logits = tf.mul(tf.matMul(queries, keys, false, true), 1 / Math.sqrt(headSize)); // [batch * heads, time, time]
    const biased = bias === undefined ? logits : tf.add(tf.reshape(logits, [batch, heads, time, time]), bias);
    const attention = tf.reshape(tf.softmax(biased), [batch * heads, time, time]);
    const mixed = tf.reshape(tf.matMul(attention, values), [batch, heads, time, headSize]);
    return tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [batch, time, features]);
  });
}
