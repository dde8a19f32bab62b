// Fills the open network: every parameter predicted, measured and kept for a download.
import { cardOf, fitOf } from '@logah/checkpoints/catalog';
import { classLayer, type Graph, parameterCount } from '@logah/graph-ir';
import { disposeHypernet, type Hypernet, type PredictedTensor, predict } from '@logah/hypernet';
import { diversity, findings, type LayerStatistics, layerStatistics } from '@logah/init-eval';
import { withFreshClassLayer } from '@logah/network';
import { createRandom, type Random } from '@logah/random';
import * as tf from '@tensorflow/tfjs-core';
import { useBackend } from './backend.js';
import { shippedHypernet, untrainedHypernet } from './checkpoints.js';
import { domainOf, type OpenedNetwork, UNTRAINED } from './facts.js';
import type { Calls, Prediction } from './protocol.js';

/** A filled network. */
export interface Predicted {
  readonly graph: Graph;
  readonly name: string;
  readonly values: ReadonlyMap<string, Float32Array>;
  readonly prediction: Prediction;
}

/** What a tab can hold beside its copy for a download. */
const MOST_PARAMETERS = 150e6;
/** Singular values of a larger matrix take longer than the prediction: operations of its Gram matrix. */
const MOST_SPECTRUM = 6e9;
/** All weights at once have to fit into the memory of WebAssembly. */
const MOST_COMPARED = 40e6;

/**
 * Predicts every parameter of a network. Throws Error for a network too large for a tab, and what the hypernetwork throws.
 */
export async function predictNetwork(
  { graph, name, values: own }: OpenedNetwork,
  hypernetName: string,
  seed: number,
  progress: (value: Calls['predict']['progress']) => void,
): Promise<Predicted> {
  const count = parameterCount(graph);
  if (count > MOST_PARAMETERS) {
    throw new Error(
      `${Math.round(count / 1e6)} million parameters are more than a tab can hold (${MOST_PARAMETERS / 1e6} million); ` +
        `on a command line: logah predict ${name} --out network.safetensors`,
    );
  }
  const backend = await useBackend();
  const isUntrained = hypernetName === UNTRAINED;
  const hypernet = isUntrained ? untrainedHypernet(domainOf(graph), seed) : await shippedHypernet(cardOf(hypernetName));
  const random = createRandom(seed);
  const needsNewHead = !isUntrained && fitOf(cardOf(hypernetName), graph).needsNewHead;
  const started = performance.now();
  try {
    const values = new Map<string, Float32Array>();
    const layers: LayerStatistics[] = [];
    for await (const tensor of filled(hypernet, graph, { random, needsNewHead, own })) {
      values.set(tensor.name, tensor.data);
      layers.push(await statisticsOf(tensor));
      progress({ done: layers.length, total: graph.parameters.length, name: tensor.name });
    }
    const prediction: Prediction = {
      hypernet: hypernetName,
      backend,
      seconds: (performance.now() - started) / 1000,
      parameters: count,
      layers,
      findings: findings(graph, layers),
      diversity: count > MOST_COMPARED ? null : await diversityOf(graph, values),
    };
    return { graph, name, values, prediction };
  } finally {
    if (isUntrained) disposeHypernet(hypernet);
  }
}

interface Filling {
  readonly random: Random;
  readonly needsNewHead: boolean;
  readonly own: OpenedNetwork['values'];
}

/** Predicted tensors; those of the last layer drawn where the hypernetwork knows other classes. */
async function* filled(
  hypernet: Hypernet,
  graph: Graph,
  { random, needsNewHead, own }: Filling,
): AsyncGenerator<PredictedTensor> {
  const ofHead = new Set(needsNewHead ? Object.values(classLayer(graph)?.parameters ?? {}) : []);
  for await (const tensor of predict(hypernet, graph, { random, ...(own ? { unpredicted: own } : {}) })) {
    if (!ofHead.has(tensor.name)) {
      yield tensor;
      continue;
    }
    const { name, shape } = tensor;
    const drawn = tf.tidy(() => withFreshClassLayer(graph, { [name]: tf.zeros([...shape]) }, random)[name]);
    yield { name, shape, data: Float32Array.from(await drawn.data()) };
    drawn.dispose();
  }
}

/** A matrix too large for its spectrum is measured as a vector is. */
async function statisticsOf({ name, shape, data }: PredictedTensor): Promise<LayerStatistics> {
  const [rows = 1] = shape;
  const columns = data.length / rows;
  const isLarge = rows * columns * Math.min(rows, columns) > MOST_SPECTRUM;
  const tensor = tf.tensor(data, isLarge ? [data.length] : [...shape]);
  const [statistics] = await layerStatistics({ [name]: tensor });
  tensor.dispose();
  return { ...statistics, shape };
}

async function diversityOf(graph: Graph, values: ReadonlyMap<string, Float32Array>): Promise<number | null> {
  const matrices = Object.fromEntries(
    graph.parameters
      .filter(({ shape }) => shape.length > 1)
      .map(({ name, shape }) => [name, tf.tensor(values.get(name) ?? [], [...shape])]),
  );
  const mean = await diversity(matrices);
  tf.dispose(Object.values(matrices));
  return mean;
}
