// Kept operators that multiply matrices.
import { integerAttribute as integer, floatAttribute as real, textAttribute as text } from '@logah/graph-ir';
import * as tf from '@tensorflow/tfjs-core';
import { type Call, operand } from './call.js';

/** numpy's matmul. Backends have it for matrices whose batches are the same, or of which one has none. */
export function matMul(a: tf.Tensor, b: tf.Tensor): tf.Tensor {
  const left = a.rank === 1 ? tf.expandDims(a, 0) : a;
  const right = b.rank === 1 ? tf.expandDims(b, 1) : b;
  const product = ofMatrices(left, right);
  const withoutRow = a.rank === 1 ? tf.squeeze(product, [product.rank - 2]) : product;
  return b.rank === 1 ? tf.squeeze(withoutRow, [withoutRow.rank - 1]) : withoutRow;
}

function ofMatrices(a: tf.Tensor, b: tf.Tensor): tf.Tensor {
  const [batchA, batchB] = [a.shape.slice(0, -2), b.shape.slice(0, -2)];
  if (batchA.join() === batchB.join()) return tf.matMul(a, b);
  const rank = Math.max(batchA.length, batchB.length);
  const batch = Array.from({ length: rank }, (_, i) =>
    Math.max(batchA[i - rank + batchA.length] ?? 1, batchB[i - rank + batchB.length] ?? 1),
  );
  return tf.matMul(spread(a, batch), spread(b, batch));
}

/** Matrices repeated until their batch is this one. */
function spread(x: tf.Tensor, batch: readonly number[]): tf.Tensor {
  const own = x.shape.slice(0, -2);
  const padded = [...batch.slice(own.length).map(() => 1), ...own];
  const repeats = batch.map((size, i) => (padded[i] === size ? 1 : size));
  const reshaped = tf.reshape(x, [...padded, ...x.shape.slice(-2)]);
  return repeats.every((count) => count === 1) ? reshaped : tf.tile(reshaped, [...repeats, 1, 1]);
}

/** alpha · A · B + beta · C. */
export function gemm(call: Call): tf.Tensor {
  const [a, b, c] = [operand(call, 0), operand(call, 1), call.operands[2]];
  const [alpha, beta] = [real(call, 'alpha', 1), real(call, 'beta', 1)];
  const product = tf.matMul(a, b, integer(call, 'transA', 0) !== 0, integer(call, 'transB', 0) !== 0);
  const scaled = alpha === 1 ? product : tf.mul(product, alpha);
  if (c === undefined) return scaled;
  return tf.add(scaled, beta === 1 ? c : tf.mul(c, beta));
}

/** Undefined where a backend has none, and for an equation that TensorFlow.js does not read: without a result, with "...", with a letter twice in a term. */
export function einsum(call: Call): tf.Tensor | undefined {
  const equation = text(call, 'equation', '').replaceAll(' ', '');
  const [terms, result] = equation.split('->');
  const isPlain = terms.split(',').every((term) => new Set(term).size === term.length && term.length > 0);
  if (tf.getKernel('Einsum', tf.getBackend()) === undefined) return undefined;
  if (result === undefined || equation.includes('.') || !isPlain || call.operands.length > 2) return undefined;
  return tf.einsum(equation, ...call.operands.map((_, i) => operand(call, i)));
}
