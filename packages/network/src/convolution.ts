// Convolutions and pooling on channel-last images, with PyTorch's kernels `[out, in / groups, height, width]`.
import { adaptivePoolShares, type OperatorAttributes, type Padding, type Window } from '@logah/graph-ir';
import * as tf from '@tensorflow/tfjs-core';

type ConvolutionAttributes = OperatorAttributes['conv2d'];
type ExplicitPadding = Exclude<Parameters<typeof tf.conv2d>[3], 'valid' | 'same' | number>;

const explicit = ({ top, left, bottom, right }: Padding): ExplicitPadding => [
  [0, 0],
  [top, bottom],
  [left, right],
  [0, 0],
];

/** x `[batch, height, width, in]`; returns `[batch, height', width', out]`. */
export function convolve(
  x: tf.Tensor4D,
  weight: tf.Tensor4D,
  bias: tf.Tensor | undefined,
  attributes: ConvolutionAttributes,
): tf.Tensor4D {
  const result = isPatching(weight, attributes) ? convolvePatches(x, weight) : convolveGroups(x, weight, attributes);
  return bias === undefined ? result : tf.add<tf.Tensor4D>(result, bias);
}

/** A kernel that moves by its own size sees every pixel once: the convolution is one matrix product. */
function isPatching(weight: tf.Tensor4D, { stride, padding, dilation, groups }: ConvolutionAttributes): boolean {
  const [, , height, width] = weight.shape;
  return (
    groups === 1 &&
    height === stride[0] &&
    width === stride[1] &&
    dilation.every((size) => size === 1) &&
    Object.values(padding).every((size) => size === 0)
  );
}

function convolvePatches(x: tf.Tensor4D, weight: tf.Tensor4D): tf.Tensor4D {
  const [out, channels, patchHeight, patchWidth] = weight.shape;
  const [batch, height, width] = x.shape;
  const rows = Math.floor(height / patchHeight);
  const columns = Math.floor(width / patchWidth);
  const isWhole = rows * patchHeight === height && columns * patchWidth === width;
  const covered = isWhole ? x : tf.slice(x, [0, 0, 0, 0], [batch, rows * patchHeight, columns * patchWidth, channels]);
  const patches = tf.transpose(
    tf.reshape(covered, [batch * rows, patchHeight, columns, patchWidth, channels]),
    [0, 2, 4, 1, 3],
  );
  const size = channels * patchHeight * patchWidth;
  // Not a layer of its own, whose gradient would always compute the image's, too.
  const product = tf.matMul(tf.reshape(patches, [-1, size]), tf.reshape(weight, [out, size]), false, true);
  return tf.reshape<tf.Rank.R4>(product, [batch, rows, columns, out]);
}

/** A kernel with zeros between its elements, which looks where a dilated one does. */
export function dilated(weight: tf.Tensor4D, [down, across]: readonly [number, number]): tf.Tensor4D {
  const [out, inputs, height, width] = weight.shape;
  const spread = tf.pad(tf.reshape(weight, [out * inputs, height, 1, width, 1]), [
    [0, 0],
    [0, 0],
    [0, down - 1],
    [0, 0],
    [0, across - 1],
  ]);
  const whole = tf.reshape<tf.Rank.R4>(spread, [out, inputs, height * down, width * across]);
  return tf.slice(whole, [0, 0, 0, 0], [out, inputs, (height - 1) * down + 1, (width - 1) * across + 1]);
}

function convolveGroups(x: tf.Tensor4D, weight: tf.Tensor4D, attributes: ConvolutionAttributes): tf.Tensor4D {
  const { stride, padding, groups } = attributes;
  // TensorFlow.js moves kernels or dilates them, but not both at once.
  const isBoth = stride.some((size) => size > 1) && attributes.dilation.some((size) => size > 1);
  if (isBoth) return convolveGroups(x, dilated(weight, attributes.dilation), { ...attributes, dilation: [1, 1] });
  const { dilation } = attributes;
  const convolveOne = (image: tf.Tensor4D, kernel: tf.Tensor4D): tf.Tensor4D =>
    tf.conv2d(image, tf.transpose(kernel, [2, 3, 1, 0]), [...stride], explicit(padding), 'NHWC', [...dilation]);
  if (groups === 1) return convolveOne(x, weight);
  const [out, perGroup, height, width] = weight.shape;
  if (perGroup === 1) {
    // tfjs orders a depthwise kernel [height, width, channels, outputs of a channel].
    const kernel = tf.transpose(tf.reshape(weight, [groups, out / groups, height, width]), [2, 3, 0, 1]) as tf.Tensor4D;
    return tf.depthwiseConv2d(x, kernel, [...stride], explicit(padding), 'NHWC', [...dilation]);
  }
  const images = tf.split<tf.Tensor4D>(x, groups, 3);
  return tf.concat(
    tf.split<tf.Tensor4D>(weight, groups, 0).map((kernel, i) => convolveOne(images[i], kernel)),
    3,
  );
}

/** The maximum or the mean over windows: `[batch, height, width, channels]` to `[batch, height', width', channels]`. */
export function pool(type: 'max_pool' | 'avg_pool', x: tf.Tensor4D, { kernel, stride, padding }: Window): tf.Tensor4D {
  const apply = type === 'max_pool' ? tf.maxPool : tf.avgPool;
  return apply(x, [...kernel], [...stride], explicit(padding));
}

/** Means over `[rows, columns]` parts of an image, as PyTorch divides it. */
export function adaptiveAvgPool(x: tf.Tensor4D, [rows, columns]: readonly [number, number]): tf.Tensor4D {
  const [batch, height, width, channels] = x.shape;
  if (rows === 1 && columns === 1) return tf.mean<tf.Tensor4D>(x, [1, 2], true);
  // Each axis is one product with a matrix of shares.
  const high = tf.reshape(tf.matMul(shares(height, rows), tf.reshape(x, [batch, height, width * channels])), [
    batch * rows,
    width,
    channels,
  ]);
  return tf.reshape(tf.matMul(shares(width, columns), high), [batch, rows, columns, channels]);
}

/** What each of `parts` takes of `size` pixels, `[1, parts, size]`. */
const shares = (size: number, parts: number): tf.Tensor3D =>
  tf.tensor3d(adaptivePoolShares(size, parts), [1, parts, size]);

interface BatchNormOptions {
  readonly weight: tf.Tensor;
  readonly bias: tf.Tensor;
  readonly epsilon: number;
  readonly mean?: tf.Tensor;
  readonly variance?: tf.Tensor;
}

/** Batch norm over all axes but the last, with the statistics given, or with those of the batch (biased variance), as PyTorch's training mode. */
export function batchNorm(x: tf.Tensor4D, { weight, bias, epsilon, mean, variance }: BatchNormOptions): tf.Tensor4D {
  const axes = [0, 1, 2];
  const centered = tf.sub(x, mean ?? tf.mean(x, axes));
  const scale = tf.rsqrt(tf.add(variance ?? tf.mean(tf.square(centered), axes), epsilon));
  return tf.add<tf.Tensor4D>(tf.mul(tf.mul(centered, scale), weight), bias);
}
