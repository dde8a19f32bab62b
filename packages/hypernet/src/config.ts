// The configuration of a hypernetwork: checked once, then trusted.

import { shortJson } from '@logah/files';
import type { GraphormerConfig } from '@logah/graphormer';
import { shapeVocabulary } from '@logah/graphormer';

interface CommonConfig {
  /** Features of a node embedding, d: a multiple of 4 and of `heads`. */
  readonly dim: number;
  /** Attention heads of an encoder layer. */
  readonly heads: number;
  /** Encoder layers, L. */
  readonly layers: number;
  /** The largest number of channels that is predicted; larger tensors repeat the prediction. */
  readonly maxChannels: number;
  /** The largest kernel side with a shape embedding of its own. */
  readonly maxKernel: number;
  /** Classes of the data set it was trained on: a number of channels with an embedding of its own. */
  readonly classes: number;
  /** Paths up to this length become virtual edges. */
  readonly virtualEdges: number;
  /** `vision` has 15 node types and normalises by fan-in; `language` has 18, leaves embeddings alone and normalises by deviation. */
  readonly domain: 'vision' | 'language';
  /** The standard deviation of predicted matrices in the `language` domain (`initializer_range`). */
  readonly initializerRange: number;
}

/** LoGAH: every matrix is a product of two of a low rank. */
export interface LowRankHypernetConfig extends CommonConfig {
  readonly decoder: 'lowrank';
  /** The rank r of predicted matrices. */
  readonly rank: number;
  /** Rows of A and Bᵀ, K: the largest `channels · kernel side` of a predicted tensor. */
  readonly maxRows: number;
}

/** GHN-3: a matrix `[maxChannels, maxChannels]` for every place of a kernel. */
export interface ConvHypernetConfig extends CommonConfig {
  readonly decoder: 'conv';
}

/** Templates: every tensor is a mixture of learned ones, cut to size. */
export interface TemplateHypernetConfig extends CommonConfig {
  readonly decoder: 'template';
  /** Templates of every kind of layer that a network repeats, K. */
  readonly templates: number;
  /** The rank of a template; 0 writes templates out. Those that a factorisation does not make smaller are written out anyway. */
  readonly rank: number;
  /** What tells how much of each template a layer takes: its node's `embedding`, or its `place` among its kind, which needs no encoder. */
  readonly mixture: 'embedding' | 'place';
  /** The rank of a product of LoGAH's decoder that every matrix adds to its mixture; without it there is none. */
  readonly lowRank?: number;
  /** Rows of the positional encoding's template: class token and patches, or the context of a language model. */
  readonly tokens: number;
  /** Height and width of the patch embedding's template, in pixels. */
  readonly patch: number;
}

export type HypernetConfig = LowRankHypernetConfig | ConvHypernetConfig | TemplateHypernetConfig;

/** LoGAH's published sizes (arXiv 2405.16287, Table 1). */
const LOGAH_SIZES = {
  tiny: { rank: 32, layers: 3, dim: 64, heads: 8 },
  small: { rank: 90, layers: 5, dim: 128, heads: 16 },
  base: { rank: 128, layers: 5, dim: 256, heads: 16 },
  large: { rank: 256, layers: 12, dim: 256, heads: 16 },
} as const;

/** GHN-3's published sizes (arXiv 2303.04143); `maxChannels` is the width. */
const GHN3_SIZES = {
  'ghn3-tiny': { layers: 3, dim: 64, heads: 8 },
  'ghn3-small': { layers: 5, dim: 128, heads: 16 },
  'ghn3-large': { layers: 12, dim: 256, heads: 16 },
  'ghn3-xlarge': { layers: 24, dim: 384, heads: 16 },
} as const;

/**
 * Template hypernetworks, smaller than LoGAH-Tiny: `template-tiny` for VITS-1K, `template-gpt2` for GPT-2 up to Large (with its vocabulary), and
 * `template-small` for networks of at most 96 features.
 */
const TEMPLATE_SIZES = {
  'template-tiny': { rank: 48, layers: 2, dim: 32, heads: 4, maxChannels: 512, tokens: 257, patch: 4 },
  'template-gpt2': { rank: 8, layers: 2, dim: 32, heads: 4, maxChannels: 1280, tokens: 1024, patch: 1 },
  'template-small': { rank: 0, layers: 2, dim: 32, heads: 4, maxChannels: 96, tokens: 17, patch: 8 },
} as const;

export type LogahVariant = keyof typeof LOGAH_SIZES;
export type Ghn3Variant = keyof typeof GHN3_SIZES;
export type TemplateVariant = keyof typeof TEMPLATE_SIZES;
export type HypernetVariant = LogahVariant | Ghn3Variant | TemplateVariant;

const isLogah = (variant: HypernetVariant): variant is LogahVariant => variant in LOGAH_SIZES;
/** Whether a published size is one of templates. */
export const isTemplateVariant = (variant: HypernetVariant): variant is TemplateVariant => variant in TEMPLATE_SIZES;

export const HYPERNET_VARIANTS = [
  ...Object.keys(LOGAH_SIZES),
  ...Object.keys(GHN3_SIZES),
  ...Object.keys(TEMPLATE_SIZES),
] as readonly HypernetVariant[];

const COMMON = {
  maxKernel: 16,
  classes: 10,
  virtualEdges: 50,
  domain: 'vision',
  initializerRange: 0.02,
} as const;

type Changes<C extends HypernetConfig> = Partial<Omit<C, 'decoder'>>;

