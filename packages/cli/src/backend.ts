// Chooses the tfjs backend at run time. Nothing below the command line does.

import * as tf from '@tensorflow/tfjs-core';
import { Option } from 'commander';
import { CliError } from './errors.js';

/** Backends by name: how each is loaded, and how it is installed where it is missing. */
const BACKENDS = {
  ort: { load: () => import('@logah/backend-ort'), install: 'npm install @logah/backend-ort', registered: 'ort' },
  wasm: {
    load: () => import('@tensorflow/tfjs-backend-wasm'),
    install: 'npm install @tensorflow/tfjs-backend-wasm',
    registered: 'wasm',
  },
  cpu: {
    load: () => import('@tensorflow/tfjs-backend-cpu'),
    install: 'npm install @tensorflow/tfjs-backend-cpu',
    registered: 'cpu',
  },
  node: {
    load: () => importOptional('@tensorflow/tfjs-node'),
    install: 'npm install @tensorflow/tfjs-node',
    registered: 'tensorflow',
  },
  'node-gpu': {
    load: () => importOptional('@tensorflow/tfjs-node-gpu'),
    install: 'npm install @tensorflow/tfjs-node-gpu',
    registered: 'tensorflow',
  },
  webgpu: {
    load: () => importOptional('@tensorflow/tfjs-backend-webgpu'),
    install: 'npm install @tensorflow/tfjs-backend-webgpu',
    registered: 'webgpu',
  },
} as const;

export type BackendName = keyof typeof BACKENDS;

/** The fastest first; used in this order when none is named. */
const PREFERENCE: readonly BackendName[] = ['ort', 'wasm', 'cpu'];

/** A package that this one does not depend on: the specifier is not for bundlers or type checkers to resolve. */
const importOptional = (specifier: string): Promise<unknown> => import(specifier);

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

async function activate(name: BackendName): Promise<void> {
  const { load, install, registered } = BACKENDS[name];
  const reason = await Promise.resolve(load())
    .then(() => tf.setBackend(registered))
    .then((isReady) => (isReady ? undefined : new Error('it could not be initialised')))
    .catch((error: unknown) => error);
  if (reason !== undefined) {
    const [what] = (reason instanceof Error ? reason.message : String(reason)).split('\n');
    throw new CliError(`the backend "${name}" does not work here (${what}). To install it: ${install}`, {
      cause: reason,
    });
  }
  await tf.ready();
}
