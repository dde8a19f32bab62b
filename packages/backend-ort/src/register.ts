// Registers the backend `ort` with tfjs-core: every CPU kernel for the new name, the native ones in front of them.
import '@tensorflow/tfjs-backend-cpu';
import { availableParallelism } from 'node:os';
import {
  getKernelsForBackend,
  type KernelConfig,
  type KernelFunc,
  registerBackend,
  registerKernel,
  type TensorInfo,
} from '@tensorflow/tfjs-core';
import { OrtBackend } from './backend.js';
import { convolutionKernels } from './kernels/convolution.js';
import { elementwiseKernels } from './kernels/elementwise.js';
import type { NativeKernel } from './kernels/kernel.js';
import { layerKernels } from './kernels/layers.js';
import { linearKernels } from './kernels/linear.js';
import { matmulKernels } from './kernels/matmul.js';
import { movementKernels } from './kernels/movement.js';
import { normalizationKernels } from './kernels/normalization.js';
import { reductionKernels } from './kernels/reduction.js';
import { selfAttentionKernels } from './kernels/self-attention.js';
import { loadRuntime, setThreads } from './session.js';

const NATIVE: readonly NativeKernel[] = [
  ...matmulKernels,
  ...elementwiseKernels,
  ...reductionKernels,
  ...movementKernels,
  ...convolutionKernels,
  ...normalizationKernels,
];

/** Kernels that only hand on a tensor's memory: JavaScript, but no work. */
const FREE = new Set(['Identity', 'Reshape', 'ExpandDims', 'Cast', 'Fill', 'ZerosLike', 'OnesLike']);

const fallbacks = new Map<string, number>();

/**
 * How often each kernel ran in JavaScript because there is no native one for it, or not for those types or attributes.
 * Kernels that only rename or fill memory do not count.
 */
export const fallbackCounts = (): Readonly<Record<string, number>> => Object.fromEntries(fallbacks);

function withFallback(native: NativeKernel | undefined, { kernelName, kernelFunc }: KernelConfig): KernelFunc {
  return (params) => {
    const backend = params.backend as OrtBackend;
    const result = native?.run(backend, params.inputs, params.attrs ?? {});
    if (result !== undefined) return result;
    if (!FREE.has(kernelName)) fallbacks.set(kernelName, (fallbacks.get(kernelName) ?? 0) + 1);
    const computed = kernelFunc(params);
    const inputs = Object.values(params.inputs).filter((info): info is TensorInfo => info !== undefined);
    backend.keepShared(inputs, Array.isArray(computed) ? computed : [computed]);
    return computed;
  };
}

function layerFunction(name: string, run: NativeKernel['run']): KernelFunc {
  return ({ inputs, attrs, backend }) => {
    const result = run(backend as OrtBackend, inputs, attrs ?? {});
    if (result === undefined) throw new Error(`backend ort: ${name} wants float32 tensors that are not empty`);
    return result;
  };
}

/** Registers the backend under the name `ort`; `tf.setBackend('ort')` then loads the native library. */
export function registerOrt(): void {
  setThreads(availableParallelism());
  registerBackend('ort', () => {
    loadRuntime();
    return new OrtBackend();
  });
  for (const { name, run } of [...layerKernels, ...linearKernels, ...selfAttentionKernels])
    registerKernel({ kernelName: name, backendName: 'ort', kernelFunc: layerFunction(name, run) });
  const native = new Map(NATIVE.map((kernel) => [kernel.name, kernel]));
  for (const config of getKernelsForBackend('cpu')) {
    registerKernel({ ...config, backendName: 'ort', kernelFunc: withFallback(native.get(config.kernelName), config) });
  }
}
