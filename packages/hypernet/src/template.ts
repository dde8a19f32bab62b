// The template decoder as a hypernetwork uses it: parameters of one kind and size are mixed together, then each is brought to its own layout and scale.
import { tileTo } from '@logah/lowrank-decoder';
import {
  bankParameters,
  type MixtureConfig,
  mixTemplates,
  mixtureHidden,
  mixtureParameters,
  mixtureWeights,
  type TemplateBank,
} from '@logah/template-decoder';
import * as tf from '@tensorflow/tfjs-core';
import type { TemplateHypernetConfig } from './config.js';
import { groupBy, planTarget, type TargetPlan } from './plan.js';
import { resizePatch, resizeSequence, stretch } from './resize.js';
import { MLP_RATIO, partsOf, TARGET_KINDS, type TemplatePart, templateBanks } from './template-banks.js';
import { withProducts } from './template-products.js';
import type { TensorDecoder } from './tensor-decoder.js';

/** Features of the mixture's hidden layer. */
const MIXTURE_HIDDEN = 32;

/** What a layer's place is given as: see {@link placeFeatures}. */
const PLACE_FEATURES = 5;

/** The template decoder of a configuration. */
export function templateDecoder(config: TemplateHypernetConfig): TensorDecoder {
  const { dim, lowRank } = config;
  const banks = templateBanks(config);
  const templates = mixedTemplates(config, banks);
  if (lowRank === undefined) return templates;
  return withProducts(templates, {
    dim,
    rank: lowRank,
    maxRows: MLP_RATIO * config.maxChannels,
    kinds: TARGET_KINDS.length,
    kindOf: ({ target }) => TARGET_KINDS.indexOf(partsOf(target, banks)[0].kind),
  });
}

function mixedTemplates(config: TemplateHypernetConfig, banks: ReadonlyMap<string, TemplateBank>): TensorDecoder {
  const { dim, templates } = config;
  const readsEmbeddings = config.mixture === 'embedding';
  const mixture: MixtureConfig = {
    features: readsEmbeddings ? dim : PLACE_FEATURES,
    hidden: MIXTURE_HIDDEN,
    kinds: TARGET_KINDS.length,
    templates,
  };
  return {
    readsEmbeddings,
    parameters: [...mixtureParameters(mixture), ...[...banks.values()].flatMap(bankParameters)],
    plan: (target) => planTemplates(planTarget(target, Number.POSITIVE_INFINITY), partsOf(target, banks)),
    prepare: (parameters, embeddings) =>
      readsEmbeddings ? mixtureHidden(parameters, embeddings) : tf.clone(embeddings),
    decode(parameters, prepared, targets) {
      const pieces = targets.flatMap(({ plan, row }, target) =>
        partsOf(plan.target, banks).map(
          (part, _, { length }): Piece => ({ ...part, target, row, plan, shape: slicedShape(plan, part.bank, length) }),
        ),
      );
      const groups = groupBy(pieces, ({ bank, shape, plan }) => `${bank.name} ${shape} ${scaleOf(plan, bank)}`);
      const ordered = groups.flat();
      const hidden = readsEmbeddings ? (prepared as tf.Tensor2D) : mixtureHidden(parameters, placeFeatures(ordered));
      const weights = mixtureWeights(
        parameters,
        hidden,
        ordered.map(({ kind, row, plan }, i) => ({
          row: readsEmbeddings ? row : i,
          kind: TARGET_KINDS.indexOf(kind),
          depth: depthOf(plan),
        })),
        mixture,
      );
      const ofGroups = tf.split(
        weights,
        groups.map(({ length }) => length),
      );
      const mixed = new Map<Piece, tf.Tensor>();
      groups.forEach((members, group) => {
        const [{ bank, shape, plan }] = members;
        // A single template is taken whole: the weights of all add up to the gain.
        const own = bank.templates === 1 ? tf.sum(ofGroups[group], 1, true) : ofGroups[group];
        const scaled = tf.mul(own, scaleOf(plan, bank)) as tf.Tensor2D;
        const tensors = mixTemplates(parameters, bank, scaled, shape);
        const each = members.length === 1 ? [tf.squeeze(tensors, [0])] : tf.unstack(tensors);
        members.forEach((piece, i) => mixed.set(piece, each[i]));
      });
      const ofTargets = groupBy(pieces, ({ target }) => String(target));
      return ofTargets.map((own) =>
        finish(
          own[0].plan,
          own.map((piece) => mixed.get(piece) as tf.Tensor),
        ),
      );
    },
  };
}

