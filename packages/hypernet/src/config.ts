// The configuration of a hypernetwork: checked once, then trusted.

import type { GraphormerConfig } from '@logah/graphormer';
import { shapeVocabulary } from '@logah/graphormer';
import type { LowRankDecoderConfig } from '@logah/lowrank-decoder';

export interface HypernetConfig {
  /** Features of a node embedding, d: a multiple of 4 and of `heads`. */
  readonly dim: number;
  /** Attention heads of an encoder layer. */
  readonly heads: number;
  /** Encoder layers, L. */
  readonly layers: number;
  /** The rank r of predicted matrices. */
  readonly rank: number;
  /** Rows of A and Bᵀ, K: the largest `channels · kernel side` of a predicted tensor. */
  readonly maxRows: number;
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

/** LoGAH's published sizes (arXiv 2405.16287, Table 1). */
const SIZES = {
  tiny: { rank: 32, layers: 3, dim: 64, heads: 8 },
  small: { rank: 90, layers: 5, dim: 128, heads: 16 },
  base: { rank: 128, layers: 5, dim: 256, heads: 16 },
  large: { rank: 256, layers: 12, dim: 256, heads: 16 },
} as const;

export type HypernetVariant = keyof typeof SIZES;

export const HYPERNET_VARIANTS = Object.keys(SIZES) as readonly HypernetVariant[];

/** A published size, for a domain and a number of classes (10 by default), with other fields changed as wanted. Throws {@link HypernetError} when the changes do not fit. */
export function hypernetPreset(variant: HypernetVariant, changes: Partial<HypernetConfig> = {}): HypernetConfig {
  return checkHypernetConfig({
    ...SIZES[variant],
    maxRows: 2048 * 16,
    maxChannels: 2048,
    maxKernel: 16,
    classes: 10,
    virtualEdges: 50,
    domain: 'vision',
    initializerRange: 0.02,
    ...changes,
  });
}

/** A configuration, checkpoint or prediction that is not what it should be; the message names the field or tensor. */
export class HypernetError extends Error {
  override readonly name = 'HypernetError';
}

/** Checks every field, and returns the configuration. Throws {@link HypernetError} naming the first one at fault. */
export function checkHypernetConfig(config: HypernetConfig): HypernetConfig {
  const fail = (field: keyof HypernetConfig, wanted: string): never => {
    throw new HypernetError(
      `hypernetwork configuration: ${field} should be ${wanted}, got ${JSON.stringify(config[field])}`,
    );
  };
  const sizes = [
    'dim',
    'heads',
    'layers',
    'rank',
    'maxRows',
    'maxChannels',
    'maxKernel',
    'classes',
    'virtualEdges',
  ] as const;
  for (const field of sizes)
    if (!Number.isSafeInteger(config[field]) || config[field] < 1) fail(field, 'a positive integer');
  if (config.dim % 4 !== 0) fail('dim', 'a multiple of 4 (four shape embeddings)');
  if (config.dim % config.heads !== 0) fail('dim', `a multiple of the ${config.heads} heads`);
  if (config.maxRows < 2 * config.maxChannels)
    fail('maxRows', `at least 2 * maxChannels = ${2 * config.maxChannels} (a vector takes two rows a channel)`);
  if (config.domain !== 'vision' && config.domain !== 'language') fail('domain', '"vision" or "language"');
  if (!(config.initializerRange > 0)) fail('initializerRange', 'a positive number');
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

/** The decoder's part of a configuration. */
export const decoderConfig = ({ dim, rank, maxRows }: HypernetConfig): LowRankDecoderConfig => ({ dim, rank, maxRows });
