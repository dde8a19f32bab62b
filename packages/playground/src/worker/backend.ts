// tfjs with the wasm backend, and with WebGPU for what is to run there.
import '@logah/wasm-kernels';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';

/** Makes wasm the backend, and returns its name. Throws Error where WebAssembly is missing or blocked. */
export async function useBackend(): Promise<'wasm'> {
  setWasmPaths(new URL('wasm/', pageUrl()).href);
  if (!(await tf.setBackend('wasm'))) throw new Error('this browser runs no WebAssembly, which the prediction needs');
  return 'wasm';
}

/** What a device is asked to tell of: tfjs only logs it, and goes on with wrong numbers. */
const TROUBLE = ['validation', 'out-of-memory', 'internal'] as const;

/**
 * Runs something on WebGPU; wasm is the backend again afterwards. Throws Error where there is no WebGPU, or where its device had
 * anything to complain of: what was computed is not to be trusted then.
 */
export async function onWebGpu<T>(work: () => Promise<T>): Promise<T> {
  if (!('gpu' in navigator)) throw new Error('this browser has no WebGPU');
  if ((await navigator.gpu.requestAdapter()) === null) throw new Error('WebGPU finds no graphics card here');
  const { WebGPUBackend } = await import('@tensorflow/tfjs-backend-webgpu');
  try {
    if (!(await tf.setBackend('webgpu'))) throw new Error('WebGPU could not be started');
    const backend = tf.backend();
    if (!(backend instanceof WebGPUBackend)) throw new TypeError('tfjs has another WebGPU than was loaded');
    return await withoutTrouble(backend.device, work);
  } finally {
    await useBackend();
  }
}

async function withoutTrouble<T>(device: GPUDevice, work: () => Promise<T>): Promise<T> {
  for (const kind of TROUBLE) device.pushErrorScope(kind);
  const [result] = await Promise.allSettled([work()]);
  const found = await Promise.all(TROUBLE.map(() => device.popErrorScope()));
  const trouble = found.find((error) => error !== null);
  // Further lines show the shader.
  if (trouble) throw new Error(`WebGPU went wrong here (${trouble.message.split('\n', 1)[0]})`);
  if (result.status === 'rejected') throw result.reason;
  return result.value;
}

/** The folder of the page: the worker's own script lies in `assets/` there. */
export const pageUrl = (): URL => new URL(import.meta.env.DEV ? '/' : '../', self.location.href);
