// Stands in for tfjs-core's own jasmine_util: every described group of tests runs once, on ort.
import { describe } from 'vitest';

interface Environment {
  readonly name: string;
  readonly backendName: string;
  readonly isDataSync: boolean;
}
type Constraints = object;

export const ALL_ENVS: Constraints = {};
export const NODE_ENVS: Constraints = {};
export const SYNC_BACKEND_ENVS: Constraints = {};
export const HAS_WORKER: Constraints = { isAbsent: true };
export const HAS_NODE_WORKER: Constraints = { isAbsent: true };
export const CHROME_ENVS: Constraints = { isAbsent: true };
export const BROWSER_ENVS: Constraints = { isAbsent: true };

const ORT: Environment = { name: 'ort', backendName: 'ort', isDataSync: true };

export function describeWithFlags(name: string, constraints: Constraints, tests: (env: Environment) => void): void {
  if (!('isAbsent' in constraints)) describe(name, () => tests(ORT));
}
