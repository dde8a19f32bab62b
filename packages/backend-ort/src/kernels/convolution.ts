// Convolutions and pooling. tfjs keeps channels last, ONNX first: transpositions are part of each program.
import {
  type AvgPoolAttrs,
  type AvgPoolGradAttrs,
  backend_util,
  type Conv2DAttrs,
  type Conv2DBackpropFilterAttrs,
  type Conv2DBackpropInputAttrs,
  type DepthwiseConv2dNativeAttrs,
  type DepthwiseConv2dNativeBackpropFilterAttrs,
  type DepthwiseConv2dNativeBackpropInputAttrs,
  type FusedConv2DAttrs,
  type MaxPoolAttrs,
  type MaxPoolGradAttrs,
  type TensorInfo,
} from '@tensorflow/tfjs-core';
import { type OrtBackend, sizeOf } from '../backend.js';
import type { AttributeValue, Program, ProgramNode } from '../program.js';
import type { Kernel } from '../session.js';
import { type Activation, activationNodes, activationOf, SLOPES } from './activation.js';
import { areFloats, broadcastsTo, kernelFamily, type NativeKernel, nativeKernel } from './kernel.js';
import { transpose } from './movement.js';
import { avgPoolGradient, maxPoolGradient } from './pooling-gradients.js';

type ConvInfo = backend_util.Conv2DInfo;

const TO_CHANNELS_FIRST = [0, 3, 1, 2];
const TO_CHANNELS_LAST = [0, 2, 3, 1];

const move = (from: string, to: string, perm: readonly number[]): ProgramNode => ({
  op: 'Transpose',
  inputs: [from],
  outputs: [to],
  attributes: { perm },
});

/** What a program of a convolution depends on. */
interface Geometry {
  readonly kernel: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly dilations: readonly [number, number];
  /** Top, left, bottom, right. */
  readonly pads: readonly [number, number, number, number];
  readonly groups: number;
}

function geometryOf(info: ConvInfo, groups = 1): Geometry {
  const { padInfo: p } = info;
  return {
    kernel: [info.filterHeight, info.filterWidth],
    strides: [info.strideHeight, info.strideWidth],
    dilations: [info.dilationHeight, info.dilationWidth],
    pads: [p.top, p.left, p.bottom, p.right],
    groups,
  };
}

const attributesOf = ({ kernel, strides, dilations, pads, groups }: Geometry): Record<string, AttributeValue> => ({
  kernel_shape: kernel,
  strides,
  dilations,
  pads,
  group: groups,
});

const twoFloats = (a: string, b: string) => ({ [a]: 'float32', [b]: 'float32' }) as const;

/**
 * A filter in ONNX's order [out, in / groups, height, width]. A depthwise one, with a group for each channel, is [height, width, in, outputs of a channel] in
 * tfjs: its last two axes together are the outputs. The caller disposes of it.
 */
function filterToOnnx(backend: OrtBackend, filter: TensorInfo, isDepthwise: boolean): TensorInfo {
  if (!isDepthwise) return transpose(backend, filter, [3, 2, 0, 1]);
  const [height, width, channels, outputs] = filter.shape;
  return { ...transpose(backend, filter, [2, 3, 0, 1]), shape: [channels * outputs, 1, height, width] };
}

/** What follows a convolution in a fused kernel. */
interface Epilogue {
  /** One bias for each channel. */
  readonly hasBias: boolean;
  readonly activation: Activation;
}

const PLAIN: Epilogue = { hasBias: false, activation: { name: 'linear', alpha: 0 } };

const conv = kernelFamily((geometry: Geometry, { hasBias, activation }: Epilogue): Program => {
  const operands = ['kernel', ...(hasBias ? ['bias'] : [])];
  const isLinear = activation.name === 'linear';
  const { nodes, constants } = isLinear ? { nodes: [], constants: {} } : activationNodes(activation, 'linear');
  const inputs = ['x', ...operands, ...(activation.name === 'prelu' ? [SLOPES] : [])];
  return {
    inputs: Object.fromEntries(inputs.map((name) => [name, 'float32' as const])),
    outputs: { y: 'float32' },
    nodes: [
      move('x', 'image', TO_CHANNELS_FIRST),
      { op: 'Conv', inputs: ['image', ...operands], outputs: ['result'], attributes: attributesOf(geometry) },
      move('result', isLinear ? 'y' : 'linear', TO_CHANNELS_LAST),
      ...nodes,
    ],
    constants,
  };
});

