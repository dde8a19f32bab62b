// Chooses the tfjs backend at run time. Nothing below the command line does.

import * as tf from '@tensorflow/tfjs-core';
import { Option } from 'commander';
import { CliError } from './errors.js';

/** A backend: the module that registers it, the name it registers, and how what it takes is installed. */
interface Backend {
  readonly module: string;
  readonly registered: string;
  readonly install: string;
  /** Whether one worker has the whole GPU, or all cores, so that more would only share them. */
  readonly isWhole: boolean;
}

/** tfjs-node's own install script fetches an addon that does not fit current Node.js. */
const addonOf = (name: string): string =>
  `npm install ${name} --ignore-scripts, then build its addon: @logah/backend-tensorflow's README says how`;

const BACKENDS = {
  ort: { module: '@logah/backend-ort', registered: 'ort', install: 'npm install @logah/backend-ort', isWhole: false },
  wasm: {
    module: '@logah/wasm-kernels',
    registered: 'wasm',
    install: 'npm install @logah/wasm-kernels',
    isWhole: false,
  },
  cpu: {
    module: '@tensorflow/tfjs-backend-cpu',
    registered: 'cpu',
    install: 'npm install @tensorflow/tfjs-backend-cpu',
    isWhole: false,
  },
  node: {
    module: '@logah/backend-tensorflow',
    registered: 'tensorflow',
    install: addonOf('@tensorflow/tfjs-node'),
    isWhole: true,
  },
  'node-gpu': {
    module: '@logah/backend-tensorflow/gpu',
    registered: 'tensorflow',
    install: addonOf('@tensorflow/tfjs-node-gpu'),
    isWhole: true,
  },
  webgpu: {
    module: '@logah/backend-webgpu',
    registered: 'webgpu',
    install: 'npm install webgpu @tensorflow/tfjs-backend-webgpu',
    isWhole: true,
  },
} as const satisfies Readonly<Record<string, Backend>>;

export type BackendName = keyof typeof BACKENDS;

/** What a module that registers a backend may have: `connect` throws, saying why, where the backend cannot work. */
interface BackendModule {
  readonly connect?: () => Promise<void>;
}

/** The fastest first; used in this order when none is named. */
const PREFERENCE: readonly BackendName[] = ['ort', 'wasm', 'cpu'];

/** The module that registers a backend, for a thread to load, and the name it registers. */
export const backendModule = (name: BackendName): { backendUrl: string; backend: string } => ({
  backendUrl: import.meta.resolve(BACKENDS[name].module),
  backend: BACKENDS[name].registered,
});

/** How many workers are usual: one a core, or one where that has the whole GPU. */
export const usualWorkers = (name: BackendName, cores: number): number => (BACKENDS[name].isWhole ? 1 : cores);

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
  const { module, registered, install }: Backend = BACKENDS[name];
  const failure = (cause: unknown, advice: string): CliError =>
    new CliError(`the backend "${name}" does not work here (${firstLineOf(cause)})${advice}`, { cause });
  const toInstall = `. To install it: ${install}`;
  const { connect }: BackendModule = await import(module).catch((cause: unknown) => {
    throw failure(cause, toInstall);
  });
  await connect?.().catch((cause: unknown) => {
    throw failure(cause, '');
  });
  const isReady = await tf.setBackend(registered).catch((cause: unknown) => {
    throw failure(cause, toInstall);
  });
  if (!isReady) throw failure(new Error('it could not be initialised'), toInstall);
  await tf.ready();
}

const firstLineOf = (error: unknown): string => (error instanceof Error ? error.message : String(error)).split('\n')[0];
