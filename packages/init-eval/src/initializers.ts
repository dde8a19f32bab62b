// Where a network's parameters start from. An initialiser of one's own is any function of the type Initializer.
import { type Graph, layerWeights } from '@logah/graph-ir';
import { type Hypernet, type PredictOptions, predict } from '@logah/hypernet';
import { orthogonalized, randomParameters, withFreshClassLayer } from '@logah/network';
import type { Random } from '@logah/random';
import type { TensorRecord } from '@logah/tensor-ops';
import * as tf from '@tensorflow/tfjs-core';

/** Gives a value for every parameter of a graph, as tensors that the caller owns. */
export type Initializer = (graph: Graph, random: Random) => TensorRecord | Promise<TensorRecord>;

/** RandInit: what PyTorch's layers draw. */
export const randomInitializer: Initializer = randomParameters;

/** OrthInit: RandInit with orthogonal weights, but for the layer that gives the classes. */
export const orthogonalInitializer: Initializer = (graph, random) => {
  const start = randomParameters(graph, random);
  const parameters = orthogonalized(graph, start);
  tf.dispose(Object.values(start));
  return parameters;
};

/**
 * What a hypernetwork, LoGAH or GHN-3, predicts; class-token rows, which it does not, are drawn. `reference` wires the
 * graph as the authors' code does, for their checkpoints.
 */
export const predictedInitializer =
  (hypernet: Hypernet, { reference = false }: Pick<PredictOptions, 'reference'> = {}): Initializer =>
  async (graph, random) => {
    const parameters: Record<string, tf.Tensor> = {};
    for await (const { name, shape, data } of predict(hypernet, graph, { random, reference })) {
      parameters[name] = tf.tensor(data, [...shape]);
    }
    return parameters;
  };

/** Another start with a fresh class layer: for a hypernetwork that was trained on another data set. */
export const withNewClassLayer =
  (initializer: Initializer): Initializer =>
  async (graph, random) =>
    replaced(await initializer(graph, random), (start) => withFreshClassLayer(graph, start, random));

/** β of GHN-3's and LoGAH's fine-tuning. */
export const NOISE = 1e-5;

/**
 * Another start with noise N(0, β²) on the weights of linear layers and convolutions, but for the one that gives the classes: predicted rows can be so
 * much alike that training cannot tell them apart.
 */
export const withNoise =
  (initializer: Initializer, beta = NOISE): Initializer =>
  async (graph, random) => {
    const noisy = layerWeights(graph, { withClassLayer: false });
    return replaced(await initializer(graph, random), (start) =>
      Object.fromEntries(
        Object.entries(start).map(([name, tensor]) => [
          name,
          noisy.has(name)
            ? tf.tidy(() => tf.add(tensor, tf.tensor(random.normals(tensor.size, 0, beta), tensor.shape)))
            : tf.clone(tensor),
        ]),
      ),
    );
  };

/** New tensors from old ones, which are freed. */
function replaced(start: TensorRecord, make: (start: TensorRecord) => TensorRecord): TensorRecord {
  const parameters = make(start);
  tf.dispose(Object.values(start));
  return parameters;
}
