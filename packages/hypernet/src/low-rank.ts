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
import { HypernetError, type LowRankHypernetConfig } from './config.js';
import { coreShape, distinct, groupBy, planTarget, type TargetPlan } from './plan.js';
import type { PlacedTarget, TensorDecoder } from './tensor-decoder.js';

/** The low-rank decoder of a configuration. */
export function lowRankDecoder(config: LowRankHypernetConfig): TensorDecoder {
  const { dim, rank, maxRows, maxChannels } = config;
  const decoder: LowRankDecoderConfig = { dim, rank, maxRows };
  /** A vector is a part of a column that holds a weight and, behind the rounded length, a bias. */
  const decodedShape = ({ kind, target, kernel }: TargetPlan): KernelShape =>
    kind === 'vector' ? [2 * roundedSize(target.parameter.shape[0], maxChannels), 1, 1, 1] : kernel;
  return {
    readsEmbeddings: true,
    parameters: lowRankDecoderParameters(decoder),
    plan(target) {
      const plan = planTarget(target, maxChannels);
      checkRows(plan, decodedShape(plan), config);
      return plan;
    },
    prepare: (parameters, embeddings) => embeddingsToCodes(parameters, embeddings, decoder), // [nodes, 2r, r]
    decode(parameters, codes, targets) {
      const groups = groupBy(targets, ({ plan }) => `${plan.kind} ${plan.kernel} ${decodedShape(plan)}`).map(
        (members) => ({
          members,
          shape: decodedShape(members[0].plan),
          targets: distinct(members.map(({ row }) => row)),
        }),
      );
      const factors = decodeFactors(parameters, codes as tf.Tensor3D, groups, decoder);
      const cores = new Map<TargetPlan, tf.Tensor>();
      groups.forEach(({ members, shape, targets: rows }, group) => {
        const read =
          members[0].plan.kind === 'vector'
            ? vectorReader(members, factors[group], shape)
            : matrixReader(factors[group], shape, config);
        for (const { plan, row } of members) cores.set(plan, read(plan, rows.indexOf(row)));
      });
      return targets.map(({ plan }) => cores.get(plan) as tf.Tensor);
    },
  };
}

/** Throws {@link HypernetError} for a target that wants more rows of A or Bᵀ than the decoder has, with the largest that does not. */
function checkRows(
  { kind, target }: TargetPlan,
  [out, inputs, height, width]: KernelShape,
  { maxRows }: LowRankHypernetConfig,
): void {
  if (out * height <= maxRows && inputs * width <= maxRows) return;
  const { name, shape } = target.parameter;
  const fits =
    kind === 'position'
      ? `${Math.floor(maxRows / width)} features at ${shape[1]} tokens`
      : `a kernel of ${Math.floor(maxRows / out)} by ${Math.floor(maxRows / inputs)} for ${out} by ${inputs} channels`;
  throw new HypernetError(
    `"${name}" has shape [${shape.join(', ')}], which takes ${Math.max(out * height, inputs * width)} rows ` +
      `(channels times kernel side) of this hypernetwork's ${maxRows}; the largest that fits is ${fits}`,
  );
}

/** Along the first axis. Unstacking a single tensor has no gradient in tfjs-core 4.22. */
const unstack = (x: tf.Tensor): tf.Tensor[] => (x.shape[0] === 1 ? [tf.squeeze(x, [0])] : tf.unstack(x));

/** Reads the predicted part of a target off the factors of one of a group's nodes. */
type Reader = (plan: TargetPlan, node: number) => tf.Tensor;

/** Vectors of one length are multiplied out and normalised together: there are many, and each is small. */
function vectorReader(members: readonly PlacedTarget[], factors: Factors, shape: KernelShape): Reader {
  const [rows] = shape;
  const [length] = members[0].plan.kernel;
  const columns = tf.reshape(multiplyFactors(factors, shape), [-1, rows]); // [nodes, rows]
  const isGain = ({ target }: TargetPlan): boolean => target.role === 'norm_weight';
  const part = (start: number): tf.Tensor => tf.slice(columns, [0, start], [-1, length]);
  const gains = members.some(({ plan }) => isGain(plan)) ? unstack(normalizeGain(part(0))) : [];
  const biases = members.every(({ plan }) => isGain(plan)) ? [] : unstack(normalizeBias(part(rows / 2)));
  return (plan, node) => (isGain(plan) ? gains : biases)[node];
}

function matrixReader(factors: Factors, shape: KernelShape, config: LowRankHypernetConfig): Reader {
  const [lefts, rights] = [factors.left, factors.right].map(unstack);
  return (plan, node) => {
    const own = { left: lefts[node], right: rights[node] };
    // Scaling A scales the product, and A is small.
    const scaled = plan.kind === 'position' ? own : { ...own, left: tf.mul(own.left, scaleOf(plan, own, config)) };
    return tf.reshape(multiplyFactors(scaled, shape), coreShape(plan));
  };
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
