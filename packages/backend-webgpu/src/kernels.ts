// Kernels that tfjs's webgpu backend gets wrong (4.22), put right on top of its own.
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import {
  getKernel,
  type KernelFunc,
  type NamedTensorInfoMap,
  type PadV2Attrs,
  registerKernel,
  type TensorInfo,
  unregisterKernel,
} from '@tensorflow/tfjs-core';

const BACKEND = 'webgpu';

/** Results on the way, of which all but the last are freed. */
function chained(
  backend: WebGPUBackend,
  first: TensorInfo,
  steps: ReadonlyArray<(x: TensorInfo) => TensorInfo>,
): TensorInfo {
  return steps.reduce((x, step, i) => {
    const next = step(x);
    if (i > 0) backend.disposeData(x.dataId);
    return next;
  }, first);
}

const single = (result: TensorInfo | TensorInfo[]): TensorInfo => (Array.isArray(result) ? result[0] : result);

/**
 * AddN: tfjs binds every operand to a buffer of its own, and a shader may have 8 to 16 of them; with more the sum is whatever memory held. Sums of as
 * many as fit are added up.
 */
const addN =
  (original: KernelFunc): KernelFunc =>
  ({ inputs, attrs, backend: current }) => {
    const backend = current as WebGPUBackend;
    // A kernel of many inputs is given them as a list, which tfjs's own type for kernels does not say.
    const [first, ...rest] = inputs as unknown as TensorInfo[];
    const most = backend.device.limits.maxStorageBuffersPerShaderStage - 1;
    const add = (tensors: TensorInfo[]): TensorInfo =>
      single(original({ inputs: tensors as unknown as NamedTensorInfoMap, attrs: attrs ?? {}, backend }));
    if (rest.length < most) return add([first, ...rest]);
    const groups = Array.from({ length: Math.ceil(rest.length / (most - 1)) }, (_, i) =>
      rest.slice(i * (most - 1), (i + 1) * (most - 1)),
    );
    return chained(
      backend,
      first,
      groups.map((group) => (sum) => add([sum, ...group])),
    );
  };

/** tfjs's shader has vectors for coordinates of so many axes. */
const MOST_PADDED_AXES = 4;

const sizeOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

/**
 * PadV2: with 5 axes or more tfjs's shader compares coordinates that are no vectors any more and does not compile; the result is whatever memory held.
 * One axis is padded after the other, as the middle one of three.
 */
const padV2 =
  (original: KernelFunc): KernelFunc =>
  ({ inputs, attrs, backend: current }) => {
    const backend = current as WebGPUBackend;
    const { x } = inputs as { x: TensorInfo };
    const { paddings, constantValue } = attrs as unknown as PadV2Attrs;
    const padded = paddings.flatMap(([before, after], axis) => (before > 0 || after > 0 ? [axis] : []));
    if (x.shape.length <= MOST_PADDED_AXES || padded.length === 0)
      return original({ inputs, attrs: attrs ?? {}, backend });
    return chained(
      backend,
      x,
      padded.map((axis) => (tensor) => {
        const { shape } = tensor;
        const folded = { ...tensor, shape: [sizeOf(shape.slice(0, axis)), shape[axis], sizeOf(shape.slice(axis + 1))] };
        const ends = [[0, 0], paddings[axis], [0, 0]];
        const result = single(original({ inputs: { x: folded }, attrs: { paddings: ends, constantValue }, backend }));
        return { ...result, shape: [...shape.slice(0, axis), result.shape[1], ...shape.slice(axis + 1)] };
      }),
    );
  };

const MENDED: Readonly<Record<string, (original: KernelFunc) => KernelFunc>> = { AddN: addN, PadV2: padV2 };

/** The names of the kernels that this package replaces. */
export const MENDED_KERNELS: readonly string[] = Object.keys(MENDED);

export function mendKernels(): void {
  for (const [kernelName, mend] of Object.entries(MENDED)) {
    const original = getKernel(kernelName, BACKEND);
    unregisterKernel(kernelName, BACKEND);
    registerKernel({ ...original, kernelFunc: mend(original.kernelFunc) });
  }
}
