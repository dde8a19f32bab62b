// Kept operators that look at windows of signals and images.
import { integerAttribute as integer, integersAttribute as integers, textAttribute as text } from '@logah/graph-ir';
import * as tf from '@tensorflow/tfjs-core';
import { type Call, operand } from './call.js';

type Pair = [number, number];

/** What a convolution or pooling of one or two axes looks at, as if of images; those of one axis have a height of 1. */
interface ImageWindow {
  readonly stride: Pair;
  readonly dilation: Pair;
  /** Of batch, height, width and channels. */
  readonly pads: [Pair, Pair, Pair, Pair];
  readonly isFlat: boolean;
}

/** Undefined for windows over more axes than images have, or that rounding up adds. */
function windowOf(call: Call, kernel: ReadonlyArray<number | undefined>): ImageWindow | undefined {
  const { shape, rank } = operand(call, 0);
  const axes = rank - 2;
  if ((axes !== 1 && axes !== 2) || integer(call, 'ceil_mode', 0) !== 0) return undefined;
  const two = (values: readonly number[] | undefined): Pair =>
    values === undefined ? [1, 1] : axes === 1 ? [1, values[0]] : [values[0], values[1]];
  const [stride, dilation] = [two(integers(call, 'strides')), two(integers(call, 'dilations'))];
  const auto = text(call, 'auto_pad', 'NOTSET');
  const given = integers(call, 'pads') ?? new Array<number>(2 * axes).fill(0);
  const sides = kernel.map((size = 0, i): Pair => {
    if (auto === 'NOTSET' || auto === 'VALID') return auto === 'VALID' ? [0, 0] : [given[i], given[i + axes]];
    const [length, step] = [shape[i + 2] ?? 0, stride[i + 2 - axes]];
    const reach = dilation[i + 2 - axes] * (size - 1) + 1;
    const total = Math.max(0, (Math.ceil(length / step) - 1) * step + reach - length);
    const less = Math.floor(total / 2);
    return auto === 'SAME_LOWER' ? [total - less, less] : [less, total - less];
  });
  return {
    stride,
    dilation,
    pads: [[0, 0], ...(axes === 1 ? ([[0, 0] as Pair, sides[0]] as const) : ([sides[0], sides[1]] as const)), [0, 0]],
    isFlat: axes === 1,
  };
}

/** Signals `[batch, channels, length]` or images with channels first, as images with channels last. */
const asImages = (x: tf.Tensor, isFlat: boolean): tf.Tensor4D =>
  tf.transpose(isFlat ? tf.expandDims(x, 2) : x, [0, 2, 3, 1]) as tf.Tensor4D;

const asBefore = (images: tf.Tensor, isFlat: boolean): tf.Tensor => {
  const result = tf.transpose(images, [0, 3, 1, 2]);
  return isFlat ? tf.squeeze(result, [2]) : result;
};

/** Convolutions over one axis run as images of height 1. */
export function convolution(call: Call): tf.Tensor | undefined {
  const [x, weight] = [operand(call, 0), operand(call, 1)];
  const window = windowOf(call, weight.shape.slice(2));
  if (window === undefined) return undefined;
  const { stride, dilation, pads, isFlat } = window;
  // TensorFlow.js moves and dilates, but not both at once.
  if (stride.some((size) => size > 1) && dilation.some((size) => size > 1)) return undefined;
  const groups = integer(call, 'group', 1);
  const padded = tf.pad(asImages(x, isFlat), pads);
  const kernels = tf.split(tf.transpose(isFlat ? tf.expandDims(weight, 2) : weight, [2, 3, 1, 0]), groups, 3);
  const parts = tf
    .split(padded, groups, 3)
    .map((part, i) => tf.conv2d(part as tf.Tensor4D, kernels[i] as tf.Tensor4D, stride, 'valid', 'NHWC', dilation));
  return withChannelBias(asBefore(tf.concat(parts, 3), isFlat), call.operands[2]);
}

/** The largest element or the mean of each window; a mean leaves padding out unless it is told not to. */
export function pooling(call: Call): tf.Tensor | undefined {
  const kernel = integers(call, 'kernel_shape') ?? [];
  const window = windowOf(call, kernel);
  if (window === undefined || window.dilation.some((size) => size !== 1) || call.results > 1) return undefined;
  const { stride, pads, isFlat } = window;
  const x = asImages(operand(call, 0), isFlat);
  const size: Pair = isFlat ? [1, kernel[0]] : [kernel[0], kernel[1]];
  if (call.operator === 'MaxPool') return asBefore(tf.maxPool(x, size, stride, pads), isFlat);
  const countsPadding = integer(call, 'count_include_pad', 0) === 1;
  const pooled = countsPadding ? tf.avgPool(tf.pad(x, pads), size, stride, 'valid') : tf.avgPool(x, size, stride, pads);
  return asBefore(pooled, isFlat);
}

const withChannelBias = (x: tf.Tensor, bias: tf.Tensor | undefined): tf.Tensor =>
  bias === undefined ? x : tf.add(x, tf.reshape(bias, [1, -1, ...x.shape.slice(2).map(() => 1)]));

/** The transposed convolution of images: the gradient of a convolution with respect to its input. */
export function transposedConvolution(call: Call): tf.Tensor | undefined {
  const [x, weight] = [operand(call, 0), operand(call, 1)];
  const isPlain =
    x.rank === 4 &&
    integer(call, 'group', 1) === 1 &&
    !integers(call, 'dilations')?.some((size) => size !== 1) &&
    !('output_shape' in call.attributes) &&
    text(call, 'auto_pad', 'NOTSET') === 'NOTSET';
  if (!isPlain) return undefined;
  const [height, width] = integers(call, 'strides') ?? [1, 1];
  const [top, left, bottom, right] = integers(call, 'pads') ?? [0, 0, 0, 0];
  const [extraHeight, extraWidth] = integers(call, 'output_padding') ?? [0, 0];
  const [, channels, kernelHeight, kernelWidth] = weight.shape;
  const [batch, , inHeight, inWidth] = x.shape as [number, number, number, number];
  const rows = (inHeight - 1) * height + kernelHeight;
  const columns = (inWidth - 1) * width + kernelWidth;
  const whole = tf.conv2dTranspose(
    tf.transpose(x, [0, 2, 3, 1]) as tf.Tensor4D,
    tf.transpose(weight, [2, 3, 1, 0]) as tf.Tensor4D,
    [batch, rows, columns, channels],
    [height, width],
    'valid',
  );
  const grown = tf.pad(whole, [
    [0, 0],
    [0, extraHeight],
    [0, extraWidth],
    [0, 0],
  ]);
  const cut = tf.slice(
    grown,
    [0, top, left, 0],
    [batch, rows + extraHeight - top - bottom, columns + extraWidth - left - right, channels],
  );
  return withChannelBias(tf.transpose(cut, [0, 3, 1, 2]), call.operands[2]);
}
