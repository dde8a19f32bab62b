// Networks that start from predicted parameters against the same ones that start from random parameters.
import { type DataSource, subset } from '@logah/data';
import { buildArchitecture, formatArchitecture, type Graph, parameterCount } from '@logah/graph-ir';
import type { Hypernet } from '@logah/hypernet';
import {
  type Initializer,
  predictedInitializer,
  type Recipe,
  randomInitializer,
  startState,
  trainNetwork,
} from '@logah/init-eval';
import { classification } from '@logah/network';
import { createRandom } from '@logah/random';
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
    predicted: await judgeStart(graph, predictedInitializer(hypernet), options),
    random: await judgeStart(graph, randomInitializer, options),
  };
}

async function judgeStart(graph: Graph, initializer: Initializer, options: CompareOptions): Promise<StartAndTrained> {
  const { train, test, steps, batch, learningRate, seed } = options;
  const recipe: Recipe = {
    optimizer: { type: 'adamw', weightDecay: 1e-2 },
    learningRate,
    schedule: 'constant',
    epochs: 1,
    batch,
    seed,
  };
  const state = startState(recipe.optimizer, await initializer(graph, createRandom(seed)));
  // One epoch of as many samples as the steps want.
  const samples = subset(
    train,
    Array.from({ length: steps * batch }, (_, i) => i),
  );
  const accuracies: number[] = [];
  for await (const { score } of trainNetwork({ graph, task: classification, train: samples, test, recipe, state })) {
    accuracies.push(score.accuracy);
  }
  return { before: accuracies[0], after: accuracies[accuracies.length - 1] };
}
