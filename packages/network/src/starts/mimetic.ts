// Mimetic attention: query and key that look at like tokens, value and projection that take away (Trockman and
// Kolter, arXiv 2305.09828).
import type { Graph } from '@logah/graph-ir';
import type { Random } from '@logah/random';
import type { TensorRecord } from '@logah/tensor-ops';
import type * as tf from '@tensorflow/tfjs-core';
import { Matrix, SingularValueDecomposition } from 'ml-matrix';
import { type AttentionLayer, headRows, requiredAttentionLayers, setRows } from './attention-layers.js';
import { editedParameters } from './edit.js';
import { InitializationError } from './error.js';

/** Weights of noise and identity in W_Qᵀ·W_K, and in W_V and the projection (arXiv 2305.09828, §4). */
const QUERY_KEY = { noise: 0.7, identity: 0.7 } as const;
const VALUE_OUT = { noise: 0.4, identity: -0.4 } as const;

/**
 * Parameters with mimetic attention (arXiv 2305.09828): in every head of k features, W_Qᵀ·W_K is the best
 * approximation of rank k of 0.7·Z + 0.7·I, and in every layer W_projection·W_value = (0.4·Z − 0.4·I)ᵀ, with Z `[d,
 * d]` uniform of variance 1/d, drawn for each. Other parameters are copied; the caller owns the tensors. With rotary
 * positions the first product is that of a token with itself. Takes a singular value decomposition of a `[d, d]`
 * matrix for every head and layer: seconds each for widths from 500 on. Throws {@link InitializationError} for a
 * graph without attention, with heads that share keys, or with values of another width than its tokens.
 */
export function withMimeticAttention(
  graph: Graph,
  parameters: TensorRecord,
  random: Random,
): Record<string, tf.Tensor> {
  const layers = requiredAttentionLayers(graph, 'mimetic');
  for (const layer of layers) checkSquare(layer, 'mimetic');
  return editedParameters(parameters, (valuesOf) => {
    for (const layer of layers) {
      for (let head = 0; head < layer.heads; head++) {
        const [query, key] = [layer.query, layer.key].map((rows) => headRows(rows, head, layer.heads));
        const { left, right } = balancedFactors(noisyIdentity(query.inputs, QUERY_KEY, random));
        setRows(valuesOf(query.parameter), query, (row, column) => left.get(column, row));
        setRows(valuesOf(key.parameter), key, (row, column) => right.get(row, column));
      }
      setMimeticValues(layer, valuesOf, random);
    }
  });
}

/**
 * Sets value and projection so that W_projection·W_value = (0.4·Z − 0.4·I)ᵀ. The layer is one that {@link
 * checkSquare} lets pass.
 */
export function setMimeticValues(
  { value, out }: AttentionLayer,
  valuesOf: (name: string) => Float32Array,
  random: Random,
): void {
  const { left, right } = balancedFactors(noisyIdentity(value.inputs, VALUE_OUT, random));
  setRows(valuesOf(value.parameter), value, (row, column) => left.get(column, row));
  if (out) setRows(valuesOf(out.parameter), out, (row, column) => right.get(column, row));
}

/**
 * Throws {@link InitializationError} for a layer whose heads share keys, or whose value and projection are not
 * square.
 */
export function checkSquare({ name, heads, keyValueHeads, value, out }: AttentionLayer, start: string): void {
  if (keyValueHeads !== heads) {
    throw new InitializationError(
      `"${start}" makes a key for every query, ` +
        `but the ${heads} heads of "${name}" share ${keyValueHeads} keys: ` +
        `it wants as many key heads as heads (kvHeads=${heads}); ` +
        `"orthogonal-attention" and "random" fit`,
    );
  }
  const sizes = [value.count, out?.count, out?.inputs];
  if (sizes.some((size) => size !== value.inputs)) {
    throw new InitializationError(
      `"${start}" wants a square value and projection [${value.inputs}, ${value.inputs}], ` +
        `but those of "${name}" are [${value.count}, ${value.inputs}] and ` +
        `${out ? `[${out.count}, ${out.inputs}]` : 'missing'}`,
    );
  }
}

/** noise·Z + identity·I `[size, size]`, with Z uniform of variance 1 / size. */
function noisyIdentity(
  size: number,
  { noise, identity }: { readonly noise: number; readonly identity: number },
  random: Random,
): Matrix {
  const bound = noise * Math.sqrt(3 / size);
  const values = random.uniforms(size * size, -bound, bound);
  return Matrix.from1DArray(size, size, values).add(Matrix.eye(size).mul(identity));
}

/**
 * Factors U·√S and √S·Vᵀ of a square matrix: their first columns and rows give its best approximation of that rank
 * (Eckart and Young).
 */
export function balancedFactors(matrix: Matrix): { readonly left: Matrix; readonly right: Matrix } {
  const { leftSingularVectors, rightSingularVectors, diagonal } = new SingularValueDecomposition(matrix);
  const roots = diagonal.map(Math.sqrt);
  return {
    left: leftSingularVectors.mulRowVector(roots),
    right: rightSingularVectors.mulRowVector(roots).transpose(),
  };
}
