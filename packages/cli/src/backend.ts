// Chooses the tfjs backend at run time. Nothing below the command line does.

import * as tf from '@tensorflow/tfjs-core';
import { Option } from 'commander';
import { CliError } from './errors.js';

/** Backends by name: the package that registers each, and the name it registers. */
const BACKENDS = {
  ort: { module: '@logah/backend-ort', registered: 'ort' },
  wasm: { module: '@logah/wasm-kernels', registered: 'wasm' },
  cpu: { module: '@tensorflow/tfjs-backend-cpu', registered: 'cpu' },
  node: { module: '@tensorflow/tfjs-node', registered: 'tensorflow' },
  'node-gpu': { module: '@tensorflow/tfjs-node-gpu', registered: 'tensorflow' },
  webgpu: { module: '@tensorflow/tfjs-backend-webgpu', registered: 'webgpu' },
} as const;

export type BackendName = keyof typeof BACKENDS;

/** The fastest first; used in this order when none is named. */
const PREFERENCE: readonly BackendName[] = ['ort', 'wasm', 'cpu'];

/** The module that registers a backend, for a thread to load, and the name it registers. */
export const backendModule = (name: BackendName): { backendUrl: string; backend: string } => ({
  backendUrl: import.meta.resolve(BACKENDS[name].module),
  backend: BACKENDS[name].registered,
});

/** The option `--backend` of a command. */
export const backendOption = (): Option =>
  new Option('--backend <name>', 'the tfjs backend; by default the fastest that works here').choices(
    Object.keys(BACKENDS),
  );

/** Makes a backend current and returns its name. Throws {@link CliError} saying how to install the one that was asked for. */
export async function useBackend(name?: BackendName): Promise<BackendName> {
  if (name !== undefined) {
    await activate(name);
    return name;
  }
  const failures: unknown[] = [];
  for (const candidate of PREFERENCE) {
    try {
      await activate(candidate);
      return candidate;
    } catch (error) {
      failures.push(error);
    }
  }
  throw new CliError(`no backend works here: ${failures.map(String).join('; ')}`);
}

/** Lets a backend use so many threads, where it can be told; others have their own ways. */
export async function limitThreads(name: BackendName, threads: number): Promise<void> {
  if (name === 'ort') (await import('@logah/backend-ort')).setThreadsCount(threads);
}

async function activate(name: BackendName): Promise<void> {
  const { module, registered } = BACKENDS[name];
  const reason = await import(module)
    .then(() => tf.setBackend(registered))
    .then((isReady) => (isReady ? undefined : new Error('it could not be initialised')))
    .catch((error: unknown) => error);
  if (reason !== undefined) {
    const [what] = (reason instanceof Error ? reason.message : String(reason)).split('\n');
    throw new CliError(`the backend "${name}" does not work here (${what}). To install it: npm install ${module}`, {
      cause: reason,
    });
  }
  await tf.ready();
}
