// What an untrained network answers for a digit: one that is predicted, next to one that is drawn at random.
import type { Graph } from '@logah/graph-ir';
import { forward } from '@logah/network';
import type { TensorRecord } from '@logah/tensor-ops';
import * as tf from '@tensorflow/tfjs-core';
import { digitImages, requireDigitsCard } from './digits.js';
import type { Answer } from './protocol.js';
import { graphOf, startParameters } from './starts.js';

interface Pair {
  readonly architecture: string;
  readonly graph: Graph;
  readonly predicted: TensorRecord;
  readonly random: TensorRecord;
}

let kept: Pair | undefined;

/** The probabilities of the ten digits from both networks; they are kept for the next digit. */
export async function answersFor(architecture: string, pixels: Uint8Array): Promise<Answer> {
  const { graph, predicted, random } = await pairOf(architecture);
  const source = digitImages({ pixels, labels: new Uint8Array(1) }, requireDigitsCard());
  const { inputs, labels } = source.batch([0]);
  const probabilities = async (parameters: TensorRecord): Promise<number[]> => {
    const shares = tf.tidy(() => tf.softmax(forward(graph, parameters, { [graph.inputs[0]]: inputs })[0]));
    const values = await shares.data();
    shares.dispose();
    return [...values];
  };
  const answer = { predicted: await probabilities(predicted), random: await probabilities(random) };
  tf.dispose([inputs, labels]);
  return answer;
}

async function pairOf(architecture: string): Promise<Pair> {
  if (kept?.architecture === architecture) return kept;
  const graph = graphOf(architecture);
  const predicted = await startParameters(graph, 'predicted', 0);
  const random = await startParameters(graph, 'random', 0);
  if (kept !== undefined) tf.dispose([Object.values(kept.predicted), Object.values(kept.random)]);
  kept = { architecture, graph, predicted, random };
  return kept;
}
