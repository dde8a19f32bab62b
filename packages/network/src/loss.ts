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

/**
 * How many rows have their label among their `top` largest logits: logits `[rows, classes]`, labels int32 `[rows]`. Of equal logits those of lower
 * classes count as larger; a logit that is not a number counts as larger than any label's.
 */
export async function correctCount(logits: tf.Tensor, labels: tf.Tensor, top = 1): Promise<number> {
  const classes = logits.shape[1] ?? 0;
  const [scores, answers] = await Promise.all([logits.data(), labels.data()]);
  let correct = 0;
  for (let row = 0; row < answers.length; row++) {
    const first = row * classes;
    const answer = first + answers[row];
    let larger = 0;
    for (let c = first; c < first + classes && larger < top; c++) {
      if (!(scores[c] < scores[answer] || (scores[c] === scores[answer] && c >= answer))) larger++;
    }
    if (larger < top) correct++;
  }
  return correct;
}
