// Fills the open network: every parameter predicted, measured and kept for a download.
import { cardOf, fitOf, provenance } from '@logah/checkpoints/catalog';
import { classLayer, type Graph, parameterCount } from '@logah/graph-ir';
import { disposeHypernet, type PredictedTensor, predict } from '@logah/hypernet';
import { adviceOn, diversity, findings, type LayerStatistics, layerStatistics } from '@logah/init-eval';
import { withFreshClassLayer } from '@logah/network';
import { createRandom, type Random } from '@logah/random';
import * as tf from '@tensorflow/tfjs-core';
import { onWebGpu, useBackend } from './backend.js';
import { checkWebGpu } from './check-webgpu.js';
import { shippedHypernet, untrainedHypernet } from './checkpoints.js';
import { domainOf, type OpenedNetwork, tooLargeFor } from './facts.js';
import { type Calls, type Prediction, UNTRAINED } from './protocol.js';

/** A filled network. */
export interface Predicted {
  readonly graph: Graph;
  readonly name: string;
  readonly values: ReadonlyMap<string, Float32Array>;
  readonly prediction: Prediction;
  /** What its file says of where the values are from: what `logah predict` writes. */
  readonly origin: Readonly<Record<string, string>>;
}

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
  progress: Progress,
): Promise<Predicted> {
  const tooLarge = tooLargeFor(graph);
  if (tooLarge !== null) throw new Error(tooLarge);
  const count = parameterCount(graph);
  await useBackend();
  const { values, seconds, backend, why } = await predictSomewhere({ graph, hypernetName, seed, own }, progress);
  const layers: LayerStatistics[] = [];
  for (const { name: tensor, shape } of graph.parameters) {
    layers.push(await statisticsOf({ name: tensor, shape, data: values.get(tensor) ?? new Float32Array() }));
    progress({ phase: 'measured', done: layers.length, total: graph.parameters.length, name: tensor });
  }
  const prediction: Prediction = {
    hypernet: hypernetName,
    backend,
    why,
    seconds,
    parameters: count,
    layers,
    findings: findings(graph, layers).map(({ kind, text }) => {
      const { text: advice, isTrouble } = adviceOn(kind);
      return { text, advice, isTrouble };
    }),
    diversity: count > MOST_COMPARED ? null : await diversityOf(graph, values),
  };
  return { graph, name, values, prediction, origin: originOf(hypernetName, graph, seed) };
}

function originOf(hypernetName: string, graph: Graph, seed: number): Record<string, string> {
  if (hypernetName === UNTRAINED) return { predicted_by: `untrained tiny, seed ${seed}` };
  const card = cardOf(hypernetName);
  return provenance(card, graph, fitOf(card, graph).needsNewHead ? seed : null);
}

/** On WebGPU where it computes what wasm computes, else on wasm; `why` says why not. */
async function predictSomewhere(
  filling: Filling,
  progress: Progress,
): Promise<Timed & Pick<Prediction, 'backend' | 'why'>> {
  const timed = async (): Promise<Timed> => {
    const started = performance.now();
    const values = await predictedValues(filling, progress);
    return { values, seconds: (performance.now() - started) / 1000 };
  };
  try {
    await checkWebGpu(filling.hypernetName, (small) => predictedValues({ ...filling, graph: small, own: undefined }));
    return { ...(await onWebGpu(timed)), backend: 'WebGPU', why: null };
  } catch (reason) {
    // What is wrong with the network or the hypernetwork is wrong on wasm, too, and is thrown there.
    const why = reason instanceof Error ? reason.message : String(reason);
    return { ...(await timed()), backend: 'wasm', why };
  }
}

interface Timed {
  readonly values: Map<string, Float32Array>;
  readonly seconds: number;
}

type Progress = (value: Calls['predict']['progress']) => void;

interface Filling {
  readonly graph: Graph;
  readonly hypernetName: string;
  readonly seed: number;
  readonly own: OpenedNetwork['values'];
}

/** Every parameter's values, on the current backend. */
async function predictedValues(
  { graph, hypernetName, seed, own }: Filling,
  progress: Progress = () => {},
): Promise<Map<string, Float32Array>> {
  const isUntrained = hypernetName === UNTRAINED;
  const hypernet = isUntrained ? untrainedHypernet(domainOf(graph), seed) : await shippedHypernet(cardOf(hypernetName));
  const random = createRandom(seed);
  const needsNewHead = !isUntrained && fitOf(cardOf(hypernetName), graph).needsNewHead;
  const ofHead = new Set(needsNewHead ? Object.values(classLayer(graph)?.parameters ?? {}) : []);
  const values = new Map<string, Float32Array>();
  try {
    for await (const { name, shape, data } of predict(hypernet, graph, {
      random,
      ...(own ? { unpredicted: own } : {}),
    })) {
      // The hypernetwork knows other classes.
      values.set(name, ofHead.has(name) ? await drawn(graph, name, shape, random) : data);
      progress({ phase: 'predicted', done: values.size, total: graph.parameters.length, name });
    }
    return values;
  } finally {
    if (isUntrained) disposeHypernet(hypernet);
  }
}

async function drawn(graph: Graph, name: string, shape: readonly number[], random: Random): Promise<Float32Array> {
  const tensor = tf.tidy(() => withFreshClassLayer(graph, { [name]: tf.zeros([...shape]) }, random)[name]);
  const values = Float32Array.from(await tensor.data());
  tensor.dispose();
  return values;
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
