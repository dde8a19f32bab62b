// A bank of templates: K learned tensors at the largest size, of which every smaller one is a slice. Written out, or each as a product of two factors.
import type { ParameterSpec, TensorRecord } from '@logah/tensor-ops';
import * as tf from '@tensorflow/tfjs-core';

/** Templates of one purpose. */
export interface TemplateBank {
  /** In front of the names of its tensors. */
  readonly name: string;
  /** The largest vector `[length]`, matrix `[rows, columns]` or kernel `[out, in, side, side]`. */
  readonly shape: readonly number[];
  /** How many templates, K. */
  readonly templates: number;
  /** The rank of every template; 0 writes them out. Kernels have one. */
  readonly rank: number;
  /** The standard deviation of the first values; 0 starts at 0. */
  readonly deviation: number;
}

/**
 * The tensors of a bank: `[templates, …shape]` written out; else `left` `[templates, rows, rank]` and `right` `[templates, rank, columns]`, and for
 * kernels `spatial` `[templates, rank, side, side]`. First values are normal, factors such that their product has the bank's deviation.
 */
export function bankParameters({ name, shape, templates, rank, deviation }: TemplateBank): ParameterSpec[] {
  const normal = (suffix: string, size: readonly number[], std: number): ParameterSpec => ({
    name: `${name}${suffix}`,
    shape: [templates, ...size],
    initial: (random) => random.normals(elements([templates, ...size]), 0, std),
  });
  if (rank === 0) return [normal('', shape, deviation)];
  const [rows, columns, ...sides] = shape;
  // A sum of `rank` products of two or three independent factors.
  const ofFactor = Math.sqrt(deviation / Math.sqrt(rank));
  const factors = [normal('.left', [rows, rank], ofFactor), normal('.right', [rank, columns], ofFactor)];
  return sides.length === 0 ? factors : [...factors, normal('.spatial', [rank, ...sides], 1)];
}

/**
 * Mixtures of a bank's templates, cut to `shape`: weights `[targets, templates]` to `[targets, …shape]`. Matrices are the first rows and columns, kernels
 * the first channels and the centre of the window. Differentiable in the bank's tensors and the weights.
 * Throws RangeError for a shape that the bank does not hold.
 */
export function mixTemplates(
  parameters: TensorRecord,
  bank: TemplateBank,
  weights: tf.Tensor2D,
  shape: readonly number[],
): tf.Tensor {
  if (shape.length !== bank.shape.length || shape.some((size, axis) => size < 1 || size > bank.shape[axis])) {
    throw new RangeError(
      `the templates "${bank.name}" are [${bank.shape.join(', ')}], too small for a target of [${shape.join(', ')}]`,
    );
  }
  const [targets, templates] = weights.shape;
  const mixed = (slices: tf.Tensor): tf.Tensor =>
    tf.reshape(tf.matMul(weights, tf.reshape<tf.Rank.R2>(slices, [templates, -1])), [targets, ...shape]);
  return tf.tidy(() => {
    if (bank.rank === 0) return mixed(slice(read(parameters, bank.name), shape));
    const [rows, columns, ...sides] = shape;
    const left = slice(read(parameters, `${bank.name}.left`), [rows, bank.rank]);
    const right = placed(parameters, bank, slice(read(parameters, `${bank.name}.right`), [bank.rank, columns]), sides);
    if (targets > 1) return mixed(tf.matMul(left, right));
    // One target alone: Σ w·L·R as one product of the factors side by side, so that no template is multiplied out.
    const weighted = tf.mul(left, tf.reshape(weights, [templates, 1, 1]));
    const sideBySide = tf.reshape(tf.transpose(weighted, [1, 0, 2]), [rows, templates * bank.rank]);
    return tf.reshape(tf.matMul(sideBySide, tf.reshape(right, [templates * bank.rank, -1])), [1, ...shape]);
  });
}

/** Right factors `[templates, rank, columns]`, of kernels times the centre of what lies at each place: `[templates, rank, columns · height · width]`. */
function placed(
  parameters: TensorRecord,
  { name, rank, shape, templates }: TemplateBank,
  right: tf.Tensor,
  sides: readonly number[],
): tf.Tensor {
  if (sides.length === 0) return right;
  const starts = sides.map((size, i) => Math.floor((shape[2 + i] - size) / 2));
  const window = tf.slice(read(parameters, `${name}.spatial`), [0, 0, ...starts], [templates, rank, ...sides]);
  const product = tf.mul(tf.expandDims(right, 3), tf.reshape(window, [templates, rank, 1, elements(sides)]));
  return tf.reshape(product, [templates, rank, -1]);
}

/** The first part of every template. */
const slice = (x: tf.Tensor, size: readonly number[]): tf.Tensor =>
  size.every((length, axis) => length === x.shape[axis + 1])
    ? x
    : tf.slice(x, [0, ...size.map(() => 0)], [x.shape[0], ...size]);

const elements = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

function read(parameters: TensorRecord, name: string): tf.Tensor {
  const tensor = parameters[name];
  if (!tensor) throw new Error(`the template decoder's parameter "${name}" is missing`);
  return tensor;
}