/** The gradient of the image: a transposed convolution with the same kernel. `rest` are rows and columns that no window reached. */
const convGradInput = kernelFamily(
  (geometry: Geometry, rest: readonly number[]): Program => ({
    inputs: twoFloats('dy', 'kernel'),
    outputs: { y: 'float32' },
    nodes: [
      move('dy', 'gradient', TO_CHANNELS_FIRST),
      {
        op: 'ConvTranspose',
        inputs: ['gradient', 'kernel'],
        outputs: ['result'],
        attributes: { ...attributesOf(geometry), output_padding: rest },
      },
      move('result', 'y', TO_CHANNELS_LAST),
    ],
  }),
);

/** Runs a program of an image and a filter in tfjs's order, and of what else it reads. */
function withFilter(
  backend: OrtBackend,
  kernel: Kernel,
  [image, filter, ...others]: readonly [TensorInfo, TensorInfo, ...TensorInfo[]],
  options: { readonly shape: readonly number[]; readonly work?: number; readonly isDepthwise?: boolean },
): TensorInfo {
  const ordered = filterToOnnx(backend, filter, options.isDepthwise ?? false);
  const [result] = backend.runNative(kernel, [image, ordered, ...others], [{ shape: options.shape }], options.work);
  backend.disposeData(ordered.dataId);
  return result;
}

/**
 * The gradient of the kernel: the image convolved with the result's gradient, batch and channels having changed places, so that what was
 * a stride is now a dilation. It may come out larger than the kernel where windows left rows over; those are cut.
 */
const convGradFilter = kernelFamily(
  ({ kernel, strides, dilations, pads }: Geometry, outSize: readonly number[]): Program => ({
    inputs: twoFloats('x', 'dy'),
    outputs: { y: 'float32' },
    nodes: [
      move('x', 'image', [3, 0, 1, 2]), // [in, batch, height, width]
      move('dy', 'gradient', [3, 0, 1, 2]), // [out, batch, height', width']
      {
        op: 'Conv',
        inputs: ['image', 'gradient'],
        outputs: ['whole'],
        attributes: { kernel_shape: outSize, strides: dilations, dilations: strides, pads, group: 1 },
      },
      { op: 'Slice', inputs: ['whole', 'starts', 'ends', 'axes'], outputs: ['cut'] }, // [in, out, kernel height, kernel width]
      move('cut', 'y', [2, 3, 0, 1]),
    ],
    constants: { starts: [0n, 0n], ends: kernel.map(BigInt), axes: [2n, 3n] },
  }),
);

const pool = kernelFamily(
  (op: string, { kernel, strides, dilations, pads }: Geometry): Program => ({
    inputs: { x: 'float32' },
    outputs: { y: 'float32' },
    nodes: [
      move('x', 'image', TO_CHANNELS_FIRST),
      {
        op,
        inputs: ['image'],
        outputs: ['result'],
        attributes: { kernel_shape: kernel, strides, pads, ...(op === 'MaxPool' ? { dilations } : {}) },
      },
      move('result', 'y', TO_CHANNELS_LAST),
    ],
  }),
);

/** As the gradient of a whole kernel, one group for each channel, the batch being the channels of a group. */
const depthwiseGradFilter = kernelFamily(
  (
    { kernel: [height, width], strides, dilations, pads }: Geometry,
    image: readonly number[],
    outSize: readonly number[],
    perChannel: number,
  ): Program => {
    const [batch, imageHeight, imageWidth, channels] = image;
    return {
      inputs: twoFloats('x', 'dy'),
      outputs: { y: 'float32' },
      nodes: [
        move('x', 'channels', [3, 0, 1, 2]), // [in, batch, height, width]
        { op: 'Reshape', inputs: ['channels', 'imageShape'], outputs: ['image'] }, // [1, in * batch, height, width]
        move('dy', 'gradient', [3, 0, 1, 2]), // [out, batch, height', width']
        {
          op: 'Conv',
          inputs: ['image', 'gradient'],
          outputs: ['whole'],
          attributes: { kernel_shape: outSize, strides: dilations, dilations: strides, pads, group: channels },
        },
        { op: 'Slice', inputs: ['whole', 'starts', 'ends', 'axes'], outputs: ['cut'] }, // [1, out, kernel height, kernel width]
        { op: 'Reshape', inputs: ['cut', 'kernelShape'], outputs: ['perChannel'] },
        move('perChannel', 'y', [2, 3, 0, 1]),
      ],
      constants: {
        imageShape: [1, channels * batch, imageHeight, imageWidth].map(BigInt),
        kernelShape: [channels, perChannel, height, width].map(BigInt),
        starts: [0n, 0n],
        ends: [height, width].map(BigInt),
        axes: [2n, 3n],
      },
    };
  },
);

type Sizes = readonly number[];
type WindowAttrs = Pick<Conv2DAttrs, 'strides' | 'pad' | 'dilations' | 'dimRoundingMode'>;

