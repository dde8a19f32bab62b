// Fully connected layers and their gradients as one kernel each, under names that tfjs does not have (`@logah/tensor-ops` uses them).
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { sizeOf } from '../backend.js';
import { MICROSOFT, type Program } from '../program.js';
import { activationOf } from './activation.js';
import { areFloats, floats, kernelFamily, type NativeKernel, nativeKernel, node } from './kernel.js';
import { productAndActivation } from './matmul.js';

/** With y = x · Wᵀ + b, or x · W + b: dx = dy · W, dW = dyᵀ · x, or their transposes, and db = Σ dy over the rows. */
const linearGrad = kernelFamily(
  (isOutIn: boolean, hasBias: boolean): Program => ({
    inputs: floats('dy', 'x', 'weight'),
    outputs: floats('dx', 'dWeight', ...(hasBias ? ['dBias'] : [])),
    nodes: [
      node('FusedMatMul', ['dy', 'weight'], 'dx', { transA: 0, transB: Number(!isOutIn) }, MICROSOFT),
      node('FusedMatMul', isOutIn ? ['dy', 'x'] : ['x', 'dy'], 'dWeight', { transA: 1, transB: 0 }, MICROSOFT),
      ...(hasBias ? [node('ReduceSum', ['dy', 'rows'], 'dBias', { keepdims: 0 })] : []),
    ],
    constants: hasBias ? { rows: [0n] } : {},
  }),
);

interface LinearInputs {
  readonly x: TensorInfo;
  readonly weight: TensorInfo;
  readonly bias?: TensorInfo;
}

/** x `[rows, in]`, weight `[out, in]` or `[in, out]`, bias `[out]`. */
const linear = nativeKernel<LinearInputs, { readonly isOutIn: boolean }>(
  'Linear',
  (backend, { x, weight, bias }, { isOutIn }) => {
    const inputs = bias === undefined ? [x, weight] : [x, weight, bias];
    if (!areFloats(...inputs)) return undefined;
    const kernel = productAndActivation(false, isOutIn, {
      hasBias: bias !== undefined,
      isSingle: true,
      activation: activationOf('linear', undefined),
    });
    const shape = [x.shape[0], weight.shape[isOutIn ? 0 : 1]];
    return backend.runNative(kernel, inputs, [{ shape }], 2 * x.shape[0] * sizeOf(weight.shape))[0];
  },
);

const linearGradient = nativeKernel<
  Readonly<Record<'dy' | 'x' | 'weight', TensorInfo>>,
  { readonly isOutIn: boolean; readonly hasBias: boolean }
>('LinearGrad', (backend, { dy, x, weight }, { isOutIn, hasBias }) => {
  if (!areFloats(dy, x, weight)) return undefined;
  const shapes = [x.shape, weight.shape, ...(hasBias ? [[dy.shape[1]]] : [])];
  const work = 4 * x.shape[0] * sizeOf(weight.shape);
  return backend.runNative(
    linearGrad(isOutIn, hasBias),
    [dy, x, weight],
    shapes.map((shape) => ({ shape })),
    work,
  );
});

export const linearKernels: readonly NativeKernel[] = [linear, linearGradient];
