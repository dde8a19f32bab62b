// What a network is trained on and judged by.
import { softmaxCrossEntropy } from '@logah/tensor-ops';
import * as tf from '@tensorflow/tfjs-core';

/** The mean cross-entropy of images' classes: logits `[batch, classes]`, labels int32 `[batch]`. In nats. */
export function classificationLoss(logits: tf.Tensor, labels: tf.Tensor): tf.Scalar {
  return tf.tidy(() => softmaxCrossEntropy(logits as tf.Tensor2D, labels as tf.Tensor1D));
}

/** The mean cross-entropy of each next token: logits `[batch, time, vocab]`, ids int32 `[batch, time]`. In nats; exp of it is the perplexity. */
export function nextTokenLoss(logits: tf.Tensor, ids: tf.Tensor): tf.Scalar {
  return tf.tidy(() => {
    const [batch, time, vocab] = logits.shape as [number, number, number];
    const predictions = tf.reshape(tf.slice(logits, [0, 0, 0], [batch, time - 1, vocab]), [batch * (time - 1), vocab]);
    const targets = tf.reshape(tf.slice(ids, [0, 1], [batch, time - 1]), [batch * (time - 1)]);
    return softmaxCrossEntropy(predictions as tf.Tensor2D, tf.cast(targets, 'int32') as tf.Tensor1D);
  });
}

/** How many rows have their largest logit at their label: logits `[batch, classes]`, labels int32 `[batch]`. */
export async function correctCount(logits: tf.Tensor, labels: tf.Tensor): Promise<number> {
  const count = tf.tidy(() => tf.sum(tf.cast(tf.equal(tf.argMax(logits, 1), labels), 'int32')));
  const [value] = await count.data();
  count.dispose();
  return value;
}