/** A part of a target that is decoded, and the shape of the slice that is mixed for it. */
interface Piece extends TemplatePart {
  /** Which of the targets it is of. */
  readonly target: number;
  /** The row of its target's node. */
  readonly row: number;
  readonly plan: TargetPlan;
  readonly shape: readonly number[];
}

/** A plan for as much of a target as its templates hold. Packed projections are made whole, since each of their parts repeats by itself. */
function planTemplates(plan: TargetPlan, parts: readonly TemplatePart[]): TargetPlan {
  const { target, kernel, kind } = plan;
  if (kind === 'position') {
    const [, tokens, features] = target.parameter.shape;
    return { kind: 'sequence', target, kernel: [1, tokens, Math.min(features, parts[0].bank.shape[1]), 1] };
  }
  if (parts.length > 1) return plan;
  const [rows, columns = 1] = slicedShape(plan, parts[0].bank, 1);
  const [, , height, width] = kernel;
  if (kind === 'kernel')
    return { kind, target, kernel: [rows, Math.min(kernel[1], channelsOf(parts[0].bank)), height, width] };
  return { kind, target, kernel: isTransposed(plan) ? [columns, rows, 1, 1] : [rows, columns, 1, 1] };
}

/** The shape of what is mixed for one of `parts` equal parts of a target, in the order of the bank's axes. */
function slicedShape(plan: TargetPlan, { shape: largest }: TemplateBank, parts: number): readonly number[] {
  const fit = (sizes: readonly number[]): number[] => sizes.map((size, axis) => Math.min(size, largest[axis]));
  const { shape } = plan.target.parameter;
  switch (plan.kind) {
    case 'vector':
      return fit([shape[0] / parts]);
    case 'position':
    case 'sequence':
      return [largest[0], Math.min(shape[2], largest[1])];
    case 'matrix': {
      const [rows, columns] = isTransposed(plan) ? [shape[1], shape[0]] : shape;
      const sliced = fit([rows / parts, columns]);
      return largest.length === 2 ? sliced : [...sliced, 1, 1];
    }
    case 'kernel':
      if (largest.length === 4) return fit(shape);
      return [Math.min(shape[0], largest[0]), (patchChannels(shape[1]) * largest[1]) / IMAGE_CHANNELS];
  }
}

const IMAGE_CHANNELS = 3;

/** Channels of a patch embedding's template that are mixed for an image of so many: a grey one takes all, since each channel of a colour image would be it. */
const patchChannels = (channels: number): number =>
  channels === 1 ? IMAGE_CHANNELS : Math.min(channels, IMAGE_CHANNELS);

/** Input channels of a bank's kernels. */
const channelsOf = ({ shape }: TemplateBank): number => (shape.length === 4 ? shape[1] : IMAGE_CHANNELS);

/** Whether a matrix is stored `[in, out]`. */
const isTransposed = ({ kind, target }: TargetPlan): boolean =>
  kind === 'matrix' && target.parameter.layout === 'in_out';

/**
 * What a slice is multiplied with so that its outputs are as large as the whole template's: √(largest fan-in / fan-in), and where inputs repeat beyond
 * the templates, the mean over their copies. A smaller patch takes the same mean of more weight for each pixel. Rows that are looked up and vectors have 1.
 */
