// How much of each template a target takes: a softmax of what a small network makes of the target's features, started at anchors along the depth of the
// network, times a gain that starts at 1.
import {
  gelu,
  linear,
  linearParameters,
  type ParameterSpec,
  type TensorRecord,
  uniformParameter,
} from '@logah/tensor-ops';
import * as tf from '@tensorflow/tfjs-core';

export interface MixtureConfig {
  /** Features of a target. */
  readonly features: number;
  /** Features of the hidden layer. */
  readonly hidden: number;
  /** Kinds of targets with weights of their own. */
  readonly kinds: number;
  /** Templates that are mixed, K. */
  readonly templates: number;
}

/** A target whose weights are wanted. */
export interface MixedTarget {
  /** The row of its features. */
  readonly row: number;
  readonly kind: number;
  /** How deep in its network it lies, from 0 to 1. */
  readonly depth: number;
}

/** How fast the first weights fall off with the distance of depths: neighbouring layers of twelve share most of their templates. */
const SHARPNESS = 8;

/** The network's parameters: features -> hidden, and for each kind hidden -> templates and hidden -> gain, the latter starting at 0. */
export function mixtureParameters({ features, hidden, kinds, templates }: MixtureConfig): ParameterSpec[] {
  const bound = 1 / Math.sqrt(hidden);
  const zeros = (name: string, shape: readonly number[]): ParameterSpec => ({
    name,
    shape,
    initial: () => new Float32Array(shape.reduce((a, b) => a * b, 1)),
  });
  return [
    ...linearParameters('mixture.hidden', features, hidden),
    uniformParameter('mixture.weights.weight', [kinds, templates, hidden], bound),
    uniformParameter('mixture.weights.bias', [kinds, templates], bound),
    zeros('mixture.gain.weight', [kinds, hidden]),
    zeros('mixture.gain.bias', [kinds]),
  ];
}

/** The hidden layer: features `[rows, features]` to `[rows, hidden]`. */
export const mixtureHidden = (parameters: TensorRecord, features: tf.Tensor2D): tf.Tensor2D =>
  tf.tidy(() => {
    const { 'mixture.hidden.weight': weight, 'mixture.hidden.bias': bias } = parameters;
    return gelu(linear(features, weight, bias)) as tf.Tensor2D;
  });

/**
 * What each target takes of each template, gain included: hidden features `[rows, hidden]` to `[targets, templates]`. Without gain the weights of a target
 * add up to 1; before any training template j of K is centred at depth j / (K − 1).
 */
export function mixtureWeights(
  parameters: TensorRecord,
  hidden: tf.Tensor2D,
  targets: readonly MixedTarget[],
  { templates }: Pick<MixtureConfig, 'templates'>,
): tf.Tensor2D {
  return tf.tidy(() => {
    const kinds = tf.tensor1d(
      targets.map(({ kind }) => kind),
      'int32',
    );
    const ofKind = (name: string): tf.Tensor => tf.gather(parameters[`mixture.${name}`], kinds);
    const rows = tf.gather(
      hidden,
      tf.tensor1d(
        targets.map(({ row }) => row),
        'int32',
      ),
    ); // [targets, hidden]
    const anchors = tf.tensor2d(
      targets.map(({ depth }) =>
        Array.from({ length: templates }, (_, j) => -SHARPNESS * (depth - j / Math.max(1, templates - 1)) ** 2),
      ),
      [targets.length, templates],
    );
    const logits = tf.squeeze(tf.matMul(ofKind('weights.weight'), tf.expandDims(rows, 2)), [2]);
    const shares = tf.softmax(tf.addN([logits, ofKind('weights.bias'), anchors]));
    const gain = tf.add(tf.sum(tf.mul(rows, ofKind('gain.weight')), 1), ofKind('gain.bias')); // [targets]
    return tf.mul(shares, tf.expandDims(tf.add(gain, 1), 1)) as tf.Tensor2D;
  });
}
