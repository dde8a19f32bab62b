// What Node.js predicts, to hold the page against.
import '@logah/backend-ort';
import { cardOf } from '@logah/checkpoints';
import { loadCheckpoint } from '@logah/checkpoints/node';
import type { Graph } from '@logah/graph-ir';
import { predict } from '@logah/hypernet';
import { createRandom } from '@logah/random';
import * as tf from '@tensorflow/tfjs-core';

/** Every parameter of a graph from a shipped hypernetwork, with the seed that the page begins with. */
export async function nodePrediction(hypernetwork: string, graph: Graph): Promise<Map<string, Float32Array>> {
  await tf.setBackend('ort');
  const hypernet = await loadCheckpoint(cardOf(hypernetwork).name);
  const values = new Map<string, Float32Array>();
  for await (const { name, data } of predict(hypernet, graph, { random: createRandom(0) })) values.set(name, data);
  return values;
}
