// How good a network is on a data set.
import type { DataSource } from '@logah/data';
import type { Graph } from '@logah/graph-ir';
import { type TensorRecord, takeNumber } from '@logah/tensor-ops';
import * as tf from '@tensorflow/tfjs-core';
import { forward } from './forward.js';
import type { Task } from './task.js';

export interface NetworkScore {
  /** The mean loss in nats; exp of it is the perplexity of a language model. */
  readonly loss: number;
  /** The share of right answers. */
  readonly accuracy: number;
  /** The share of answers for which the right one is among the five likeliest. */
  readonly top5Accuracy: number;
}

/** The score of a network over all samples of a source, without augmentation. Throws RangeError for an empty source. */
export async function evaluateNetwork(
  graph: Graph,
  parameters: TensorRecord,
  source: DataSource,
  task: Task,
  batchSize = 100,
): Promise<NetworkScore> {
  if (source.length === 0) throw new RangeError('a data source without samples has no score');
  let loss = 0;
  let correct = 0;
  let correctInTop5 = 0;
  let answers = 0;
  for (let first = 0; first < source.length; first += batchSize) {
    const count = Math.min(batchSize, source.length - first);
    const batch = source.batch(Array.from({ length: count }, (_, i) => first + i));
    const held: tf.Tensor[] = [batch.inputs, batch.labels];
    try {
      const output = tf.tidy(() => forward(graph, parameters, { [graph.inputs[0]]: batch.inputs })[0]);
      held.push(output);
      loss += (await takeNumber(task.loss(output, batch))) * count;
      const judged = await task.judge(output, batch);
      correct += judged.correct;
      correctInTop5 += judged.correctInTop5;
      answers += judged.answers;
    } finally {
      tf.dispose(held);
    }
  }
  return { loss: loss / source.length, accuracy: correct / answers, top5Accuracy: correctInTop5 / answers };
}
