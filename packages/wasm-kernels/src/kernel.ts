// Calling the wasm backend's own kernels from ours, and reading and writing its tensors.
import {
  type Attribute,
  getKernel,
  type KernelBackend,
  type NamedAttrMap,
  type NamedTensorInfoMap,
  type TensorInfo,
} from '@tensorflow/tfjs-core';

export const BACKEND = 'wasm';

/** The part of the wasm backend that kernels use. */
export interface WasmBackend extends KernelBackend {
  /** What the backend remembers of each tensor's memory: the shape it was made with, which a reshape leaves as it was. */
  readonly dataIdMap: { get(dataId: object): { readonly shape: readonly number[] } };
  makeOutput(shape: number[], dtype: 'float32' | 'int32', memoryOffset?: number, values?: Float32Array): TensorInfo;
}

export type Attributes = Record<string, Attribute>;

/** Runs one of the backend's kernels that gives one tensor. */
export function runKernel(
  backend: object,
  name: string,
  inputs: NamedTensorInfoMap,
  attrs: NamedAttrMap = {},
): TensorInfo {
  const result = getKernel(name, BACKEND).kernelFunc({ inputs, attrs, backend });
  return Array.isArray(result) ? result[0] : result;
}

/** Runs `compute` with a function that notes intermediate results, which are freed afterwards. */
export function withIntermediates(
  backend: object,
  compute: (keep: (info: TensorInfo) => TensorInfo) => TensorInfo,
): TensorInfo {
  const intermediates: TensorInfo[] = [];
  const result = compute((info) => {
    intermediates.push(info);
    return info;
  });
  for (const { dataId } of intermediates) (backend as WasmBackend).disposeData(dataId);
  return result;
}

/** The values of a tensor, copied out of the backend's memory. */
export const valuesOf = (backend: object, { dataId }: TensorInfo): Float32Array | Int32Array =>
  (backend as WasmBackend).readSync(dataId) as Float32Array | Int32Array;

/** A float32 tensor of these values. */
export const floatTensor = (backend: object, shape: readonly number[], values: Float32Array): TensorInfo =>
  (backend as WasmBackend).makeOutput([...shape], 'float32', undefined, values);

export const sizeOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);
