// LoGAH's low-rank decoder (arXiv 2405.16287 §3.2): from a node's embedding to A [K, r] and B [r, K], and W = A·B cut to a target's shape.
// Only the rows of A and B that a target reads are computed; the reference computes all of them.
import { linear, linearParameters, type ParameterSpec } from '@logah/tensor-ops';
import * as tf from '@tensorflow/tfjs-core';

export interface LowRankDecoderConfig {
  /** Features of an embedding. */
  readonly dim: number;
  /** The rank r of every predicted matrix. */
  readonly rank: number;
  /** The largest number of rows of A and of Bᵀ, K: the largest `channels · kernel side` of a target. */
  readonly maxRows: number;
}

export type TensorRecord = Readonly<Record<string, tf.Tensor>>;

/** The shape of a target: out and in channels, kernel height and width. */
export type KernelShape = readonly [out: number, inputs: number, height: number, width: number];

/** The decoder's parameters under the reference's names: an MLP d -> 4d -> 8d -> 2r², then r -> K. */
export function lowRankDecoderParameters({ dim, rank, maxRows }: LowRankDecoderConfig): ParameterSpec[] {
  return [
    ...linearParameters('decoder.mlp.fc.0', dim, 4 * dim),
    ...linearParameters('decoder.mlp.fc.2', 4 * dim, 8 * dim),
    ...linearParameters('decoder.mlp.fc.4', 8 * dim, 2 * rank * rank),
    ...linearParameters('decoder.l2', rank, maxRows),
  ];
}

/**
 * The part of decoding that does not depend on a target's shape: embeddings `[targets, dim]` to codes `[targets, 2r, r]`,
 * whose first r rows make A and whose last r rows make Bᵀ.
 */
export function embeddingsToCodes(
  parameters: TensorRecord,
  embeddings: tf.Tensor2D,
  { rank }: LowRankDecoderConfig,
): tf.Tensor3D {
  return tf.tidy(() => {
    const dense = (x: tf.Tensor, name: string): tf.Tensor =>
      linear(x, read(parameters, `${name}.weight`), read(parameters, `${name}.bias`));
    const hidden = tf.relu(dense(tf.relu(dense(embeddings, 'decoder.mlp.fc.0')), 'decoder.mlp.fc.2'));
    return tf.reshape(tf.relu(dense(hidden, 'decoder.mlp.fc.4')), [-1, 2 * rank, rank]);
  });
}

/** A and Bᵀ of targets of one shape: `[targets, out * height, r]` and `[targets, inputs * width, r]`. */
export interface Factors {
  readonly left: tf.Tensor;
  readonly right: tf.Tensor;
}

/**
 * The rows of A and Bᵀ that targets of a shape need, from their codes `[targets, 2r, r]`.
 * Throws RangeError when the shape needs more rows than the decoder has.
 */
export function decodeFactors(
  parameters: TensorRecord,
  codes: tf.Tensor3D,
  [out, inputs, height, width]: KernelShape,
  config: LowRankDecoderConfig,
): Factors {
  const [left, right] = tf.tidy(() => [
    factor(parameters, codes, 'A', out * height, config),
    factor(parameters, codes, 'B', inputs * width, config),
  ]);
  return { left, right };
}

/** W = A·B of factors `[…, rows, r]`, reshaped to `[targets, out, inputs, height, width]`; factors without targets count as one. */
export function multiplyFactors({ left, right }: Factors, [out, inputs, height, width]: KernelShape): tf.Tensor5D {
  return tf.tidy(() => {
    const product = tf.matMul(left, right, false, true);
    if (height === 1 && width === 1) return tf.reshape(product, [-1, out, inputs, 1, 1]);
    return tf.transpose(tf.reshape(product, [-1, out, height, inputs, width]), [0, 1, 3, 2, 4]);
  });
}

/**
 * Tensors of one shape from their codes `[targets, 2r, r]`: W = A·B reshaped to `[targets, out, inputs, height, width]`.
 * Throws RangeError when the shape needs more rows than the decoder has.
 */
export function decodeCodes(
  parameters: TensorRecord,
  codes: tf.Tensor3D,
  shape: KernelShape,
  config: LowRankDecoderConfig,
): tf.Tensor5D {
  return tf.tidy(() => multiplyFactors(decodeFactors(parameters, codes, shape, config), shape));
}

/** Both steps at once: embeddings `[targets, dim]` to `[targets, out, inputs, height, width]`. */
export function decode(
  parameters: TensorRecord,
  embeddings: tf.Tensor2D,
  shape: KernelShape,
  config: LowRankDecoderConfig,
): tf.Tensor5D {
  return tf.tidy(() => decodeCodes(parameters, embeddingsToCodes(parameters, embeddings, config), shape, config));
}

/**
 * The first `rows` rows of A or Bᵀ, `[targets, rows, r]`.
 * The linear layer maps each code row [r] to K numbers, and those of all r rows in a row are read as a [K, r] matrix. So its first
 * rows come from the first code rows alone, and when one code row suffices, from the first outputs of the layer alone.
 */
function factor(
  parameters: TensorRecord,
  codes: tf.Tensor3D,
  side: 'A' | 'B',
  rows: number,
  { rank, maxRows }: LowRankDecoderConfig,
): tf.Tensor {
  if (rows > maxRows) throw new RangeError(`a target wants ${rows} rows of ${side}, but the decoder has ${maxRows}`);
  const targets = codes.shape[0];
  const values = rows * rank;
  const codeRows = Math.ceil(values / maxRows);
  const outputs = Math.min(values, maxRows);
  const used = tf.slice(codes, [0, side === 'A' ? 0 : rank, 0], [targets, codeRows, rank]);
  const weight = read(parameters, 'decoder.l2.weight');
  const bias = read(parameters, 'decoder.l2.bias');
  const isWhole = outputs === maxRows;
  const spread = linear(
    used,
    isWhole ? weight : tf.slice(weight, [0, 0], [outputs, rank]),
    isWhole ? bias : tf.slice(bias, [0], [outputs]),
  );
  const flat = tf.reshape(spread, [targets, codeRows * outputs]);
  return tf.reshape(codeRows === 1 ? flat : tf.slice(flat, [0, 0], [targets, values]), [targets, rows, rank]);
}

function read(parameters: TensorRecord, name: string): tf.Tensor {
  const tensor = parameters[name];
  if (!tensor) throw new Error(`the decoder's parameter "${name}" is missing`);
  return tensor;
}
