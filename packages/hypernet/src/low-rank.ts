// LoGAH's decoder as a hypernetwork uses it: factors of targets of one size together, each normalised before it is multiplied out.
import {
  decodeFactors,
  embeddingsToCodes,
  type Factors,
  fanInScale,
  type KernelShape,
  type LowRankDecoderConfig,
  lowRankDecoderParameters,
  multiplyFactors,
  normalizeBias,
  normalizeGain,
  productDeviation,
  roundedSize,
} from '@logah/lowrank-decoder';
import * as tf from '@tensorflow/tfjs-core';
import type { LowRankHypernetConfig } from './config.js';
import type { TensorDecoder } from './decoder.js';
import { coreShape, distinct, groupBy, planTarget, type TargetPlan } from './plan.js';

/** The low-rank decoder of a configuration. */
export function lowRankDecoder(config: LowRankHypernetConfig): TensorDecoder {
  const { dim, rank, maxRows, maxChannels } = config;
  const decoder: LowRankDecoderConfig = { dim, rank, maxRows };
  /** A vector is a part of a column that holds a weight and, behind the rounded length, a bias. */
  const decodedShape = ({ kind, target, kernel }: TargetPlan): KernelShape =>
    kind === 'vector' ? [2 * roundedSize(target.parameter.shape[0], maxChannels), 1, 1, 1] : kernel;
  return {
    parameters: lowRankDecoderParameters(decoder),
    plan: (target) => planTarget(target, maxChannels),
    prepare: (parameters, embeddings) => embeddingsToCodes(parameters, embeddings, decoder), // [nodes, 2r, r]
    decode(parameters, codes, targets) {
      const groups = groupBy(targets, ({ plan }) => decodedShape(plan).join()).map((members) => ({
        members,
        shape: decodedShape(members[0].plan),
        targets: distinct(members.map(({ row }) => row)),
      }));
      const factors = decodeFactors(parameters, codes as tf.Tensor3D, groups, decoder);
      const cores = new Map<TargetPlan, tf.Tensor>();
      groups.forEach(({ members, shape, targets: rows }, group) => {
        const [lefts, rights] = [factors[group].left, factors[group].right].map(unstack);
        for (const { plan, row } of members) {
          const at = rows.indexOf(row);
          cores.set(plan, readCore(plan, { left: lefts[at], right: rights[at] }, shape, config));
        }
      });
      return targets.map(({ plan }) => cores.get(plan) as tf.Tensor);
    },
  };
}

/** Along the first axis. Unstacking a single tensor has no gradient in tfjs-core 4.22. */
const unstack = (x: tf.Tensor): tf.Tensor[] => (x.shape[0] === 1 ? [tf.squeeze(x, [0])] : tf.unstack(x));

/** The predicted part of a target from factors `[rows, r]` of its node, decoded at `shape`. */
function readCore(plan: TargetPlan, factors: Factors, shape: KernelShape, config: LowRankHypernetConfig): tf.Tensor {
  switch (plan.kind) {
    case 'vector': {
      const { role } = plan.target;
      const start = role === 'norm_weight' ? 0 : shape[0] / 2;
      const vector = tf.slice(tf.reshape(multiplyFactors(factors, shape), [shape[0]]), [start], [plan.kernel[0]]);
      return role === 'norm_weight' ? normalizeGain(vector) : normalizeBias(vector);
    }
    case 'position':
      return tf.reshape(multiplyFactors(factors, shape), coreShape(plan));
    case 'matrix':
    case 'kernel': {
      // Scaling A scales the product, and A is small.
      const scaled = { ...factors, left: tf.mul(factors.left, scaleOf(plan, factors, config)) };
      return tf.reshape(multiplyFactors(scaled, shape), coreShape(plan));
    }
  }
}

/** What a predicted matrix or kernel is multiplied with. */
function scaleOf(
  { kind, target: { role, parameter } }: TargetPlan,
  factors: Factors,
  { domain, initializerRange }: LowRankHypernetConfig,
): tf.Tensor | number {
  if (domain === 'vision' || kind === 'kernel') return fanInScale(parameter.shape);
  if (role === 'embedding') return 1;
  const [rows, columns] = parameter.shape;
  return tf.div(initializerRange, tf.add(productDeviation(factors, [rows, columns]), 1e-7));
}
