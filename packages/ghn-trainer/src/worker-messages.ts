// What the main thread and its gradient workers say to each other.
import type { HypernetConfig } from '@logah/hypernet';

/** Which task's loss a worker computes; functions do not cross processes. */
export type TaskName = 'classification' | 'languageModelling';

/** Given to a worker once. */
export interface WorkerSetup {
  /** The module that registers the tfjs backend, as a URL, and the backend's name. */
  readonly backendUrl: string;
  readonly backend: string;
  readonly hypernet: HypernetConfig;
  readonly task: TaskName;
  readonly predictedParameterRegularization: number;
}

export interface PlainTensor {
  readonly shape: readonly number[];
  readonly values: Float32Array | Int32Array;
}

/** One meta-batch's share of a worker. All parameters lie in one array, in the order of `hypernetParameters`. */
export interface WorkerRequest {
  readonly parameters: Float32Array;
  readonly networks: ReadonlyArray<{ readonly architecture: string; readonly seed: number }>;
  readonly inputs: PlainTensor;
  readonly labels: PlainTensor;
}

/** The sums over the share; gradients as the parameters lie. */
export type WorkerReply =
  | {
      readonly loss: number;
      readonly taskLoss: number;
      readonly accuracy: number;
      readonly gradients: Float32Array;
    }
  | { readonly error: string };
