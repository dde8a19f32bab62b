// Batch norm with statistics that are given.
import type { FusedBatchNormAttrs, TensorInfo } from '@tensorflow/tfjs-core';
import { type OrtBackend, sizeOf } from '../backend.js';
import { Kernel } from '../session.js';
import { areFloats, type NativeKernel, nativeKernel } from './kernel.js';

/** (x - mean) · factor + offset, each of one number for a channel. */
const batchNorm = new Kernel({
  inputs: { x: 'float32', mean: 'float32', factor: 'float32', offset: 'float32' },
  outputs: { y: 'float32' },
  nodes: [
    { op: 'Sub', inputs: ['x', 'mean'], outputs: ['centered'] },
    { op: 'Mul', inputs: ['centered', 'factor'], outputs: ['scaled'] },
    { op: 'Add', inputs: ['scaled', 'offset'], outputs: ['y'] },
  ],
});

interface BatchNormInputs {
  readonly x: TensorInfo;
  readonly mean: TensorInfo;
  readonly variance: TensorInfo;
  readonly offset?: TensorInfo;
  readonly scale?: TensorInfo;
}

/** Statistics of one number for a channel, which are those of layers; others are left to JavaScript. */
function batchNormOf(
  backend: OrtBackend,
  { x, mean, variance, offset, scale }: BatchNormInputs,
  epsilon: number,
): TensorInfo | undefined {
  const channels = x.shape[x.shape.length - 1];
  const given = [mean, variance, offset, scale].filter((info): info is TensorInfo => info !== undefined);
  if (!areFloats(x, ...given) || given.some(({ shape }) => shape.join() !== `${channels}`)) return undefined;
  const factor = backend.allocate([channels]);
  const shift = backend.allocate([channels]);
  const variances = backend.floats(variance);
  const scales = scale === undefined ? undefined : backend.floats(scale);
  const offsets = offset === undefined ? undefined : backend.floats(offset);
  for (let i = 0; i < channels; i++) {
    factor.values[i] = (scales?.[i] ?? 1) / Math.sqrt(variances[i] + epsilon);
    shift.values[i] = offsets?.[i] ?? 0;
  }
  const rows = sizeOf(x.shape) / channels;
  const [y] = backend.runTiled(batchNorm, rows, [x], [x.shape], { shared: [mean, factor.info, shift.info] });
  for (const { info } of [factor, shift]) backend.disposeData(info.dataId);
  return y;
}

export const normalizationKernels: readonly NativeKernel[] = [
  nativeKernel<BatchNormInputs, FusedBatchNormAttrs>('FusedBatchNorm', (backend, inputs, { varianceEpsilon }) =>
    batchNormOf(backend, inputs, varianceEpsilon),
  ),
];
