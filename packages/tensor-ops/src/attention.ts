// Multi-head scaled dot-product attention (arXiv 1706.03762) on packed projections.
import * as tf from '@tensorflow/tfjs-core';
import { hasKernel, runKernel } from './kernels.js';

/** What GHN-3 gives the logits of pairs that must not see each other: small enough for softmax, and within half precision. */
const MASKED_LOGIT = -(2 ** 15);

/** Added to the attention logits of later positions: exp of it is 0 in float32. */
const LATER_LOGIT = -1e9;

/** More attention probabilities than this are computed step by step: the calls do not count then, and each step's memory is free for the next. */
const MOST_IN_ONE_CALL = 2 ** 21;

/** 0 where a position may look, `[time, time]`, a large negative number where it would look ahead. */
function causalMask(time: number): tf.Tensor2D {
  const mask = Float32Array.from({ length: time * time }, (_, i) =>
    i % time > Math.floor(i / time) ? LATER_LOGIT : 0,
  );
  return tf.tensor2d(mask, [time, time]);
}

/** What attention sees: by default all pairs alike. */
export interface AttentionOptions {
  /** Added to the scaled logits, broadcast to `[batch, heads, time, time]`. */
  readonly bias?: tf.Tensor | undefined;
  /** Of bool, broadcast likewise: where it is false the logits become −2^15. */
  readonly mask?: tf.Tensor | undefined;
  /** Whether no position sees later ones. */
  readonly isCausal?: boolean;
}

/**
 * Attention of packed queries, keys and values: qkv `[batch, time, 3 * features]`, heads side by side within each third.
 * Returns `[batch, time, features]`.
 */
export function multiHeadAttention(qkv: tf.Tensor, heads: number, options: AttentionOptions = {}): tf.Tensor {
  return tf.tidy(() => {
    const [batch, time, packed] = qkv.shape;
    const { bias, mask, isCausal = false } = options;
    const isOneCall = batch * heads * time * time <= MOST_IN_ONE_CALL && hasKernel('SelfAttention');
    if (isOneCall && bias === undefined && mask === undefined)
      return wholeLayer(qkv, heads, isCausal ? causalMask(time) : undefined);
    const features = packed / 3;
    const headSize = features / heads;
    const split = tf.transpose(tf.reshape(qkv, [batch, time, 3, heads, headSize]), [2, 0, 3, 1, 4]); // [3, batch, heads, time, headSize]
    const [queries, keys, values] = tf.split(tf.reshape(split, [3 * batch * heads, time, headSize]), 3, 0);
    const heads4d = (x: tf.Tensor): tf.Tensor => tf.reshape(x, [batch, heads, time, headSize]);
    const mixed = attention(heads4d(queries), heads4d(keys), heads4d(values), options);
    return tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [batch, time, features]);
  });
}

/** The layer and its gradient as one call each: small networks are bound by the number of calls. `bias` `[time, time]` is not differentiated. */
function wholeLayer(qkv: tf.Tensor, heads: number, bias: tf.Tensor | undefined): tf.Tensor {
  const layer = tf.customGrad((...args) => {
    const [x, save] = args as [tf.Tensor, tf.GradSaveFunc];
    const [value, probabilities] = runKernel('SelfAttention', { qkv: x, ...(bias ? { bias } : {}) }, { heads });
    save([x, probabilities]);
    return {
      value,
      gradFunc: (dy: tf.Tensor, [input, weights]: tf.Tensor[]) =>
        runKernel('SelfAttentionGrad', { dy, qkv: input, probabilities: weights }, { heads })[0],
    };
  });
  return layer(qkv);
}

/** Attention of heads that are split already: queries, keys and values `[batch, heads, time, headSize]`. Returns `[batch, heads, time, headSize]`. */
export function attention(
  queries: tf.Tensor,
  keys: tf.Tensor,
  values: tf.Tensor,
  { bias, mask, isCausal = false }: AttentionOptions = {},
): tf.Tensor {
  return tf.tidy(() => {
    const [, , time = 0, headSize = 0] = queries.shape;
    const logits = tf.matMul(tf.mul(queries, 1 / Math.sqrt(headSize)), keys, false, true); // [batch, heads, time, time]
    const later = isCausal ? causalMask(time) : undefined;
    const added = later && bias ? tf.add(later, bias) : (later ?? bias);
    const biased = added === undefined ? logits : tf.add(logits, added);
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
