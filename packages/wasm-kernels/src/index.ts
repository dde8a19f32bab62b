// Importing this package loads tfjs's wasm backend and registers what it needs to train: fast matrix products, and the gradients it lacks.
import '@tensorflow/tfjs-backend-wasm';
import { getKernel, type KernelFunc, registerKernel, unregisterKernel } from '@tensorflow/tfjs-core';
import {
  conv2DBackpropFilter,
  depthwiseConv2dNativeBackpropFilter,
  depthwiseConv2dNativeBackpropInput,
  unsortedSegmentSum,
} from './gradients.js';
import { BACKEND } from './kernel.js';
import { fastBatchMatMul, fastFusedMatMul } from './matmul.js';

const MISSING: Readonly<Record<string, KernelFunc>> = {
  UnsortedSegmentSum: unsortedSegmentSum,
  Conv2DBackpropFilter: conv2DBackpropFilter,
  DepthwiseConv2dNativeBackpropFilter: depthwiseConv2dNativeBackpropFilter,
  DepthwiseConv2dNativeBackpropInput: depthwiseConv2dNativeBackpropInput,
};

for (const [kernelName, kernelFunc] of Object.entries(MISSING))
  registerKernel({ kernelName, backendName: BACKEND, kernelFunc });

const REPLACED: Readonly<Record<string, (original: KernelFunc) => KernelFunc>> = {
  BatchMatMul: fastBatchMatMul,
  _FusedMatMul: fastFusedMatMul,
};

for (const [kernelName, replace] of Object.entries(REPLACED)) {
  // With the original's setup, which the backend runs when it starts.
  const original = getKernel(kernelName, BACKEND);
  unregisterKernel(kernelName, BACKEND);
  registerKernel({ ...original, kernelFunc: replace(original.kernelFunc) });
}

/** The names of the kernels that this package adds to the wasm backend or replaces. */
export const WASM_KERNELS: readonly string[] = [...Object.keys(MISSING), ...Object.keys(REPLACED)];
