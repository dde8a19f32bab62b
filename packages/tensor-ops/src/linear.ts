// Fully connected layers in PyTorch's layout.
import * as tf from '@tensorflow/tfjs-core';
import { hasKernel, runKernel } from './kernels.js';

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
    const isMatrix = x.rank === 2 && x.shape[1] === features;
    const result = product(isMatrix ? x : tf.reshape(x, [-1, features]), weight, bias, isOutIn);
    return isMatrix ? result : tf.reshape(result, [...x.shape.slice(0, -1), outputs]);
  });
}

function product(rows: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor | undefined, isOutIn: boolean): tf.Tensor {
  if (hasKernel('Linear')) return wholeLayer(rows, weight, bias, isOutIn);
  return bias !== undefined && fusesBias()
    ? tf.fused.matMul({ a: rows, b: weight, transposeB: isOutIn, bias })
    : withBias(tf.matMul(rows, weight, false, isOutIn), bias);
}

/** The layer and its gradient as one call each: small networks are bound by the number of calls. */
function wholeLayer(rows: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor | undefined, isOutIn: boolean): tf.Tensor {
  const hasBias = bias !== undefined;
  const layer = tf.customGrad((...args) => {
    const [x, w] = args as tf.Tensor[];
    const save = args.at(-1) as tf.GradSaveFunc;
    const [value] = runKernel(
      'Linear',
      { x, weight: w, ...(hasBias ? { bias: args[2] as tf.Tensor } : {}) },
      { isOutIn },
    );
    save([x, w]);
    return {
      value,
      gradFunc: (dy: tf.Tensor, [input, matrix]: tf.Tensor[]) =>
        runKernel('LinearGrad', { dy, x: input, weight: matrix }, { isOutIn, hasBias }),
    };
  });
  return layer(rows, weight, ...(hasBias ? [bias] : []));
}

const withBias = (x: tf.Tensor, bias: tf.Tensor | undefined): tf.Tensor => (bias === undefined ? x : tf.add(x, bias));

/** tfjs's own wasm kernel (4.22) gives wrong numbers where an operand is transposed and there is a bias, and refuses some biases. */
const fusesBias = (): boolean => tf.getBackend() !== 'wasm';
