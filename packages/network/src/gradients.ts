// One training step's loss and gradients of a network.
import type { Batch } from '@logah/data';
import type { Graph } from '@logah/graph-ir';
import { type TensorRecord, takeNumber } from '@logah/tensor-ops';
import * as tf from '@tensorflow/tfjs-core';
import { forward } from './forward.js';
import type { Task } from './task.js';

/** The task's loss on a batch and its gradients by parameter, which the caller owns. Throws GraphError as {@link forward} does. */
export async function networkGradients(
  graph: Graph,
  parameters: TensorRecord,
  batch: Batch,
  task: Task,
): Promise<{ readonly loss: number; readonly gradients: TensorRecord }> {
  const names = graph.parameters.map(({ name }) => name);
  const { value, grads } = tf.valueAndGrads((...values: tf.Tensor[]) => {
    const current = Object.fromEntries(names.map((name, i) => [name, values[i]]));
    const [output] = forward(graph, current, { [graph.inputs[0]]: batch.inputs });
    return task.loss(output, batch);
  })(names.map((name) => parameters[name]));
  return { loss: await takeNumber(value), gradients: Object.fromEntries(names.map((name, i) => [name, grads[i]])) };
}
