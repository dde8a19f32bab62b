// LoGAH's low-rank decoder (arXiv 2405.16287 §3.2): from a node's embedding to A [K, r] and B [r, K], and W = A·B cut to a target's shape.
// Only the rows of A and B that a target reads are computed; the reference computes all of them.
import { linear, linearParameters, type ParameterSpec, type TensorRecord } from '@logah/tensor-ops';
import * as tf from '@tensorflow/tfjs-core';

export interface LowRankDecoderConfig {
  /** Features of an embedding. */
  readonly dim: number;
  /** The rank r of every predicted matrix. */
  readonly rank: number;
  /** The largest number of rows of A and of Bᵀ, K: the largest `channels · kernel side` of a target. */
  readonly maxRows: number;
}

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

/** Targets of one shape, by their places among the codes. */
export interface TargetGroup {
  readonly targets: readonly number[];
  readonly shape: KernelShape;
}

/**
 * The rows of A and Bᵀ that groups of targets need, from codes `[codes, 2r, r]`; factors in the order of the groups, which the caller owns.
 * The linear layer maps each code row [r] to K numbers, and those of all r rows in a row are read as a [K, r] matrix. So a target's first rows come from
 * its first code rows alone, and when one code row suffices, from the first outputs of the layer alone. The layer runs once for all groups: its gradient,
 * as large as the layer, is then made once.
 * Throws RangeError when a shape needs more rows than the decoder has.
 */
export function decodeFactors(
  parameters: TensorRecord,
  codes: tf.Tensor3D,
  groups: readonly TargetGroup[],
  { rank, maxRows }: LowRankDecoderConfig,
): Factors[] {
  for (const { shape } of groups) {
    if (shape.length !== 4 || !shape.every((size) => Number.isSafeInteger(size) && size > 0)) {
      throw new RangeError(`a shape should be [out, in, height, width], positive integers, got [${shape.join(', ')}]`);
    }
  }
  const sides = groups.flatMap(({ targets, shape: [out, inputs, height, width] }) => [
    sideOf('A', out * height, targets),
    sideOf('B', inputs * width, targets),
  ]);
  function sideOf(name: 'A' | 'B', rows: number, targets: readonly number[]) {
    if (rows > maxRows) throw new RangeError(`a target wants ${rows} rows of ${name}, but the decoder has ${maxRows}`);
    const values = rows * rank;
    return { first: name === 'A' ? 0 : rank, rows, values, codeRows: Math.ceil(values / maxRows), targets };
  }
  const outputs = Math.min(maxRows, Math.max(...sides.map(({ values }) => values)));
  const used = sides.flatMap(({ first, codeRows, targets }) =>
    targets.flatMap((target) => Array.from({ length: codeRows }, (_, row) => 2 * rank * target + first + row)),
  );
  const factors = tf.tidy(() => {
    const isWhole = outputs === maxRows;
    const weight = read(parameters, 'decoder.l2.weight');
    const bias = read(parameters, 'decoder.l2.bias');
    const spread = linear(
      tf.gather(tf.reshape(codes, [-1, rank]), tf.tensor1d(used, 'int32')),
      isWhole ? weight : tf.slice(weight, [0, 0], [outputs, rank]),
      isWhole ? bias : tf.slice(bias, [0], [outputs]),
    ); // [code rows, outputs]
    const parts = tf.split(
      spread,
      sides.map(({ codeRows, targets }) => codeRows * targets.length),
    );
    return sides.map(({ rows, values, codeRows, targets }, i) => {
      const flat = tf.reshape(parts[i], [targets.length, codeRows * outputs]);
      const cut = values === codeRows * outputs ? flat : tf.slice(flat, [0, 0], [targets.length, values]);
      return tf.reshape(cut, [targets.length, rows, rank]);
    });
  });
  return groups.map((_, i) => ({ left: factors[2 * i], right: factors[2 * i + 1] }));
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
 * Throws RangeError for codes of another shape, for sizes that are not positive integers, and when the shape needs more rows than the decoder has.
 */
export function decodeCodes(
  parameters: TensorRecord,
  codes: tf.Tensor3D,
  shape: KernelShape,
  config: LowRankDecoderConfig,
): tf.Tensor5D {
  checkShape('codes', codes, [null, 2 * config.rank, config.rank]);
  return tf.tidy(() => {
    const targets = Array.from({ length: codes.shape[0] }, (_, target) => target);
    const [factors] = decodeFactors(parameters, codes, [{ targets, shape }], config);
    return multiplyFactors(factors, shape);
  });
}

/**
 * Both steps at once: embeddings `[targets, dim]` to `[targets, out, inputs, height, width]`.
 * Throws RangeError for embeddings of another shape, and as {@link decodeCodes} does.
 */
export function decode(
  parameters: TensorRecord,
  embeddings: tf.Tensor2D,
  shape: KernelShape,
  config: LowRankDecoderConfig,
): tf.Tensor5D {
  checkShape('embeddings', embeddings, [null, config.dim]);
  return tf.tidy(() => decodeCodes(parameters, embeddingsToCodes(parameters, embeddings, config), shape, config));
}

/** Throws RangeError unless a tensor has these sizes; null stands for any number. */
function checkShape(what: string, { shape }: tf.Tensor, wanted: ReadonlyArray<number | null>): void {
  if (shape.length === wanted.length && wanted.every((size, i) => size === null || size === shape[i])) return;
  const said = wanted.map((size) => size ?? 'targets').join(', ');
  throw new RangeError(`${what} should be [${said}], got [${shape.join(', ')}]`);
}

function read(parameters: TensorRecord, name: string): tf.Tensor {
  const tensor = parameters[name];
  if (!tensor) throw new Error(`the decoder's parameter "${name}" is missing`);
  return tensor;
}
