// Training steps of a network on pictures of noise, as the benchmarks time them.
import {
  classification,
  disposeAdamW,
  initAdamW,
  networkGradients,
  randomParameters,
  updateAdamW,
} from '@logah/network';
import * as tf from '@tensorflow/tfjs-core';

/** So many pictures of 32×32 of noise, and their classes. */
export const batchOf = (random, size) => ({
  inputs: tf.tensor4d(random.normals(size * 3072, 0, 1), [size, 3, 32, 32]),
  labels: tf.tensor1d(
    Int32Array.from({ length: size }, (_, i) => i % 10),
    'int32',
  ),
});

/** A function that takes one step of AdamW more each time: gradients of the whole batch, and an update. */
export function networkStep(graph, random, size) {
  const batch = batchOf(random, size);
  let parameters = randomParameters(graph, random);
  let state = initAdamW(parameters);
  return async () => {
    const { gradients } = await networkGradients(graph, parameters, batch, classification);
    const next = updateAdamW(parameters, gradients, state, 1e-3);
    tf.dispose([Object.values(gradients), Object.values(parameters)]);
    disposeAdamW(state);
    ({ parameters, state } = next);
  };
}
