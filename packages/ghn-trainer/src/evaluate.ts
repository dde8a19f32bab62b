// How good the networks are that a hypernetwork predicts.
import type { DataSource } from '@logah/data';
import { buildArchitecture, parseArchitecture } from '@logah/graph-ir';
import { type Hypernet, lowerFor, predictTensors } from '@logah/hypernet';
import { evaluateNetwork, type NetworkScore, type Task } from '@logah/network';
import * as tf from '@tensorflow/tfjs-core';

/** The score of one predicted network, untrained. */
export interface PredictedScore extends NetworkScore {
  readonly architecture: string;
}

/**
 * Predicts each architecture and scores it on all samples of a source; `reference` as in `LoweringOptions`. What is not
 * predicted is 0.
 */
export async function evaluatePredictions(
  hypernet: Hypernet,
  architectures: readonly string[],
  source: DataSource,
  task: Task,
  options: { readonly batchSize?: number | undefined; readonly reference?: boolean | undefined } = {},
): Promise<PredictedScore[]> {
  const { batchSize, reference = false } = options;
  const scores: PredictedScore[] = [];
  for (const architecture of architectures) {
    const graph = buildArchitecture(parseArchitecture(architecture));
    const predicted = predictTensors(hypernet, lowerFor(hypernet, graph, { reference }));
    const parameters = Object.fromEntries(
      graph.parameters.map(({ name, shape }) => [name, predicted[name] ?? tf.zeros([...shape])]),
    );
    const score = await evaluateNetwork(graph, parameters, source, task, batchSize);
    tf.dispose(Object.values(parameters));
    scores.push({ architecture, ...score });
  }
  return scores;
}