/** A published size, for a domain and a number of classes (10 by default), with other fields changed as wanted. Throws {@link HypernetError} when the changes do not fit. */
export function hypernetPreset(variant: LogahVariant, changes?: Changes<LowRankHypernetConfig>): LowRankHypernetConfig;
export function hypernetPreset(variant: Ghn3Variant, changes?: Changes<ConvHypernetConfig>): ConvHypernetConfig;
export function hypernetPreset(
  variant: TemplateVariant,
  changes?: Changes<TemplateHypernetConfig>,
): TemplateHypernetConfig;
export function hypernetPreset(variant: HypernetVariant, changes?: Changes<ConvHypernetConfig>): HypernetConfig;
export function hypernetPreset(
  variant: HypernetVariant,
  changes: Changes<LowRankHypernetConfig> | Changes<TemplateHypernetConfig> = {},
): HypernetConfig {
  if (isLogah(variant)) {
    const sizes = { ...LOGAH_SIZES[variant], maxRows: 2048 * 16, maxChannels: 2048 };
    return checkHypernetConfig({ decoder: 'lowrank', ...COMMON, ...sizes, ...changes });
  }
  if (isTemplateVariant(variant)) {
    const sizes = { templates: 4, mixture: 'embedding', ...TEMPLATE_SIZES[variant] } as const;
    return checkHypernetConfig({ decoder: 'template', ...COMMON, ...sizes, ...changes });
  }
  const sizes = GHN3_SIZES[variant];
  return checkHypernetConfig({ decoder: 'conv', ...COMMON, ...sizes, maxChannels: sizes.dim, ...changes });
}

/** A configuration, checkpoint or prediction that is not what it should be; the message names the field or tensor. */
export class HypernetError extends Error {
  override readonly name = 'HypernetError';
}

const SIZE_FIELDS = ['dim', 'heads', 'layers', 'maxChannels', 'maxKernel', 'classes', 'virtualEdges'] as const;
const DECODER_SIZE_FIELDS = {
  lowrank: ['rank', 'maxRows'],
  conv: [],
  template: ['templates', 'tokens', 'patch'],
} as const;

/** No tensor of any backend has a larger axis. */
export const LARGEST_SIZE = 2 ** 31 - 1;

/** Lengths of paths are counted in 16 bits. */
export const LONGEST_PATH = 65_535;

/** Sizes that tensors of the file do not bound. */
const LARGEST: Readonly<Record<string, number>> = {
  /** Kernels have an embedding each, so they are counted in a loop. */
  maxKernel: 1024,
  virtualEdges: LONGEST_PATH,
};

/** Deviations beyond these leave nothing or nothing finite of a matrix of float32. */
const DEVIATIONS = { from: 1e-6, to: 1000 } as const;

/** Checks every field, and returns the configuration. Throws {@link HypernetError} naming the first one at fault. */
export function checkHypernetConfig<C extends HypernetConfig>(config: C): C {
  const values: Readonly<Record<string, unknown>> = { ...config };
  const fail = (field: string, wanted: string): never => {
    throw new HypernetError(
      `hypernetwork configuration: ${field} should be ${wanted}, got ${shortJson(values[field])}`,
    );
  };
  if (typeof config.decoder !== 'string' || !Object.hasOwn(DECODER_SIZE_FIELDS, config.decoder))
    fail('decoder', '"lowrank", "conv" or "template"');
  for (const field of [...SIZE_FIELDS, ...DECODER_SIZE_FIELDS[config.decoder]]) {
    const value = values[field];
    if (!Number.isSafeInteger(value) || Number(value) < 1) fail(field, 'a positive integer');
    const largest = LARGEST[field] ?? LARGEST_SIZE;
    if (Number(value) > largest) fail(field, `at most ${largest}`);
  }
  if (config.dim % 4 !== 0) fail('dim', 'a multiple of 4 (four shape embeddings)');
  if (config.dim % config.heads !== 0) fail('dim', `a multiple of the ${config.heads} heads`);
  if (config.decoder === 'lowrank' && config.maxRows < 2 * config.maxChannels)
    fail('maxRows', `at least 2 * maxChannels = ${2 * config.maxChannels} (a vector takes two rows a channel)`);
  if (config.decoder === 'template') {
    if (!Number.isSafeInteger(config.rank) || config.rank < 0) fail('rank', 'an integer of at least 0');
    if (config.rank > LARGEST_SIZE) fail('rank', `at most ${LARGEST_SIZE}`);
    if (config.mixture !== 'embedding' && config.mixture !== 'place') fail('mixture', '"embedding" or "place"');
    if (config.lowRank !== undefined) {
      if (!Number.isSafeInteger(config.lowRank) || config.lowRank < 1) fail('lowRank', 'a positive integer');
      if (config.mixture !== 'embedding') fail('mixture', '"embedding", since the products of lowRank are read off it');
    }
  }
  if (config.domain !== 'vision' && config.domain !== 'language') fail('domain', '"vision" or "language"');
  const { initializerRange } = config;
  if (
    typeof initializerRange !== 'number' ||
    !(initializerRange >= DEVIATIONS.from && initializerRange <= DEVIATIONS.to)
  )
    fail('initializerRange', `a number from ${DEVIATIONS.from} to ${DEVIATIONS.to}`);
  return config;
}

/** The encoder's part of a configuration. */
export function encoderConfig({ dim, heads, layers, domain, classes, maxKernel }: HypernetConfig): GraphormerConfig {
  return {
    dim,
    heads,
    layers,
    nodeTypes: domain === 'vision' ? 15 : 18,
    vocabulary: shapeVocabulary(classes, maxKernel, domain),
  };
}
