// TensorFlow.js' webgpu backend in Node.js. Importing this package registers it: `await tf.setBackend('webgpu')`.
import { findBackendFactory, registerBackend, removeBackend } from '@tensorflow/tfjs-core';
import { createBackend } from './backend.js';
import { requestAdapter } from './gpu.js';
import { mendKernels } from './kernels.js';

export { MENDED_KERNELS } from './kernels.js';

/** As tfjs has it: before its other backends. */
const PRIORITY = 3;

/** Throws an Error that says what is missing where the backend cannot work: Dawn, or a GPU. tfjs itself only says that it failed. */
export async function connect(): Promise<void> {
  await requestAdapter();
}

// tfjs's package registers its own where there is a `navigator.gpu`.
if (findBackendFactory('webgpu') !== null) removeBackend('webgpu');
registerBackend('webgpu', async () => createBackend(await requestAdapter()), PRIORITY);
mendKernels();