function scaleOf({ kind, target }: TargetPlan, { name, shape: largest }: TemplateBank): number {
  const { shape, layout } = target.parameter;
  if (kind === 'kernel' && largest.length === 2) return largest[1] / (IMAGE_CHANNELS * shape[2] * shape[3]);
  if (kind === 'vector' || LOOKED_UP.test(name)) return 1;
  const [inputs, window] =
    kind === 'kernel' ? [shape[1], shape[2] * shape[3]] : [layout === 'in_out' ? shape[0] : shape[1], 1];
  const sliced = Math.min(inputs, largest[1]);
  return (Math.sqrt(largest[1] / (sliced * window)) * sliced) / inputs;
}

const LOOKED_UP = /^templates\.(token_embedding|position)$/;

/** How deep among its kind a layer lies, from 0 to 1. */
const depthOf = ({ target: { place } }: TargetPlan): number => place.index / Math.max(1, place.count - 1);

/** Where each piece lies: its depth, how many of its kind come before and behind it and there are in all, and its share of the largest fan-in. */
function placeFeatures(pieces: readonly Piece[]): tf.Tensor2D {
  const rows = pieces.map(({ plan, bank, shape }) => {
    const { index, count } = plan.target.place;
    return [
      depthOf(plan),
      index / LAYERS,
      (count - 1 - index) / LAYERS,
      count / LAYERS,
      (shape[1] ?? shape[0]) / (bank.shape[1] ?? bank.shape[0]),
    ];
  });
  return tf.tensor2d(rows, [pieces.length, PLACE_FEATURES]);
}

/** What brings counts of layers to the size of 1. */
const LAYERS = 8;

/** A target from its parts, in its own layout: as much as the templates hold. */
function finish(plan: TargetPlan, parts: readonly tf.Tensor[]): tf.Tensor {
  const { kind, target } = plan;
  const { shape } = target.parameter;
  switch (kind) {
    case 'vector': {
      const whole =
        parts.length === 1 ? parts[0] : tf.concat(parts.map((part) => tileTo(part, [shape[0] / parts.length])));
      const own = target.place.role === 'norm_gain' ? tf.add(whole, 1) : whole;
      return target.place.around === 'tied_head' ? tf.mul(own, tiedScale(own.shape[0], shape[0])) : own;
    }
    case 'matrix': {
      const matrices = parts.map((part) => tf.reshape(part, part.shape.slice(0, 2)));
      const [rows, columns] = isTransposed(plan) ? [shape[1], shape[0]] : shape;
      const whole =
        matrices.length === 1
          ? matrices[0]
          : tf.concat(matrices.map((matrix) => tileTo(matrix, [rows / parts.length, columns])));
      return isTransposed(plan) ? tf.transpose(whole) : whole;
    }
    case 'position':
    case 'sequence':
      return tf.expandDims(resizeSequence(parts[0], shape[1]), 0);
    case 'kernel':
      return parts[0].rank === 4 ? stretch(parts[0], shape.slice(2)) : patchEmbedding(parts[0], plan);
  }
}

/**
 * What the norm before a tied head is multiplied with, so that logits are as large as those of a head with rows of its own: 1 / √features, and where
 * features repeat beyond the templates, the mean over their copies. The rows themselves stay as large as looking them up wants.
 */
const tiedScale = (sliced: number, features: number): number => Math.sqrt(sliced) / features;

/** A patch embedding of the target's pixels from `[out, channels · side²]`. */
function patchEmbedding(x: tf.Tensor, { kernel, target }: TargetPlan): tf.Tensor {
  const [out, , height, width] = kernel;
  const channels = patchChannels(target.parameter.shape[1]);
  const patch = resizePatch(x, [out, channels, height, width]);
  return target.parameter.shape[1] === 1 ? tf.sum(patch, 1, true) : patch;
}
