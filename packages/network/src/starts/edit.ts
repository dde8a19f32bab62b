// Other values for some of a network's parameters.
import type { TensorRecord } from '@logah/tensor-ops';
import * as tf from '@tensorflow/tfjs-core';
import { InitializationError } from './error.js';

/**
 * Parameters of which some have other values, as tensors that the caller owns: `edit` asks for the values of a
 * parameter, row-major, and changes them in place; those it does not ask for are copied. What a GPU has computed must
 * have been read before (`await data()`). Throws {@link
 * InitializationError} for a parameter that the record lacks.
 */
export function editedParameters(
  parameters: TensorRecord,
  edit: (valuesOf: (name: string) => Float32Array) => void,
): Record<string, tf.Tensor> {
  const changed = new Map<string, Float32Array>();
  edit((name) => {
    const known = changed.get(name);
    if (known !== undefined) return known;
    if (!Object.hasOwn(parameters, name)) throw new InitializationError(`the parameter "${name}" was not given`);
    const values = Float32Array.from(parameters[name].dataSync<'float32'>());
    changed.set(name, values);
    return values;
  });
  return Object.fromEntries(
    Object.entries(parameters).map(([name, tensor]) => {
      const values = changed.get(name);
      return [name, values === undefined ? tf.clone(tensor) : tf.tensor(values, tensor.shape)];
    }),
  );
}
