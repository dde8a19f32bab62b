// The optimisers that networks are compared with, behind one interface.
import { ADAMW_DEFAULTS, initAdamW, initSgd, updateAdamW, updateSgd } from '@logah/network';
import type { TensorRecord } from '@logah/tensor-ops';
import * as tf from '@tensorflow/tfjs-core';

export type OptimizerConfig =
  | { readonly type: 'sgd'; readonly momentum: number; readonly weightDecay: number }
  | { readonly type: 'adamw'; readonly weightDecay: number };

/** Parameters under training, and what the optimiser remembers of each: `velocity` of SGD, `first` and `second` moments of AdamW. */
export interface NetworkState {
  /** Epochs that are done. */
  readonly epoch: number;
  /** Updates made. */
  readonly step: number;
  readonly parameters: TensorRecord;
  readonly moments: Readonly<Record<string, TensorRecord>>;
}

/** A state before the first epoch; it takes the parameters over. */
export function startState({ type }: OptimizerConfig, parameters: TensorRecord): NetworkState {
  if (type === 'sgd') return { epoch: 0, step: 0, parameters, moments: { velocity: initSgd(parameters).velocity } };
  const { first, second } = initAdamW(parameters);
  return { epoch: 0, step: 0, parameters, moments: { first, second } };
}

/** The state after one update; the old one and the gradients are freed. */
export function updateState(
  config: OptimizerConfig,
  state: NetworkState,
  gradients: TensorRecord,
  learningRate: number,
  gradientScale: number,
): NetworkState {
  const { epoch, step, parameters, moments } = state;
  const { weightDecay } = config;
  let next: NetworkState;
  if (config.type === 'sgd') {
    const { momentum } = config;
    const start = { step, velocity: moments.velocity };
    const updated = updateSgd(parameters, gradients, start, learningRate, gradientScale, { momentum, weightDecay });
    const { velocity } = updated.state;
    next = { epoch, step: step + 1, parameters: updated.parameters, moments: { velocity } };
  } else {
    const start = { step, first: moments.first, second: moments.second };
    const options = { ...ADAMW_DEFAULTS, weightDecay };
    const updated = updateAdamW(parameters, gradients, start, learningRate, gradientScale, options);
    const { first, second } = updated.state;
    next = { epoch, step: step + 1, parameters: updated.parameters, moments: { first, second } };
  }
  tf.dispose(Object.values(gradients));
  disposeState(state);
  return next;
}

/** Frees a state's tensors. */
export function disposeState({ parameters, moments }: NetworkState): void {
  tf.dispose([parameters, ...Object.values(moments)].map((record) => Object.values(record)));
}
