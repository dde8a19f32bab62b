// Networks trained from a start, for the studies, through the public functions of @logah/init-eval.

import { openHypernet } from '@logah/checkpoints/node';
import { readDataset } from '@logah/data/node';
import { parameterCount } from '@logah/graph-ir';
import { graftedInitializer, predictedInitializer, startRandom, startState, trainNetwork } from '@logah/init-eval';
import { readInitializer } from '@logah/init-eval/node';
import { classification, evaluateNetwork, languageModelling } from '@logah/network';
import * as tf from '@tensorflow/tfjs-core';
import { graphOf } from './graphs.mjs';
import { hypernetFile } from './meta-training.mjs';
import { kept, round } from './store.mjs';

const datasets = new Map();
const initializers = new Map();

/** What `make` gave for a key, made once. */
const once = (cache, key, make) => {
  if (!cache.has(key)) cache.set(key, make());
  return cache.get(key);
};

/** A data set, read once by this process. */
export const dataset = (options) => once(datasets, JSON.stringify(options), () => readDataset(options));

/**
 * The initialiser of a start: a text as `logah eval --init` has it; `{ meta, kind }`, what the hypernetwork of a meta-training predicts;
 * `{ checkpoint }`, what one that ships predicts, also for networks of a kind that it was not made for; or `{ base, donor, roles }`, a
 * start with some roles of another.
 */
export const initializerOf = (folder, start) =>
  once(initializers, JSON.stringify(start), async () => {
    if (typeof start === 'string') return readInitializer(start);
    if ('meta' in start)
      return readInitializer(`${start.kind}:${hypernetFile(folder, start.meta)}${start.modifiers ?? ''}`);
    if ('checkpoint' in start) return predictedInitializer(await openHypernet(start.checkpoint));
    const [base, donor] = [await initializerOf(folder, start.base), await initializerOf(folder, start.donor)];
    return graftedInitializer(base, donor, start.roles);
  });

/** How networks are trained, as in docs/results.md: AdamW with a cosine, clipped at 1. */
export const recipeOf = ({ epochs, batch, rate, seed }) => ({
  optimizer: { type: 'adamw', weightDecay: 0.01 },
  schedule: 'cosine',
  gradientClip: 1,
  learningRate: rate,
  epochs,
  batch,
  seed,
});

const taskOf = ({ kind }) => (kind === 'images' ? classification : languageModelling);

/** The parameters that a start gives a network, for a seed; the caller owns them. */
export const startParameters = async (folder, start, graph, seed) =>
  (await initializerOf(folder, start))(graph, startRandom(seed));

/**
 * One training: `{ settings, result: { parameters, scores } }` with a score before the first epoch and after each. Settings are
 * `{ architecture, start, data, epochs, batch, rate, seed }`; no epochs is the start alone, which may also be judged by the samples
 * to train on, as they are: `judgedBy: 'train'`.
 */
const trainOne = (folder, settings) =>
  kept(folder, 'run', settings, async () => {
    const graph = graphOf(settings.architecture);
    const data = await dataset(settings.data);
    const parameters = await startParameters(folder, settings.start, graph, settings.seed);
    const scores = [];
    if (settings.epochs === 0) {
      const source = settings.judgedBy === 'train' ? data.train : data.test;
      scores.push({ epoch: 0, ...(await evaluateNetwork(graph, parameters, source, taskOf(data), settings.batch)) });
      tf.dispose(Object.values(parameters));
    } else {
      for await (const { score } of trainingOf(graph, data, parameters, settings)) scores.push(score);
    }
    return { parameters: parameterCount(graph), scores: scores.map(short) };
  });

/** The score of a start that nobody trains: {@link trainOne} without epochs. */
export const untrained = (folder, settings) => trainOne(folder, { batch: 64, seed: 0, ...settings, epochs: 0 });

/** The events of a training; it takes the parameters over. */
export const trainingOf = (graph, data, parameters, settings) => {
  const recipe = recipeOf(settings);
  const state = startState(recipe.optimizer, parameters);
  return trainNetwork({ graph, task: taskOf(data), train: data.train, test: data.test, recipe, state });
};

const short = ({ epoch, loss, accuracy, trainLoss }) => ({
  epoch,
  loss: round(loss),
  accuracy: round(accuracy),
  ...(trainLoss == null ? {} : { trainLoss: round(trainLoss) }),
});

/** A start at one rate, the highest of those given, with every seed. */
export const repeated = (folder, settings, { rates, seeds }) =>
  tuned(folder, settings, { rates: [Math.max(...rates)], seeds });

/**
 * A start at the rate that ends best for the first seed, with every seed: `{ settings, result }` of those runs. Rates are tried in turn
 * with the first seed.
 */
export async function tuned(folder, settings, { rates, seeds }) {
  const first = [];
  for (const rate of rates) first.push(await trainOne(folder, { ...settings, rate, seed: 0 }));
  const merit = ({ result: { scores } }) => {
    const { loss, accuracy } = scores[scores.length - 1];
    return settings.data.data === 'text' ? -loss : accuracy;
  };
  const best = first.reduce((a, b) => (merit(b) > merit(a) ? b : a));
  const runs = [best];
  for (let seed = 1; seed < seeds; seed++) runs.push(await trainOne(folder, { ...best.settings, seed }));
  return runs;
}
