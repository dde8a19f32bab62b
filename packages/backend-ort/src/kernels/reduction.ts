// Reductions over axes, and softmax.
import { backend_util, type SoftmaxAttrs, type SumAttrs, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { type OrtBackend, sizeOf } from '../backend.js';
import type { Program } from '../program.js';
import { areFloats, HEAVY, kernelFamily, LIGHT, type NativeKernel, nativeKernel, oneNode } from './kernel.js';

const reduce = kernelFamily(
  (op: string, axes: readonly number[], keepDims: boolean): Program => ({
    inputs: { x: 'float32' },
    outputs: { y: 'float32' },
    nodes: [{ op, inputs: ['x', 'axes'], outputs: ['y'], attributes: { keepdims: Number(keepDims) } }],
    constants: { axes: axes.map(BigInt) },
  }),
);
const softmax = kernelFamily(() => oneNode('Softmax', ['float32'], { axis: -1 }));

function reduceAxes(
  backend: OrtBackend,
  op: string,
  x: TensorInfo,
  axis: number | number[],
  keepDims: boolean,
): TensorInfo | undefined {
  if (!areFloats(x)) return undefined;
  const axes = util.parseAxisParam(axis, x.shape);
  if (axes.length === 0) return undefined;
  const [reduced] = backend_util.computeOutAndReduceShapes(x.shape, axes);
  const shape = keepDims ? backend_util.expandShapeToKeepDim(reduced, axes) : reduced;
  return backend.runNative(reduce(op, axes, keepDims), [x], [{ shape }], LIGHT * sizeOf(x.shape))[0];
}

const overAxis = (name: string, op: string): NativeKernel =>
  nativeKernel<{ x: TensorInfo }, SumAttrs>(name, (backend, { x }, { axis, keepDims }) =>
    reduceAxes(backend, op, x, axis, keepDims),
  );

export const reductionKernels: readonly NativeKernel[] = [
  overAxis('Sum', 'ReduceSum'),
  overAxis('Mean', 'ReduceMean'),
  // Not Max and Min: ONNX Runtime's pass over NaN, which tfjs's give back.
  overAxis('Prod', 'ReduceProd'),
  nativeKernel<{ logits: TensorInfo }, SoftmaxAttrs>('Softmax', (backend, { logits }, { dim }) =>
    areFloats(logits) && (dim === -1 || dim === logits.shape.length - 1)
      ? backend.runNative(softmax(), [logits], [{ shape: logits.shape }], HEAVY * sizeOf(logits.shape))[0]
      : undefined,
  ),
];
