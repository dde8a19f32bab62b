// What networks are trained for: a loss and a count of right answers.
import type { Batch } from '@logah/data';
import * as tf from '@tensorflow/tfjs-core';
import { classificationLoss, correctCount, nextTokenLoss } from './loss.js';

export interface Task {
  /** The mean loss in nats. Differentiable. */
  loss(output: tf.Tensor, batch: Batch): tf.Scalar;
  /** How many of how many answers are right. */
  judge(output: tf.Tensor, batch: Batch): { readonly correct: number; readonly answers: number };
}

/** Classes of images. */
export const classification: Task = {
  loss: (logits, { labels }) => classificationLoss(logits, labels),
  judge: (logits, { labels }) => ({ correct: correctCount(logits, labels), answers: labels.size }),
};

/** The next token of a text. */
export const languageModelling: Task = {
  loss: (logits, { labels }) => nextTokenLoss(logits, labels),
  judge: (logits, { labels }) => {
    const [batch, time, vocab] = logits.shape;
    return tf.tidy(() => {
      const predictions = tf.reshape(tf.slice(logits, [0, 0, 0], [batch, time - 1, vocab]), [-1, vocab]);
      const targets = tf.reshape(tf.slice(labels, [0, 1], [batch, time - 1]), [-1]);
      return { correct: correctCount(predictions, targets), answers: targets.size };
    });
  },
};
