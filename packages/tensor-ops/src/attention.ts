// Multi-head scaled dot-product attention (arXiv 1706.03762) on packed projections.
import * as tf from '@tensorflow/tfjs-core';
import { hasKernel, runKernel } from './kernels.js';

/** What GHN-3 gives the logits of pairs that must not see each other: small enough for softmax, and within half precision. */
const MASKED_LOGIT = -(2 ** 15);

/**
 * Attention of packed queries, keys and values: qkv `[batch, time, 3 * features]`, heads side by side within each third.
 * `bias`, broadcast to `[batch, heads, time, time]`, is added to the scaled logits; where the bool `mask` of that shape is false, they become
 * −2^15 instead. Returns `[batch, time, features]`.
 */
export function multiHeadAttention(qkv: tf.Tensor, heads: number, bias?: tf.Tensor, mask?: tf.Tensor): tf.Tensor {
  return tf.tidy(() => {
    const [batch, time, packed] = qkv.shape;
    const features = packed / 3;
    const headSize = features / heads;
    const split = tf.transpose(tf.reshape(qkv, [batch, time, 3, heads, headSize]), [2, 0, 3, 1, 4]); // [3, batch, heads, time, headSize]
    const [queries, keys, values] = tf.split(tf.reshape(split, [3 * batch * heads, time, headSize]), 3, 0);
    const heads4d = (x: tf.Tensor): tf.Tensor => tf.reshape(x, [batch, heads, time, headSize]);
    const mixed = attention(heads4d(queries), heads4d(keys), heads4d(values), bias, mask);
    return tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [batch, time, features]);
  });
}

/**
 * Attention of heads that are split already: queries, keys and values `[batch, heads, time, headSize]`; `bias` and `mask` as for
 * {@link multiHeadAttention}. Returns `[batch, heads, time, headSize]`.
 */
export function attention(
  queries: tf.Tensor,
  keys: tf.Tensor,
  values: tf.Tensor,
  bias?: tf.Tensor,
  mask?: tf.Tensor,
): tf.Tensor {
  return tf.tidy(() => {
    const headSize = queries.shape[3] ?? 0;
    const logits = tf.matMul(tf.mul(queries, 1 / Math.sqrt(headSize)), keys, false, true); // [batch, heads, time, time]
    const biased = bias === undefined ? logits : tf.add(logits, bias);
    const visible = mask === undefined ? biased : tf.where(mask, biased, tf.fill(biased.shape, MASKED_LOGIT));
    return tf.matMul(softmax(visible), values);
  });
}

/** Softmax over the last axis, with the backend's kernel for its gradient where there is one. */
const softmax = tf.customGrad((...args) => {
  const [logits, save] = args as [tf.Tensor, tf.GradSaveFunc];
  const value = tf.softmax(logits);
  save([value]);
  return {
    value,
    gradFunc: (dy: tf.Tensor, [y]: tf.Tensor[]) => {
      if (hasKernel('SoftmaxGrad')) return runKernel('SoftmaxGrad', { dy, y })[0];
      const product = tf.mul(dy, y);
      return tf.sub(product, tf.mul(tf.sum(product, -1, true), y));
    },
  };
});
