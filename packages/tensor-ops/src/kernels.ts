// Kernels for whole layers. TensorFlow.js has none, so a backend may register them (`@logah/backend-ort` does); layers use what is there:
// Gelu {x} and GeluGrad {dy, x} with attribute `approximate` ('none' or 'tanh'); SoftmaxGrad {dy, y};
// SumOfSquares {x}; AdamW {parameter, gradient, first, second} -> the same without the gradient, attributes as `AdamWScalars`;
// LayerNorm {x, weight, bias} -> [y, mean, inverse deviation] with attribute `epsilon`; LayerNormGrad {dy, x, mean, inverse, weight} -> [dx, dWeight, dBias];
// Linear {x [rows, in], weight, bias?} -> y and LinearGrad {dy, x, weight} -> [dx, dWeight, dBias?] with attributes `isOutIn` and, for the gradient, `hasBias`;
// SelfAttention {qkv, bias?} -> [y, probabilities] and SelfAttentionGrad {dy, qkv, probabilities} -> dQkv with attribute `heads`.
import * as tf from '@tensorflow/tfjs-core';

export type LayerKernel =
  | 'Gelu'
  | 'GeluGrad'
  | 'SoftmaxGrad'
  | 'LayerNorm'
  | 'LayerNormGrad'
  | 'Linear'
  | 'LinearGrad'
  | 'SelfAttention'
  | 'SelfAttentionGrad'
  | 'SumOfSquares'
  | 'AdamW';

/** Whether the current backend has a kernel. */
export const hasKernel = (name: LayerKernel): boolean => tf.getKernel(name, tf.getBackend()) !== undefined;

/** Runs a kernel of the current backend; not differentiable by itself. */
export function runKernel(
  name: LayerKernel,
  inputs: Readonly<Record<string, tf.Tensor>>,
  attributes: Readonly<Record<string, number | string | boolean>> = {},
): tf.Tensor[] {
  const result: tf.Tensor | tf.Tensor[] = tf.engine().runKernel(name, { ...inputs }, { ...attributes });
  return Array.isArray(result) ? result : [result];
}
