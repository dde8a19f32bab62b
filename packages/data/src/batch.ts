// What a network is trained on: a source of samples that makes mini-batches of any of them.
import type { Random } from '@logah/random';
import type * as tf from '@tensorflow/tfjs-core';
import { DataError } from './errors.js';

/** One mini-batch: images `[batch, 3, height, width]` with labels int32 `[batch]`, or token ids int32 `[batch, time]` that are their own labels. */
export interface Batch {
  readonly inputs: tf.Tensor;
  readonly labels: tf.Tensor;
}

export interface DataSource {
  /** How many samples there are. */
  readonly length: number;
  /**
   * The samples at `indices`; the caller owns the tensors. `random` draws augmentations: without it samples come as they are.
   * Throws RangeError for an index outside.
   */
  batch(indices: readonly number[], random?: Random): Batch;
}

/** The part of a source that `indices` name, in their order. */
export function subset(source: DataSource, indices: readonly number[]): DataSource {
  return {
    length: indices.length,
    batch: (places, random) =>
      source.batch(
        places.map((place) => indices[place]),
        random,
      ),
  };
}

/**
 * The batches of one epoch as lists of indices: all samples in a random order, a last incomplete batch left out.
 * Throws {@link DataError} when there are fewer samples than a batch has.
 */
export function epochBatches(length: number, batchSize: number, random: Random): number[][] {
  if (batchSize > length)
    throw new DataError(`a batch of ${batchSize} wants at least as many samples, but there are ${length}`);
  const order = random.shuffle(Array.from({ length }, (_, i) => i));
  return Array.from({ length: Math.floor(length / batchSize) }, (_, b) =>
    order.slice(b * batchSize, (b + 1) * batchSize),
  );
}
