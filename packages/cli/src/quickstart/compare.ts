// Networks that start from predicted parameters against the same ones from other starts, each at its own best rate, with the spread of seeds.
import { type DataSource, subset } from '@logah/data';
import { buildArchitecture, formatArchitecture, type Graph, parameterCount } from '@logah/graph-ir';
import type { Hypernet } from '@logah/hypernet';
import {
  closedFormInitializer,
  differenceInterval,
  type Initializer,
  type MeanAndDeviation,
  meanAndDeviation,
  predictedInitializer,
  type Recipe,
  startRandom,
  startState,
  trainNetwork,
} from '@logah/init-eval';
import { classification } from '@logah/network';
import type { HeldOut } from './plan.js';

/** A start of one network: accuracy on the test images before any training, and after a few steps of it, over the seeds. */
export interface StartScore {
  readonly start: string;
  readonly before: MeanAndDeviation;
  readonly after: MeanAndDeviation;
  /** The learning rate that did best with the first seed. */
  readonly learningRate: number;
}

export interface Comparison {
  readonly architecture: string;
  readonly novelty: string;
  readonly parameters: number;
  /** The predicted start last. */
  readonly starts: readonly StartScore[];
  /** How much better the predicted start ends than the best other one, and the 95 % interval of that (Welch). */
  readonly gain: {
    readonly over: string;
    readonly mean: number;
    readonly interval: { readonly low: number; readonly high: number } | null;
  };
}

export interface CompareOptions {
  readonly train: DataSource;
  readonly test: DataSource;
  readonly steps: number;
  readonly batch: number;
  readonly learningRates: readonly number[];
  readonly seeds: readonly number[];
  /** Told of every network that was trained. */
  readonly onTrained: () => void;
}

/** Starts that need no training: what PyTorch draws, and the best one in closed form that we know (docs/results.md). */
const OTHERS: ReadonlyMap<string, Initializer> = new Map([
  ['random', closedFormInitializer('random')],
  ['mimetic:position=1.5', closedFormInitializer('mimetic', { position: 1.5 })],
]);

/** How many networks a comparison trains. */
export const trainings = ({ learningRates, seeds }: Pick<CompareOptions, 'learningRates' | 'seeds'>): number =>
  (OTHERS.size + 1) * (learningRates.length + seeds.length - 1);

/** All starts of one network; those of one seed see the same batches. */
export async function compareStarts(
  hypernet: Hypernet,
  { architecture, novelty }: HeldOut,
  options: CompareOptions,
): Promise<Comparison> {
  const graph = buildArchitecture(architecture);
  const starts: StartScore[] = [];
  for (const [start, initializer] of [...OTHERS, ['predicted', predictedInitializer(hypernet)] as const]) {
    starts.push({ start, ...(await judgeStart(graph, initializer, options)) });
  }
  const predicted = starts[starts.length - 1];
  const best = starts.slice(0, -1).reduce((a, b) => (b.after.mean > a.after.mean ? b : a));
  return {
    architecture: formatArchitecture(architecture),
    novelty,
    parameters: parameterCount(graph),
    starts,
    gain: {
      over: best.start,
      mean: predicted.after.mean - best.after.mean,
      interval: differenceInterval(predicted.after, best.after),
    },
  };
}

async function judgeStart(
  graph: Graph,
  initializer: Initializer,
  options: CompareOptions,
): Promise<Omit<StartScore, 'start'>> {
  const { learningRates, seeds } = options;
  const [firstSeed, ...otherSeeds] = seeds;
  const pilots: Array<TrainedScore & { readonly learningRate: number }> = [];
  for (const learningRate of learningRates) {
    pilots.push({
      learningRate,
      ...(await trainFrom(graph, initializer, { ...options, learningRate, seed: firstSeed })),
    });
  }
  const best = pilots.reduce((a, b) => (b.after > a.after ? b : a));
  const scores: TrainedScore[] = [best];
  for (const seed of otherSeeds) {
    scores.push(await trainFrom(graph, initializer, { ...options, learningRate: best.learningRate, seed }));
  }
  return {
    before: meanAndDeviation(scores.map(({ before }) => before)),
    after: meanAndDeviation(scores.map(({ after }) => after)),
    learningRate: best.learningRate,
  };
}

interface TrainedScore {
  readonly before: number;
  readonly after: number;
}

async function trainFrom(
  graph: Graph,
  initializer: Initializer,
  options: CompareOptions & { readonly learningRate: number; readonly seed: number },
): Promise<TrainedScore> {
  const { train, test, steps, batch, learningRate, seed, onTrained } = options;
  const recipe: Recipe = {
    optimizer: { type: 'adamw', weightDecay: 1e-2 },
    learningRate,
    schedule: 'cosine',
    epochs: 1,
    batch,
    seed,
  };
  const state = startState(recipe.optimizer, await initializer(graph, startRandom(seed)));
  // One epoch of as many samples as the steps want.
  const samples = subset(
    train,
    Array.from({ length: steps * batch }, (_, i) => i),
  );
  const accuracies: number[] = [];
  for await (const { score } of trainNetwork({ graph, task: classification, train: samples, test, recipe, state })) {
    accuracies.push(score.accuracy);
  }
  onTrained();
  return { before: accuracies[0], after: accuracies[accuracies.length - 1] };
}
