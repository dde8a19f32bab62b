// Text as token ids, cut into blocks of one length.
import * as tf from '@tensorflow/tfjs-core';
import type { DataSource } from './batch.js';
import { DataError } from './errors.js';

/** From text to token ids and back. */
export interface Tokenizer {
  /** The number of different ids. */
  readonly vocab: number;
  encode(text: string): Int32Array;
}

/** UTF-8 bytes as ids 0..255 and 256 for the end of a text: a vocabulary for small machines. */
export const byteTokenizer: Tokenizer = {
  vocab: 257,
  encode: (text) => Int32Array.from(new TextEncoder().encode(text)),
};

/** GPT-2's byte-pair encoding of 50,257 tokens, from the npm package `gpt-tokenizer`, which carries the vocabulary. Throws {@link DataError} where it is missing. */
export async function gpt2Tokenizer(): Promise<Tokenizer> {
  const { encode } = await import('gpt-tokenizer/encoding/r50k_base').catch((cause: unknown) => {
    throw new DataError("GPT-2's vocabulary needs the npm package gpt-tokenizer: npm install gpt-tokenizer", { cause });
  });
  return { vocab: 50257, encode: (text) => Int32Array.from(encode(text, { disallowedSpecial: new Set() })) };
}

/**
 * Blocks of `length` tokens, one after the other; what is left over at the end is not used. Batches have ids `[blocks, length]` as inputs and labels.
 * Throws {@link DataError} naming `source` when there is not a single block.
 */
export function textSource(ids: Int32Array, length: number, source = 'the text'): DataSource {
  const blocks = Math.floor(ids.length / length);
  if (blocks === 0) throw new DataError(`${source}: ${ids.length} tokens are less than one block of ${length}`);
  return {
    length: blocks,
    batch(indices) {
      const values = new Int32Array(indices.length * length);
      indices.forEach((block, i) => {
        if (!(block >= 0 && block < blocks)) throw new RangeError(`block ${block} is not among the ${blocks}`);
        values.set(ids.subarray(block * length, (block + 1) * length), i * length);
      });
      const tensor = (): tf.Tensor2D => tf.tensor2d(values, [indices.length, length], 'int32');
      return { inputs: tensor(), labels: tensor() };
    },
  };
}
