// An inner loop of the first order (arXiv 1703.03400 §5.2): a predicted network is trained a little before its loss is taken, and the gradient of that
// loss is taken as the gradient of the start. So a hypernetwork learns starts that train well, not only starts that answer well.
import type { Batch } from '@logah/data';
import type { Graph } from '@logah/graph-ir';
import { disposeAdamW, initAdamW, networkGradients, type Task, updateAdamW } from '@logah/network';
import type { TensorRecord } from '@logah/tensor-ops';
import * as tf from '@tensorflow/tfjs-core';

export interface InnerLoop {
  /** Steps of AdamW; each has its own part of the mini-batch, and the loss that counts has one as large. */
  readonly steps: number;
  readonly learningRate: number;
}

/** What a step of AdamW on each of `batches` changes of a network's parameters, by name. The caller owns it. */
export async function changeByTraining(
  graph: Graph,
  start: TensorRecord,
  batches: readonly Batch[],
  task: Task,
  learningRate: number,
): Promise<TensorRecord> {
  let current = { parameters: start, state: initAdamW(start) };
  const free = ({ parameters, state }: typeof current): void => {
    disposeAdamW(state);
    if (parameters !== start) tf.dispose(Object.values(parameters));
  };
  try {
    for (const batch of batches) {
      const { gradients } = await networkGradients(graph, current.parameters, batch, task);
      const next = updateAdamW(current.parameters, gradients, current.state, learningRate);
      tf.dispose(Object.values(gradients));
      free(current);
      current = next;
    }
    const { parameters } = current;
    return Object.fromEntries(Object.entries(start).map(([name, tensor]) => [name, tf.sub(parameters[name], tensor)]));
  } finally {
    free(current);
  }
}
