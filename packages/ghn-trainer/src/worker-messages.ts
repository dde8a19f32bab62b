// What the main thread and its gradient workers say to each other. What is large lies in memory that both see.
import type { HypernetConfig } from '@logah/hypernet';
import type { InnerLoop } from './inner-loop.js';

/** Which task's loss a worker computes; functions do not cross threads. */
export type TaskName = 'classification' | 'languageModelling';

/** What a pool of workers is for. */
export interface WorkerSetup {
  /** The module that registers the tfjs backend, as a URL, and the backend's name. */
  readonly backendUrl: string;
  readonly backend: string;
  readonly hypernet: HypernetConfig;
  readonly task: TaskName;
  readonly predictedParameterRegularization: number;
  readonly innerLoop?: InnerLoop;
}

/** Given to a worker when it starts. Both arrays are in shared memory, in the order of `hypernetParameters`. */
export interface WorkerData extends WorkerSetup {
  /** Written by the main thread before each request. */
  readonly parameters: Float32Array;
  /** Written by the worker before each reply. */
  readonly gradients: Float32Array;
}

export interface PlainTensor {
  readonly shape: readonly number[];
  readonly values: Float32Array | Int32Array;
}

/** One meta-batch's share of a worker. */
export interface WorkerRequest {
  readonly networks: ReadonlyArray<{ readonly architecture: string; readonly seed: number }>;
  readonly inputs: PlainTensor;
  readonly labels: PlainTensor;
}

/** The means over the share. */
export type WorkerReply =
  | { readonly loss: number; readonly taskLoss: number; readonly accuracy: number }
  | { readonly error: string };
