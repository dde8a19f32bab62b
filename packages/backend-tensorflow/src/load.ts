// Loading tfjs-node where it does not load by itself.
import { createRequire } from 'node:module';
import util from 'node:util';
import { padExplicitly } from './explicit-padding.js';

/** What tfjs-node 4.22 calls of Node.js' `util`, which Node.js 23 and 24 took out of it. */
const TAKEN_OUT = {
  isNullOrUndefined: (value: unknown): boolean => value === null || value === undefined,
  isArray: Array.isArray,
};

/** Loads tfjs-node, or another package like it, and mends its kernels. Throws its error where it is missing or its addon was not built. */
export function load(name: '@tensorflow/tfjs-node' | '@tensorflow/tfjs-node-gpu'): void {
  for (const [missing, restored] of Object.entries(TAKEN_OUT))
    if (!(missing in util)) Object.defineProperty(util, missing, { value: restored, configurable: true });
  // Not an import, which would be done before anything here.
  createRequire(import.meta.url)(name);
  padExplicitly();
}
