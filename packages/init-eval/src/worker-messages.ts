// What the comparison and its workers say to each other.
import type { DatasetOptions } from '@logah/data/node';
import type { Job } from './job.js';
import type { RunRecord } from './results.js';

/** The first message to a worker. */
export interface WorkerSetup {
  /** The module that registers the tfjs backend, and its name. */
  readonly backendUrl: string;
  readonly backend: string;
  /** Whether other workers share the machine: then each keeps to one thread. */
  readonly isShared: boolean;
  readonly data: DatasetOptions;
}

/** Later messages to a worker. */
export type WorkerRequest = Job;

export type WorkerReply =
  | { readonly type: 'ready' }
  | { readonly type: 'step'; readonly step: number; readonly steps: number }
  | { readonly type: 'note'; readonly text: string }
  | { readonly type: 'done'; readonly run: RunRecord }
  | { readonly type: 'error'; readonly message: string };
