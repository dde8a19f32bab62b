// Kernels for whole layers. TensorFlow.js has none, so a backend may register them (`@logah/backend-ort` does); layers use what is there:
// Gelu {x} and GeluGrad {dy, x} with attribute `approximate` ('none' or 'tanh'); SoftmaxGrad {dy, y};
// SumOfSquares {x}; AdamW {parameter, gradient, first, second} -> the same without the gradient, attributes as `AdamWScalars`;
// LayerNorm {x, weight, bias} -> [y, mean, inverse deviation] with attribute `epsilon`; LayerNormGrad {dy, x, mean, inverse, weight} -> [dx, dWeight, dBias].
import * as tf from '@tensorflow/tfjs-core';

export type LayerKernel =
  | 'Gelu'
  | 'GeluGrad'
  | 'SoftmaxGrad'
  | 'LayerNorm'
  | 'LayerNormGrad'
  | 'SumOfSquares'
  | 'AdamW';

/** Whether the current backend has a kernel. */
export const hasKernel = (name: LayerKernel): boolean => tf.getKernel(name, tf.getBackend()) !== undefined;

/** Runs a kernel of the current backend; not differentiable by itself. */
export function runKernel(
  name: LayerKernel,
  inputs: Readonly<Record<string, tf.Tensor>>,
  attributes: Readonly<Record<string, number | string>> = {},
): tf.Tensor[] {
  const result: tf.Tensor | tf.Tensor[] = tf.engine().runKernel(name, { ...inputs }, { ...attributes });
  return Array.isArray(result) ? result : [result];
}
