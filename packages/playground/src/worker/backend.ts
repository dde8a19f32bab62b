// tfjs with the wasm backend, started once.
import '@logah/wasm-kernels';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';

let started: Promise<string> | undefined;

/** The name of the backend, once it runs. Throws Error where WebAssembly is missing or blocked. */
export function useBackend(): Promise<string> {
  started ??= start();
  return started;
}

async function start(): Promise<string> {
  setWasmPaths(new URL('wasm/', pageUrl()).href);
  if (!(await tf.setBackend('wasm'))) throw new Error('this browser runs no WebAssembly, which the prediction needs');
  await tf.ready();
  return tf.getBackend();
}

/** The folder of the page: the worker's own script lies in `assets/` there. */
export const pageUrl = (): URL => new URL(import.meta.env.DEV ? '/' : '../', self.location.href);
