// Norms of whole tensors.
import * as tf from '@tensorflow/tfjs-core';
import { hasKernel, runKernel } from './kernels.js';

/** Σx² as a scalar. Not differentiable by itself. */
function sumOfSquares(x: tf.Tensor): tf.Scalar {
  return tf.tidy(() => {
    const sum = hasKernel('SumOfSquares') ? runKernel('SumOfSquares', { x })[0] : tf.sum(tf.square(x));
    return tf.reshape<tf.Rank.R0>(sum, []);
  });
}

/** The norm of all tensors together, √ΣΣx², as a scalar. Not differentiable. Throws RangeError for no tensors. */
export function globalNorm(tensors: readonly tf.Tensor[]): tf.Scalar {
  if (tensors.length === 0) throw new RangeError('no tensors have no norm');
  return tf.tidy(() => tf.sqrt(tf.addN(tensors.map(sumOfSquares))));
}

/**
 * The sum of the tensors' own Frobenius norms, Σ√Σx², as a scalar. The gradient is x/‖x‖, and 0 at 0 as PyTorch has it.
 * Throws RangeError for no tensors.
 */
export function sumOfNorms(tensors: readonly tf.Tensor[]): tf.Scalar {
  if (tensors.length === 0) throw new RangeError('no tensors have no norms');
  const total = tf.customGrad((...args) => {
    const [save] = args.slice(-1) as unknown as [tf.GradSaveFunc];
    const inputs = args.slice(0, -1) as tf.Tensor[];
    const norms = tf.sqrt(tf.stack(inputs.map(sumOfSquares))); // [tensors]
    save([...inputs, norms]);
    return {
      value: tf.sum(norms),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const factors = tf.unstack(tf.divNoNan(dy, saved[saved.length - 1]));
        return factors.map((factor, i) => tf.mul(saved[i], factor));
      },
    };
  });
  return tf.tidy(() => total(...tensors) as tf.Scalar);
}

/** Tensors that are read at the same time: enough that a GPU is not waited for one by one, few enough for memory. */
const READ_AT_ONCE = 32;

/**
 * Whether no value of any tensor is NaN or infinite; the values are read, which for many small tensors is much faster
 * than operators. A norm would not do, which is infinite for large values already.
 */
export async function areFinite(tensors: readonly tf.Tensor[]): Promise<boolean> {
  for (let first = 0; first < tensors.length; first += READ_AT_ONCE) {
    const read = await Promise.all(tensors.slice(first, first + READ_AT_ONCE).map((tensor) => tensor.data()));
    if (!read.every(isFiniteThroughout)) return false;
  }
  return true;
}

function isFiniteThroughout(values: ArrayLike<number>): boolean {
  let sum = 0;
  // A product with 0 keeps NaN, and makes it of infinity.
  for (let i = 0; i < values.length; i++) sum += values[i] * 0;
  return sum === 0;
}
