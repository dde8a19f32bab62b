// W = mixture + A·B: templates to which every matrix adds a product of LoGAH's low-rank decoder, read off its node's embedding.
import {
  decodeFactors,
  embeddingsToCodes,
  type LowRankDecoderConfig,
  lowRankDecoderParameters,
  multiplyFactors,
  productDeviation,
} from '@logah/lowrank-decoder';
import * as tf from '@tensorflow/tfjs-core';
import { coreShape, distinct, groupBy, type TargetPlan } from './plan.js';
import type { PlacedTarget, TensorDecoder } from './tensor-decoder.js';

export interface ProductsConfig extends LowRankDecoderConfig {
  /** How many kinds of targets have a gain of their own, and which of them a target is of. */
  readonly kinds: number;
  kindOf(plan: TargetPlan): number;
}

const GAIN = 'products.gain';

/** So that a product with a gain of 1 is as large as a template is at first. */
const SPREAD = 0.6;

/**
 * Templates with products: of every matrix of at most `maxRows` rows and columns, A·B at the deviation 0.6 / √fan_in times the gain of its kind. Gains start
 * at 0, so before any training the templates are alone.
 */
export function withProducts(templates: TensorDecoder, config: ProductsConfig): TensorDecoder {
  const { rank, maxRows, kinds, kindOf } = config;
  const size = 2 * rank * rank;
  const isHeld = ({ plan: { kind, kernel } }: PlacedTarget): boolean =>
    kind === 'matrix' && kernel[0] <= maxRows && kernel[1] <= maxRows;
  return {
    ...templates,
    parameters: [
      ...templates.parameters,
      ...lowRankDecoderParameters(config),
      { name: GAIN, shape: [kinds], initial: () => new Float32Array(kinds) },
    ],
    prepare: (parameters, embeddings) =>
      tf.concat(
        [
          templates.prepare(parameters, embeddings),
          tf.reshape(embeddingsToCodes(parameters, embeddings, config), [-1, size]),
        ],
        1,
      ), // [nodes, hidden + 2r²]
    decode(parameters, prepared, targets) {
      const [nodes, features] = prepared.shape;
      const [hidden, flat] = tf.split(prepared, [features - size, size], 1);
      const codes = tf.reshape<tf.Rank.R3>(flat, [nodes, 2 * rank, rank]);
      const decoded = templates.decode(parameters, hidden, targets);
      const groups = groupBy(targets.filter(isHeld), ({ plan }) => plan.kernel.join()).map((members) => ({
        members,
        shape: members[0].plan.kernel,
        targets: distinct(members.map(({ row }) => row)),
      }));
      if (groups.length === 0) return decoded;
      const factors = decodeFactors(parameters, codes, groups, config);
      const products = new Map<TargetPlan, tf.Tensor>();
      groups.forEach(({ members, targets: rows }, group) => {
        for (const { plan, row } of members) {
          const part = (side: tf.Tensor): tf.Tensor =>
            tf.squeeze(tf.slice(side, [rows.indexOf(row), 0, 0], [1, -1, -1]), [0]);
          const own = { left: part(factors[group].left), right: part(factors[group].right) };
          const gain = tf.squeeze(tf.slice(parameters[GAIN], [kindOf(plan)], [1]));
          const deviation = tf.add(productDeviation(own, [plan.kernel[0], plan.kernel[1]]), 1e-7);
          const scaled = tf.mul(own.left, tf.div(tf.mul(gain, SPREAD / Math.sqrt(fanInOf(plan))), deviation));
          products.set(plan, tf.reshape(multiplyFactors({ ...own, left: scaled }, plan.kernel), coreShape(plan)));
        }
      });
      return targets.map(({ plan }, i) => {
        const product = products.get(plan);
        return product === undefined ? decoded[i] : tf.add(decoded[i], product);
      });
    },
  };
}

/** Inputs of a planned matrix. */
const fanInOf = ({ kernel, target }: TargetPlan): number => kernel[target.parameter.layout === 'in_out' ? 0 : 1];