const conv2dInfo = (
  x: Sizes,
  filter: Sizes,
  { strides, dilations: given, pad, dimRoundingMode }: WindowAttrs,
  isDepthwise = false,
): ConvInfo =>
  backend_util.computeConv2DInfo(
    x as [number, number, number, number],
    filter as [number, number, number, number],
    strides,
    // tfjs lets callers pass null for no dilation, whatever the type says.
    given ?? 1,
    pad,
    dimRoundingMode,
    isDepthwise,
  );

const poolInfo = (x: Sizes, { filterSize, strides, pad, dimRoundingMode }: MaxPoolAttrs): ConvInfo =>
  backend_util.computePool2DInfo(x as [number, number, number, number], filterSize, strides, 1, pad, dimRoundingMode);

/** Rows and columns at the end of the padded image that no window reached. */
const unreached = ({ inHeight, inWidth, outHeight, outWidth, ...info }: ConvInfo): [number, number] => [
  inHeight +
    info.padInfo.top +
    info.padInfo.bottom -
    ((outHeight - 1) * info.strideHeight + info.effectiveFilterHeight),
  inWidth + info.padInfo.left + info.padInfo.right - ((outWidth - 1) * info.strideWidth + info.effectiveFilterWidth),
];

const workOf = (info: ConvInfo): number =>
  2 * sizeOf(info.outShape) * info.filterHeight * info.filterWidth * info.inChannels;

const isReachable = (info: ConvInfo): boolean => unreached(info).every((size) => size >= 0);

/** Whether the result is as large as ONNX makes it: as many windows as fit. */
function isFloored(info: ConvInfo): boolean {
  const [rows, columns] = unreached(info);
  return rows >= 0 && rows < info.strideHeight && columns >= 0 && columns < info.strideWidth;
}

/** ONNX refuses windows that lie in the padding altogether. */
const isPoolable = (info: ConvInfo): boolean => {
  const { top, bottom, left, right } = info.padInfo;
  return isFloored(info) && Math.max(top, bottom) < info.filterHeight && Math.max(left, right) < info.filterWidth;
};

const hasShape = ({ shape }: TensorInfo, wanted: readonly number[]): boolean => shape.join() === wanted.join();

interface FusedInputs {
  readonly x: TensorInfo;
  readonly filter: TensorInfo;
  readonly bias?: TensorInfo;
  readonly preluActivationWeights?: TensorInfo;
}

/** A convolution, a bias for each channel and an activation. */
const fused = (name: 'FusedConv2D' | 'FusedDepthwiseConv2D', isDepthwise: boolean): NativeKernel =>
  nativeKernel<FusedInputs, FusedConv2DAttrs>(name, (backend, { x, filter, bias, preluActivationWeights }, attrs) => {
    const slopes = attrs.activation === 'prelu' ? preluActivationWeights : undefined;
    const others = [bias, slopes].filter((info): info is TensorInfo => info !== undefined);
    if (!areFloats(x, filter, ...others) || (attrs.dataFormat ?? 'NHWC') !== 'NHWC') return undefined;
    const info = conv2dInfo(x.shape, filter.shape, attrs, isDepthwise);
    if (!isFloored(info) || (bias !== undefined && !hasShape(bias, [info.outChannels]))) return undefined;
    if (slopes !== undefined && !broadcastsTo(slopes.shape, info.outShape)) return undefined;
    const activation = activationOf(attrs.activation, attrs.leakyreluAlpha);
    const geometry = geometryOf(info, isDepthwise ? info.inChannels : 1);
    const kernel = conv(geometry, { hasBias: bias !== undefined, activation });
    const work = isDepthwise ? 0 : workOf(info);
    return withFilter(backend, kernel, [x, filter, ...others], { shape: info.outShape, work, isDepthwise });
  });

