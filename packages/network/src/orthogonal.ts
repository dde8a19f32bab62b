// OrthInit: the weights of a network made orthogonal (Saxe et al., arXiv 1312.6120).
import { elementCount, type Graph, layerWeights } from '@logah/graph-ir';
import type { TensorRecord } from '@logah/tensor-ops';
import * as tf from '@tensorflow/tfjs-core';

/**
 * Parameters with the weight of every layer, but for the one that gives the classes, replaced by the Q of its QR decomposition, with R's diagonal made
 * positive: as `[out, fan_in]` its rows, or where they are more than its columns its columns, have length 1 and are orthogonal. Other parameters are
 * copied. The caller owns the result.
 */
export async function orthogonalized(graph: Graph, parameters: TensorRecord): Promise<Record<string, tf.Tensor>> {
  const weights = layerWeights(graph, { withClassLayer: false });
  const made: Array<[string, tf.Tensor]> = [];
  for (const [name, tensor] of Object.entries(parameters))
    made.push([name, weights.has(name) ? await orthogonalizedMatrix(tensor) : tf.clone(tensor)]);
  return Object.fromEntries(made);
}

/** A weight `[out, …]` as the Q of the QR decomposition of `[out, fan_in]`, or of its transpose where it has more rows than columns. */
export async function orthogonalizedMatrix(tensor: tf.Tensor): Promise<tf.Tensor> {
  const [out, ...rest] = tensor.shape;
  const fanIn = elementCount(rest);
  const rows = tf.tidy(() => {
    const matrix = tf.reshape<tf.Rank.R2>(tensor, [out, fanIn]);
    return out > fanIn ? tf.transpose(matrix) : matrix;
  });
  const basis = await orthonormalRows(rows);
  rows.dispose();
  const result = tf.tidy(() => tf.reshape(out > fanIn ? tf.transpose(basis) : basis, tensor.shape));
  basis.dispose();
  return result;
}

/** Rows that are made orthogonal to all before them with two products: as many as keep the work on the backend and the rest small. */
const BLOCK = 32;

/**
 * The rows of `x` `[rows, columns]`, rows ≤ columns, orthonormalised in their order: block by block against the rows before (twice, which is enough for
 * rounding: Giraud et al. 2005), and within a block by Gram–Schmidt in float64.
 */
async function orthonormalRows(x: tf.Tensor2D): Promise<tf.Tensor2D> {
  const [rows, columns] = x.shape;
  const done: tf.Tensor2D[] = [];
  for (let first = 0; first < rows; first += BLOCK) {
    const count = Math.min(BLOCK, rows - first);
    let block = tf.slice(x, [first, 0], [count, columns]);
    for (let pass = 0; pass < 2; pass++) {
      const apart = tf.tidy(() => withoutDirections(block, done));
      const values = gramSchmidt(await apart.data<'float32'>(), count, columns);
      tf.dispose([block, apart]);
      block = tf.tensor2d(values, [count, columns]);
    }
    done.push(block);
  }
  const basis = tf.concat(done, 0);
  tf.dispose(done);
  return basis;
}

/** Rows without what they have of those of an orthonormal basis, in blocks. */
function withoutDirections(rows: tf.Tensor2D, blocks: readonly tf.Tensor2D[]): tf.Tensor2D {
  if (blocks.length === 0) return tf.clone(rows);
  const basis = tf.concat([...blocks], 0);
  return tf.sub(rows, tf.matMul(tf.matMul(rows, basis, false, true), basis));
}

/** Orthonormalises the rows of a row-major matrix, in their order. */
function gramSchmidt(values: Float32Array, rows: number, columns: number): Float32Array {
  const basis = Float64Array.from(values);
  for (let i = 0; i < rows; i++) {
    const row = basis.subarray(i * columns, (i + 1) * columns);
    for (let j = 0; j < i; j++) {
      const other = basis.subarray(j * columns, (j + 1) * columns);
      let product = 0;
      for (let k = 0; k < columns; k++) product += row[k] * other[k];
      for (let k = 0; k < columns; k++) row[k] -= product * other[k];
    }
    let squares = 0;
    for (let k = 0; k < columns; k++) squares += row[k] * row[k];
    const length = Math.sqrt(squares);
    // A row of zeros has no direction: it stays.
    if (length > 0) for (let k = 0; k < columns; k++) row[k] /= length;
  }
  return Float32Array.from(basis);
}
