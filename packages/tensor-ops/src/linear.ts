// Fully connected layers in PyTorch's layout.
import * as tf from '@tensorflow/tfjs-core';

/**
 * `x · weightᵀ + bias`: x `[..., in]`, weight `[out, in]`, bias `[out]`; returns `[..., out]`.
 * With `layout` "in_out" the weight is `[in, out]` (Hugging Face's Conv1D). Throws Error for a weight that is not a matrix.
 */
export function linear(
  x: tf.Tensor,
  weight: tf.Tensor,
  bias?: tf.Tensor,
  layout: 'out_in' | 'in_out' = 'out_in',
): tf.Tensor {
  const [first, second] = weight.shape;
  if (second === undefined || weight.rank !== 2)
    throw new Error(`linear: the weight is a matrix, got [${weight.shape.join(', ')}]`);
  return tf.tidy(() => {
    const isOutIn = layout === 'out_in';
    const [features, outputs] = isOutIn ? [second, first] : [first, second];
    const rows = tf.reshape(x, [-1, features]);
    const result =
      bias !== undefined && fusesBias()
        ? tf.fused.matMul({ a: rows, b: weight, transposeB: isOutIn, bias })
        : withBias(tf.matMul(rows, weight, false, isOutIn), bias);
    return tf.reshape(result, [...x.shape.slice(0, -1), outputs]);
  });
}

const withBias = (x: tf.Tensor, bias: tf.Tensor | undefined): tf.Tensor => (bias === undefined ? x : tf.add(x, bias));

/** tfjs's own wasm kernel (4.22) gives wrong numbers where an operand is transposed and there is a bias, and refuses some biases. */
const fusesBias = (): boolean => tf.getBackend() !== 'wasm';
