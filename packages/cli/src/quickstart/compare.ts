// Networks that start from predicted parameters against the same ones that start from random parameters.
import { type DataSource, epochBatches } from '@logah/data';
import { buildArchitecture, formatArchitecture, type Graph, parameterCount } from '@logah/graph-ir';
import { type Hypernet, predict } from '@logah/hypernet';
import {
  classification,
  disposeAdamW,
  evaluateNetwork,
  initAdamW,
  networkGradients,
  randomParameters,
  type TensorRecord,
  updateAdamW,
} from '@logah/network';
import { createRandom } from '@logah/random';
import * as tf from '@tensorflow/tfjs-core';
import type { HeldOut } from './plan.js';

/** Accuracy on the test images before any training, and after a few steps of it. */
export interface StartAndTrained {
  readonly before: number;
  readonly after: number;
}

export interface Comparison {
  readonly architecture: string;
  readonly novelty: string;
  readonly parameters: number;
  readonly predicted: StartAndTrained;
  readonly random: StartAndTrained;
}

export interface CompareOptions {
  readonly train: DataSource;
  readonly test: DataSource;
  readonly steps: number;
  readonly batch: number;
  readonly learningRate: number;
  readonly seed: number;
}

/** Both starts of one network, trained on the same batches. */
export async function compareStarts(
  hypernet: Hypernet,
  { architecture, novelty }: HeldOut,
  options: CompareOptions,
): Promise<Comparison> {
  const graph = buildArchitecture(architecture);
  return {
    architecture: formatArchitecture(architecture),
    novelty,
    parameters: parameterCount(graph),
    predicted: judgeStart(graph, await predictedParameters(hypernet, graph, options.seed), options),
    random: judgeStart(graph, randomParameters(graph, createRandom(options.seed)), options),
  };
}

/** The predicted parameters of a network as tensors, which the caller owns. */
export async function predictedParameters(hypernet: Hypernet, graph: Graph, seed: number): Promise<TensorRecord> {
  const parameters: Record<string, tf.Tensor> = {};
  for await (const { name, shape, data } of predict(hypernet, graph, { random: createRandom(seed) })) {
    parameters[name] = tf.tensor(data, [...shape]);
  }
  return parameters;
}

/** Takes the parameters over. */
function judgeStart(graph: Graph, start: TensorRecord, options: CompareOptions): StartAndTrained {
  const { train, test, steps, batch, learningRate, seed } = options;
  const score = (parameters: TensorRecord): number => evaluateNetwork(graph, parameters, test, classification).accuracy;
  const before = score(start);
  let parameters = start;
  let state = initAdamW(parameters);
  for (const indices of epochBatches(train.length, batch, createRandom(seed)).slice(0, steps)) {
    const samples = train.batch(indices);
    const { gradients } = networkGradients(graph, parameters, samples, classification);
    const next = updateAdamW(parameters, gradients, state, learningRate);
    tf.dispose([samples.inputs, samples.labels, Object.values(gradients), Object.values(parameters)]);
    disposeAdamW(state);
    ({ parameters, state } = next);
  }
  const after = score(parameters);
  tf.dispose(Object.values(parameters));
  disposeAdamW(state);
  return { before, after };
}
