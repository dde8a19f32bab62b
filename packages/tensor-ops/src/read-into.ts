// Reading tensors. A GPU's can be read only by waiting for them, so nothing reads at once.
import * as tf from '@tensorflow/tfjs-core';

/** What a backend may offer beyond tfjs's interface (`@logah/backend-ort` does): a copy that leaves the tensor's memory to be used again. */
interface ReadsInto {
  readInto(dataId: object, out: Float32Array): void;
}

const readsInto = (backend: object): backend is ReadsInto => 'readInto' in backend;

/** Copies a float32 tensor's values into `out`. Fresh memory for every large tensor would cost more than computing it. Throws RangeError when the lengths differ. */
export async function readInto(tensor: tf.Tensor, out: Float32Array): Promise<void> {
  if (out.length !== tensor.size)
    throw new RangeError(`a tensor of ${tensor.size} values does not fit into ${out.length}`);
  const backend = tf.backend();
  if (readsInto(backend)) backend.readInto(tensor.dataId, out);
  else out.set(await tensor.data());
}

/** The number that a scalar holds; frees the scalar. */
export async function takeNumber(scalar: tf.Scalar): Promise<number> {
  const [value] = await scalar.data();
  scalar.dispose();
  return value;
}
