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
export async function withOrthogonalAttention(
  graph: Graph,
  parameters: TensorRecord,
  random: Random,
): Promise<Record<string, tf.Tensor>> {
  const layers = requiredAttentionLayers(graph, 'orthogonal-attention');
  const parts = layers.flatMap(({ query, key, heads, keyValueHeads }) =>
    (
      [
        [query, heads],
        [key, keyValueHeads],
      ] as const
    ).flatMap(([rows, count]) => Array.from({ length: count }, (_, head) => headRows(rows, head, count))),
  );
  const bases: Float32Array[] = [];
  for (const { count, inputs } of parts) bases.push(await semiOrthogonal(count, inputs, random));
  return editedParameters(parameters, (valuesOf) => {
    parts.forEach((part, i) => {
      setRows(valuesOf(part.parameter), part, (row, column) => bases[i][row * part.inputs + column]);
    });
    for (const { value } of layers)
      setRows(valuesOf(value.parameter), value, (row, column) => (row === column ? 1 : 0));
  });
}

async function semiOrthogonal(rows: number, columns: number, random: Random): Promise<Float32Array> {
  const draw = tf.tensor2d(random.normals(rows * columns, 0, 1), [rows, columns]);
  const basis = await orthogonalizedMatrix(draw);
  const values = await basis.data<'float32'>();
  tf.dispose([draw, basis]);
  return values;
}
