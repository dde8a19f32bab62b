// Impulse attention: every head of a ViT starts as one tap of a 3×3 convolution (Zheng et al., arXiv 2505.19985).
import { type Graph, parameterRoles } from '@logah/graph-ir';
import type { Random } from '@logah/random';
import type { TensorRecord } from '@logah/tensor-ops';
import type * as tf from '@tensorflow/tfjs-core';
import { Matrix, SingularValueDecomposition } from 'ml-matrix';
import { headRows, requiredAttentionLayers, setRows } from './attention-layers.js';
import { editedParameters } from './edit.js';
import { InitializationError } from './error.js';
import { balancedFactors, checkSquare, setMimeticValues } from './mimetic.js';

/** How many times larger impulse attention makes the positional encoding: torchvision's deviation 0.02 becomes 0.36. */
export const IMPULSE_POSITION_SCALE = 18;

/** The neighbour that each head looks at, row by row in the 3×3 neighbourhood, whose middle is 4: the nearest first. */
const NEIGHBOURS = [4, 1, 5, 3, 7, 0, 2, 6, 8] as const;

/** Of a target map: where the head should look, and the noise everywhere else. */
const IMPULSE = 1000;
const MAP_NOISE = 3 * 0.6;

/** The Frobenius norm of query and key. */
const NORM = 7;

/** As torchvision's layer norms have it. */
const EPSILON = 1e-6;

/**
 * Parameters with impulse attention (arXiv 2505.19985): the positional encoding is `positionScale` times as large,
 * and head i looks at the neighbour [4,1,5,3,7,0,2,6,8][i mod 9] of every patch in its 3×3 neighbourhood. The map T
 * `[patches, patches]` is 1000 there and 3·N(0, 0.6²) elsewhere; with P the layer norm of the encoding, P⁺ its
 * pseudo-inverse from the k largest singular values and A = P⁺·T·(P⁺)ᵀ = U·S·Vᵀ, the query is (U_k·√S)ᵀ and the key
 * (V_k·√S)ᵀ, each of Frobenius norm 7. Value and projection are mimetic. Other parameters are copied; the caller owns
 * the tensors. Throws {@link InitializationError} for a graph without a square grid of patches with positions, or
 * with attention that mimetic does not fit.
 */
export function withImpulseAttention(
  graph: Graph,
  parameters: TensorRecord,
  random: Random,
  positionScale = IMPULSE_POSITION_SCALE,
): Record<string, tf.Tensor> {
  const { parameter, side, classTokens } = patchGrid(graph);
  const layers = requiredAttentionLayers(graph, 'impulse');
  for (const layer of layers) checkSquare(layer, 'impulse');
  return editedParameters(parameters, (valuesOf) => {
    const width = layers[0].query.inputs;
    const encoding = valuesOf(parameter);
    for (let i = 0; i < encoding.length; i++) encoding[i] *= positionScale;
    const positions = normalizedRows(encoding.subarray(classTokens * width), side * side, width);
    const decomposition = new SingularValueDecomposition(positions, { autoTranspose: true });
    for (const layer of layers) {
      for (let head = 0; head < layer.heads; head++) {
        const [query, key] = [layer.query, layer.key].map((rows) => headRows(rows, head, layer.heads));
        const map = impulseMap(side, NEIGHBOURS[head % NEIGHBOURS.length], random);
        const factors = mapFactors(decomposition, map, query.count);
        for (const [rows, factor] of [
          [query, factors.query],
          [key, factors.key],
        ] as const) {
          const scale = NORM / factor.norm('frobenius');
          // An encoding of fewer directions than the head has features leaves the last of them 0.
          setRows(valuesOf(rows.parameter), rows, (row, column) =>
            row < factor.columns ? scale * factor.get(column, row) : 0,
          );
        }
      }
      setMimeticValues(layer, valuesOf, random);
    }
  });
}

interface PatchGrid {
  /** The positional encoding, `[1, classTokens + side², features]`. */
  readonly parameter: string;
  readonly side: number;
  readonly classTokens: number;
}

function patchGrid(graph: Graph): PatchGrid {
  const roles = parameterRoles(graph);
  const refuse = (why: string): never => {
    throw new InitializationError(
      `"impulse" is a start for images cut into a square grid of patches, ` +
        `and "${graph.name}" ${why}: use it for a vit, or "mimetic" here`,
    );
  };
  const embedding = graph.operators.find(({ parameters }) => roles.get(parameters.weight) === 'patch_embedding');
  if (embedding === undefined) return refuse('has no patch embedding');
  const [, , height, width] = graph.values[embedding.outputs[0]].shape;
  if (typeof height !== 'number' || height !== width) return refuse(`has a grid of ${height}×${width} patches`);
  const encoding = graph.parameters.find(({ name }) => roles.get(name) === 'position');
  if (encoding === undefined) return refuse('has no positional encoding');
  const classTokens = encoding.shape[1] - height * height;
  if (encoding.layout !== 'one_tokens_features' || classTokens < 0)
    return refuse(`has a positional encoding [${encoding.shape.join(', ')}] for ${height}×${height} patches`);
  return { parameter: encoding.name, side: height, classTokens };
}

/** Rows of mean 0 and variance 1, as a layer norm that was not trained gives: `[rows, columns]`. */
function normalizedRows(values: Float32Array, rows: number, columns: number): Matrix {
  return new Matrix(
    Array.from({ length: rows }, (_, i) => {
      const row = values.subarray(i * columns, (i + 1) * columns);
      const mean = row.reduce((sum, value) => sum + value, 0) / columns;
      const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / columns;
      return Array.from(row, (value) => (value - mean) / Math.sqrt(variance + EPSILON));
    }),
  );
}

/** Where every patch should look: `[side², side²]`; a neighbour beyond the edge is none. */
function impulseMap(side: number, neighbour: number, random: Random): Matrix {
  const patches = side * side;
  const map = Matrix.from1DArray(patches, patches, random.normals(patches * patches, 0, MAP_NOISE));
  const [down, right] = [Math.floor(neighbour / 3) - 1, (neighbour % 3) - 1];
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < side; column++) {
      const [y, x] = [row + down, column + right];
      if (y >= 0 && y < side && x >= 0 && x < side) map.set(row * side + column, y * side + x, IMPULSE);
    }
  }
  return map;
}

/** Singular values below this part of the largest are 0 but for rounding. */
const RANK_TOLERANCE = 1e-6;

/**
 * Q and K `[d, rank]` of P⁺·T·(P⁺)ᵀ = Q·Kᵀ, from at most `rank` singular values of P. P⁺ = V·S⁻¹·Uᵀ, so that only the
 * small S⁻¹·Uᵀ·T·U·S⁻¹ between V and Vᵀ has to be decomposed.
 */
function mapFactors(
  { leftSingularVectors, rightSingularVectors, diagonal }: SingularValueDecomposition,
  map: Matrix,
  rank: number,
): { readonly query: Matrix; readonly key: Matrix } {
  const kept = diagonal.slice(0, rank).filter((value) => value > RANK_TOLERANCE * diagonal[0]);
  const u = leftSingularVectors.subMatrix(0, leftSingularVectors.rows - 1, 0, kept.length - 1).divRowVector(kept);
  const v = rightSingularVectors.subMatrix(0, rightSingularVectors.rows - 1, 0, kept.length - 1);
  const { left, right } = balancedFactors(u.transpose().mmul(map).mmul(u));
  return { query: v.mmul(left), key: v.mmul(right.transpose()) };
}
