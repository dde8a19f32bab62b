// What networks are trained for: a loss and a count of right answers.
import type { Batch } from '@logah/data';
import * as tf from '@tensorflow/tfjs-core';
import { classificationLoss, correctCount, nextTokenLoss } from './loss.js';

export interface Task {
  /** The mean loss in nats. Differentiable. */
  loss(output: tf.Tensor, batch: Batch): tf.Scalar;
  /** Reads the output; what it is given stays the caller's. */
  judge(output: tf.Tensor, batch: Batch): Promise<Judgement>;
}

/** Answers, how many of them are right, and for how many the right one is among the five likeliest. */
export interface Judgement {
  readonly answers: number;
  readonly correct: number;
  readonly correctInTop5: number;
}

const judged = async (logits: tf.Tensor, labels: tf.Tensor): Promise<Judgement> => ({
  answers: labels.size,
  correct: await correctCount(logits, labels),
  correctInTop5: await correctCount(logits, labels, 5),
});

/** Classes of images. */
export const classification: Task = {
  loss: (logits, { labels }) => classificationLoss(logits, labels),
  judge: (logits, { labels }) => judged(logits, labels),
};

/** The next token of a text. */
export const languageModelling: Task = {
  loss: (logits, { labels }) => nextTokenLoss(logits, labels),
  judge: async (logits, { labels }) => {
    const [batch, time, vocab] = logits.shape;
    const [predictions, targets] = tf.tidy(() => [
      tf.reshape(tf.slice(logits, [0, 0, 0], [batch, time - 1, vocab]), [-1, vocab]),
      tf.reshape(tf.slice(labels, [0, 1], [batch, time - 1]), [-1]),
    ]);
    try {
      return await judged(predictions, targets);
    } finally {
      tf.dispose([predictions, targets]);
    }
  },
};
