// Tensors of a hypernetwork as the numbers of all of them one after the other, in the order of their specifications.
import { elementCount } from '@logah/graph-ir';
import type { ParameterSpec, TensorRecord } from '@logah/tensor-ops';
import * as tf from '@tensorflow/tfjs-core';

/** How many numbers all have together. */
export const flatLength = (specs: readonly ParameterSpec[]): number =>
  specs.reduce((sum, { shape }) => sum + elementCount(shape), 0);

/** Writes the numbers of all into `out`, from its start on. */
export async function writeFlat(
  specs: readonly ParameterSpec[],
  record: TensorRecord,
  out: Float32Array,
): Promise<void> {
  let at = 0;
  for (const { name, shape } of specs) {
    out.set(await record[name].data(), at);
    at += elementCount(shape);
  }
}

/**
 * The tensors whose numbers these are, which may be followed by others; the caller owns them. They are copies: a backend may keep what it is
 * given, and the numbers may be written over.
 */
export function recordFromFlat(specs: readonly ParameterSpec[], values: Float32Array): TensorRecord {
  let at = 0;
  return Object.fromEntries(
    specs.map(({ name, shape }) => {
      const from = at;
      at += elementCount(shape);
      return [name, tf.tensor(values.slice(from, at), [...shape])];
    }),
  );
}