export const convolutionKernels: readonly NativeKernel[] = [
  fused('FusedConv2D', false),
  fused('FusedDepthwiseConv2D', true),
  nativeKernel<{ x: TensorInfo; filter: TensorInfo }, Conv2DAttrs>('Conv2D', (backend, { x, filter }, attrs) => {
    if (!areFloats(x, filter) || attrs.dataFormat !== 'NHWC') return undefined;
    const info = conv2dInfo(x.shape, filter.shape, attrs);
    if (!isFloored(info)) return undefined;
    return withFilter(backend, conv(geometryOf(info), PLAIN), [x, filter], {
      shape: info.outShape,
      work: workOf(info),
    });
  }),
  nativeKernel<{ dy: TensorInfo; filter: TensorInfo }, Conv2DBackpropInputAttrs>(
    'Conv2DBackpropInput',
    (backend, { dy, filter }, attrs) => {
      const info = conv2dInfo(attrs.inputShape, filter.shape, { ...attrs, dilations: 1 });
      if (!areFloats(dy, filter) || attrs.dataFormat !== 'NHWC' || !isReachable(info)) return undefined;
      if (!hasShape(dy, info.outShape)) return undefined;
      const kernel = convGradInput(geometryOf(info), unreached(info));
      return withFilter(backend, kernel, [dy, filter], { shape: info.inShape, work: workOf(info) });
    },
  ),
  nativeKernel<{ x: TensorInfo; dy: TensorInfo }, Conv2DBackpropFilterAttrs>(
    'Conv2DBackpropFilter',
    (backend, { x, dy }, attrs) => {
      const info = conv2dInfo(x.shape, attrs.filterShape, { ...attrs, dilations: 1 });
      if (!areFloats(x, dy) || attrs.dataFormat !== 'NHWC' || !isReachable(info)) return undefined;
      const kernel = convGradFilter(geometryOf(info), [info.outHeight, info.outWidth]);
      return backend.runNative(kernel, [x, dy], [{ shape: info.filterShape }], workOf(info))[0];
    },
  ),
  nativeKernel<{ x: TensorInfo }, MaxPoolAttrs>('MaxPool', (backend, { x }, attrs) => {
    if (!areFloats(x)) return undefined;
    const info = poolInfo(x.shape, attrs);
    if (!isPoolable(info)) return undefined;
    return backend.runNative(pool('MaxPool', geometryOf(info)), [x], [{ shape: info.outShape }])[0];
  }),
  nativeKernel<{ x: TensorInfo }, AvgPoolAttrs>('AvgPool', (backend, { x }, attrs) => {
    if (!areFloats(x)) return undefined;
    const info = poolInfo(x.shape, attrs);
    if (!isPoolable(info)) return undefined;
    return backend.runNative(pool('AveragePool', geometryOf(info)), [x], [{ shape: info.outShape }])[0];
  }),
  nativeKernel<{ x: TensorInfo; filter: TensorInfo }, DepthwiseConv2dNativeAttrs>(
    'DepthwiseConv2dNative',
    (backend, { x, filter }, attrs) => {
      if (!areFloats(x, filter)) return undefined;
      const info = conv2dInfo(x.shape, filter.shape, attrs, true);
      if (!isFloored(info)) return undefined;
      const kernel = conv(geometryOf(info, info.inChannels), PLAIN);
      return withFilter(backend, kernel, [x, filter], { shape: info.outShape, isDepthwise: true });
    },
  ),
  nativeKernel<{ dy: TensorInfo; filter: TensorInfo }, DepthwiseConv2dNativeBackpropInputAttrs>(
    'DepthwiseConv2dNativeBackpropInput',
    (backend, { dy, filter }, attrs) => {
      const info = conv2dInfo(attrs.inputShape, filter.shape, attrs, true);
      if (!areFloats(dy, filter) || !isReachable(info)) return undefined;
      const kernel = convGradInput(geometryOf(info, info.inChannels), unreached(info));
      return withFilter(backend, kernel, [dy, filter], { shape: info.inShape, isDepthwise: true });
    },
  ),
  nativeKernel<{ x: TensorInfo; dy: TensorInfo }, DepthwiseConv2dNativeBackpropFilterAttrs>(
    'DepthwiseConv2dNativeBackpropFilter',
    (backend, { x, dy }, attrs) => {
      const info = conv2dInfo(x.shape, attrs.filterShape, attrs, true);
      if (!areFloats(x, dy) || !isReachable(info)) return undefined;
      const kernel = depthwiseGradFilter(
        geometryOf(info),
        x.shape,
        [info.outHeight, info.outWidth],
        attrs.filterShape[3],
      );
      return backend.runNative(kernel, [x, dy], [{ shape: attrs.filterShape }])[0];
    },
  ),
  nativeKernel<{ dy: TensorInfo; input: TensorInfo }, MaxPoolGradAttrs>(
    'MaxPoolGrad',
    (backend, { dy, input }, attrs) => {
      if (!areFloats(dy, input)) return undefined;
      const { info, values } = backend.allocate(input.shape);
      maxPoolGradient(backend.floats(dy), backend.floats(input), values, poolInfo(input.shape, attrs));
      return info;
    },
  ),
  nativeKernel<{ dy: TensorInfo; input: TensorInfo }, AvgPoolGradAttrs>(
    'AvgPoolGrad',
    (backend, { dy, input }, attrs) => {
      if (!areFloats(dy, input)) return undefined;
      const { info, values } = backend.allocate(input.shape);
      avgPoolGradient(backend.floats(dy), values, poolInfo(input.shape, attrs));
      return info;
    },
  ),
];
