// What writes a tensor from a node's embedding: LoGAH's low-rank decoder, GHN-3's convolutional one, or templates.
import type { Target } from '@logah/graph-ir';
import type { ParameterSpec, TensorRecord } from '@logah/tensor-ops';
import type * as tf from '@tensorflow/tfjs-core';
import type { TargetPlan } from './plan.js';

/** A planned target, and the row of its node among the prepared embeddings. */
export interface PlacedTarget {
  readonly plan: TargetPlan;
  readonly row: number;
}

export interface TensorDecoder {
  /** Whether it reads the embeddings of nodes; without them a hypernetwork needs no encoder. */
  readonly readsEmbeddings: boolean;
  readonly parameters: readonly ParameterSpec[];
  /** Throws HypernetError for a shape that the decoder cannot make. */
  plan(target: Target): TargetPlan;
  /** The part of decoding that depends on no shape: embeddings `[nodes, dim]` to whatever has as many rows. */
  prepare(parameters: TensorRecord, embeddings: tf.Tensor2D): tf.Tensor;
  /** The predicted part of each target, normalised for its full shape; targets of one size are decoded together. */
  decode(parameters: TensorRecord, prepared: tf.Tensor, targets: readonly PlacedTarget[]): tf.Tensor[];
}
