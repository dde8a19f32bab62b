// What networks are trained for: a loss and a count of right answers.
import type { Batch } from '@logah/data';
import * as tf from '@tensorflow/tfjs-core';
import { classificationLoss, correctCount, nextTokenLoss } from './loss.js';

export interface Task {
  /** The mean loss in nats. Differentiable. */
  loss(output: tf.Tensor, batch: Batch): tf.Scalar;
  judge(output: tf.Tensor, batch: Batch): Judgement;
}

/** Answers, how many of them are right, and for how many the right one is among the five likeliest. */
// A type and not an interface: tf.tidy takes only the former.
export type Judgement = {
  readonly answers: number;
  readonly correct: number;
  readonly correctInTop5: number;
};

const judged = (logits: tf.Tensor, labels: tf.Tensor): Judgement => ({
  answers: labels.size,
  correct: correctCount(logits, labels),
  correctInTop5: correctCount(logits, labels, 5),
});

/** Classes of images. */
export const classification: Task = {
  loss: (logits, { labels }) => classificationLoss(logits, labels),
  judge: (logits, { labels }) => judged(logits, labels),
};

/** The next token of a text. */
export const languageModelling: Task = {
  loss: (logits, { labels }) => nextTokenLoss(logits, labels),
  judge: (logits, { labels }) => {
    const [batch, time, vocab] = logits.shape;
    return tf.tidy(() => {
      const predictions = tf.reshape(tf.slice(logits, [0, 0, 0], [batch, time - 1, vocab]), [-1, vocab]);
      return judged(predictions, tf.reshape(tf.slice(labels, [0, 1], [batch, time - 1]), [-1]));
    });
  },
};
