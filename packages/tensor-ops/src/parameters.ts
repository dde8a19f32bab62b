// What a layer's parameters are called, their shapes, and how PyTorch initialises them.
import type { Random } from '@logah/random';
import type * as tf from '@tensorflow/tfjs-core';

/** Parameters, gradients or moments by the name of the parameter. */
export type TensorRecord = Readonly<Record<string, tf.Tensor>>;

/** A parameter to be: its name, its shape, and how to draw its first values. */
export interface ParameterSpec {
  readonly name: string;
  readonly shape: readonly number[];
  /** Fresh values, row-major. */
  initial(random: Random): Float32Array;
}

/** A parameter that is uniform in ±bound at first. */
export const uniformParameter = (name: string, shape: readonly number[], bound: number): ParameterSpec => ({
  name,
  shape,
  initial: (random) =>
    random.uniforms(
      shape.reduce((a, b) => a * b, 1),
      -bound,
      bound,
    ),
});

/** Weight `[out, in]` and bias `[out]`, uniform in ±1/√in: PyTorch's default for a linear layer. */
export function linearParameters(
  layer: string,
  inputs: number,
  outputs: number,
  options: { hasBias?: boolean } = {},
): ParameterSpec[] {
  const { hasBias = true } = options;
  const bound = 1 / Math.sqrt(inputs);
  const weight = uniformParameter(`${layer}.weight`, [outputs, inputs], bound);
  return hasBias ? [weight, uniformParameter(`${layer}.bias`, [outputs], bound)] : [weight];
}

/** Weight 1 and bias 0, `[features]`. */
export function layerNormParameters(layer: string, features: number): ParameterSpec[] {
  return [
    { name: `${layer}.weight`, shape: [features], initial: () => new Float32Array(features).fill(1) },
    { name: `${layer}.bias`, shape: [features], initial: () => new Float32Array(features) },
  ];
}

/** A table `[rows, features]`, normal with deviation features^(-1/2), cut off at ±2 as PyTorch's `trunc_normal_` does by default. */
export function embeddingParameters(layer: string, rows: number, features: number): ParameterSpec[] {
  return [
    {
      name: `${layer}.weight`,
      shape: [rows, features],
      initial: (random) => random.truncatedNormals(rows * features, features ** -0.5, -2, 2),
    },
  ];
}
