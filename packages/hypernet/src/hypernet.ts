// A hypernetwork: a configuration and its tensors by name.
import { graphormerParameters } from '@logah/graphormer';
import type { Random } from '@logah/random';
import type { ParameterSpec, TensorRecord } from '@logah/tensor-ops';
import * as tf from '@tensorflow/tfjs-core';
import { checkHypernetConfig, encoderConfig, type HypernetConfig } from './config.js';
import { decoderOf } from './decoder.js';

/** A hypernetwork. Its tensors belong to whoever made it; {@link disposeHypernet} frees them. */
export interface Hypernet {
  readonly config: HypernetConfig;
  readonly parameters: TensorRecord;
}

/** Names, shapes and initial values of all parameters of a configuration. */
export function hypernetParameters(config: HypernetConfig): ParameterSpec[] {
  const decoder = decoderOf(config);
  return [...(decoder.readsEmbeddings ? graphormerParameters(encoderConfig(config)) : []), ...decoder.parameters];
}

/** A fresh hypernetwork. The same configuration and stream of random numbers give the same tensors. Throws HypernetError for a bad configuration. */
export function createHypernet(config: HypernetConfig, random: Random): Hypernet {
  checkHypernetConfig(config);
  const entries = hypernetParameters(config).map(
    ({ name, shape, initial }) => [name, tf.tensor(initial(random), [...shape])] as const,
  );
  return { config, parameters: Object.fromEntries(entries) };
}

/** Frees the tensors. */
export function disposeHypernet({ parameters }: Hypernet): void {
  tf.dispose(Object.values(parameters));
}

/**
 * How many values a configuration learns, and how many the reference implementation reports for it: LoGAH's checkpoints also hold a linear
 * layer r -> r that is never used (`decoder.l1`, r² + r values) and four place-holders (`decoder_1d`, `bias_class`).
 */
export function hypernetParameterCount(config: HypernetConfig): {
  readonly learned: number;
  readonly reference: number;
} {
  const learned = hypernetParameters(config).reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
  const unused = config.decoder === 'lowrank' ? config.rank ** 2 + config.rank + 4 : 0;
  return { learned, reference: learned + unused };
}
