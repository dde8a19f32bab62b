// Attention whose projections have condition number 1 ("Conditioned Initialization for Attention", ICLR 2026).
import type { Graph } from '@logah/graph-ir';
import type { Random } from '@logah/random';
import type { TensorRecord } from '@logah/tensor-ops';
import * as tf from '@tensorflow/tfjs-core';
import { orthogonalizedMatrix } from '../orthogonal.js';
import { headRows, requiredAttentionLayers, setRows } from './attention-layers.js';
import { editedParameters } from './edit.js';

/**
 * Parameters with conditioned attention (Saratchandran and Lucey, ICLR 2026): the query and the key of every head
 * `[k, d]` are semi-orthogonal, the Q of a normal draw's QR decomposition, and the value is a rectangular identity,
 * so that every head passes features of its own on. Heads that share keys are fine. Other parameters are copied; the
 * caller owns the tensors. Throws {@link InitializationError} for a graph without attention.
 */
export function withOrthogonalAttention(
  graph: Graph,
  parameters: TensorRecord,
  random: Random,
): Record<string, tf.Tensor> {
  const layers = requiredAttentionLayers(graph, 'orthogonal-attention');
  return editedParameters(parameters, (valuesOf) => {
    for (const { query, key, value, heads, keyValueHeads } of layers) {
      for (const [rows, count] of [
        [query, heads],
        [key, keyValueHeads],
      ] as const) {
        for (let head = 0; head < count; head++) {
          const part = headRows(rows, head, count);
          const basis = semiOrthogonal(part.count, part.inputs, random);
          setRows(valuesOf(part.parameter), part, (row, column) => basis[row * part.inputs + column]);
        }
      }
      setRows(valuesOf(value.parameter), value, (row, column) => (row === column ? 1 : 0));
    }
  });
}

function semiOrthogonal(rows: number, columns: number, random: Random): Float32Array {
  return tf.tidy(() =>
    orthogonalizedMatrix(tf.tensor2d(random.normals(rows * columns, 0, 1), [rows, columns])).dataSync<'float32'>(),
  );
}
