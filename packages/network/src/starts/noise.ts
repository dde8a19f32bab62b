// Noise on a start: predicted rows can be so much alike that training cannot tell them apart.
import { classLayer, type Graph, layerWeights, parameterRoles } from '@logah/graph-ir';
import type { Random } from '@logah/random';
import { type TensorRecord, takeNumber } from '@logah/tensor-ops';
import * as tf from '@tensorflow/tfjs-core';
import { randomParameters } from '../initializers.js';

/** β of GHN-3's few-shot runs (ppuda's `--beta`). */
export const CORRELATION_NOISE = 3e-5;

/** The deviation of the noise in GHN-3's and LoGAH's fine-tuning. */
export const ABSOLUTE_NOISE = 1e-5;

/**
 * Parameters with ppuda's noise (Knyazev, ICML 2022 workshop; ppuda/utils/init.py): to every weight of layers and
 * embeddings but the last layer's, W += β·std(corrcoef(W))·N(0, 1), with the correlations of all pairs of rows of W
 * as `[out, fan_in]`, or of its columns where they are more. The more alike rows are, the larger the noise. Other
 * parameters are copied; the caller owns the tensors.
 */
export async function withCorrelationNoise(
  graph: Graph,
  parameters: TensorRecord,
  random: Random,
  beta = CORRELATION_NOISE,
): Promise<Record<string, tf.Tensor>> {
  const last = classLayer(graph)?.parameters.weight;
  const noisy = layerWeights(graph, { withClassLayer: false });
  for (const { type, parameters: own } of graph.operators)
    if (type === 'embedding' && own.weight !== last) noisy.add(own.weight);
  const deviations = new Map<string, number>();
  for (const [name, tensor] of Object.entries(parameters))
    if (noisy.has(name)) deviations.set(name, beta * (await correlationDeviation(tensor)));
  return withNormals(parameters, random, (name) => deviations.get(name) ?? 0);
}

/**
 * Parameters with noise N(0, std²) on the weights of linear layers and convolutions, but for the one that gives the
 * classes. Other parameters are copied; the caller owns the tensors.
 */
export function withAbsoluteNoise(
  graph: Graph,
  parameters: TensorRecord,
  random: Random,
  std = ABSOLUTE_NOISE,
): Record<string, tf.Tensor> {
  const noisy = layerWeights(graph, { withClassLayer: false });
  return withNormals(parameters, random, (name) => (noisy.has(name) ? std : 0));
}

/**
 * Parameters plus `factor` times a draw of RandInit: full rank, and units that differ. The gains of norms, which
 * RandInit does not draw, stay. The caller owns the tensors.
 */
export function withRandomDraw(
  graph: Graph,
  parameters: TensorRecord,
  random: Random,
  factor = 1,
): Record<string, tf.Tensor> {
  const roles = parameterRoles(graph);
  const draw = randomParameters(graph, random);
  const sum = Object.fromEntries(
    Object.entries(parameters).map(([name, tensor]) => [
      name,
      roles.get(name) === 'norm_gain' ? tf.clone(tensor) : tf.tidy(() => tf.add(tensor, tf.mul(draw[name], factor))),
    ]),
  );
  tf.dispose(Object.values(draw));
  return sum;
}

function withNormals(
  parameters: TensorRecord,
  random: Random,
  deviationOf: (name: string) => number,
): Record<string, tf.Tensor> {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, tensor]) => {
      const std = deviationOf(name);
      if (std === 0) return [name, tf.clone(tensor)];
      return [name, tf.tidy(() => tf.add(tensor, tf.tensor(random.normals(tensor.size, 0, std), tensor.shape)))];
    }),
  );
}

/**
 * The deviation (with n − 1) of all entries of the correlation matrix of W `[out, fan_in]`, rows or columns,
 * whichever are more. The matrix itself, which is large for embeddings, is not made: with standardised rows X, ΣC =
 * |Σ rows|² and ΣC² = |XᵀX|².
 */
export async function correlationDeviation(weight: tf.Tensor): Promise<number> {
  const [rowCount, fanIn] = [weight.shape[0], weight.size / weight.shape[0]];
  const [sum, sumOfSquares] = tf.tidy((): [tf.Scalar, tf.Scalar] => {
    const matrix = tf.reshape<tf.Rank.R2>(weight, [rowCount, fanIn]);
    const tall = rowCount < fanIn ? tf.transpose(matrix) : matrix;
    const centred = tf.sub(tall, tf.mean(tall, 1, true));
    // A row of one value has no correlation; it counts as 0.
    const rows = tf.divNoNan<tf.Tensor2D>(centred, tf.norm(centred, 'euclidean', 1, true));
    return [tf.sum(tf.square(tf.sum(rows, 0))), tf.sum(tf.square(tf.matMul(rows, rows, true)))];
  });
  const count = Math.max(rowCount, fanIn) ** 2;
  const mean = (await takeNumber(sum)) / count;
  const squares = await takeNumber(sumOfSquares);
  return Math.sqrt(Math.max(0, squares - count * mean ** 2) / Math.max(1, count - 1));
}
