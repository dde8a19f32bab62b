// Paddings by numbers. tfjs-node (4.22) refuses them in pooling and in the gradients of convolutions, and refuses one number for all sides in
// convolutions, too; with rounding up it gives results of another size than tfjs's other backends. All of these run on an input that is padded
// first, without further padding: so many rows and columns more as the last window wants.
import * as tf from '@tensorflow/tfjs-core';

const BACKEND = 'tensorflow';

type Shape4D = [number, number, number, number];
type Padding = Parameters<typeof tf.backend_util.computePool2DInfo>[4];
type Rounding = Parameters<typeof tf.backend_util.computePool2DInfo>[5];

/** What the kernels below have among their attributes. */
interface Attributes {
  readonly pad: Padding;
  readonly strides: number | [number, number];
  readonly dilations?: number | [number, number];
  readonly dimRoundingMode?: Rounding;
  readonly dataFormat?: 'NHWC' | 'NCHW';
  readonly filterSize: number | [number, number];
  readonly filterShape: Shape4D;
  readonly inputShape: Shape4D;
}

/** tfjs runs a kernel with tensors, and in a scope of its own whose operations are not differentiated. */
type Inputs = Readonly<Record<'x' | 'dy' | 'filter' | 'input' | 'output', tf.Tensor4D>>;

/** A kernel's call: its tensors, its attributes, and how to call the original with others. */
interface Call {
  readonly inputs: Inputs;
  readonly attributes: Attributes;
  readonly original: (inputs: Partial<Inputs>, attributes?: Partial<Attributes>) => tf.Tensor4D;
}

interface PaddedKernel {
  /** The windows over its input. */
  readonly windows: (call: Call) => tf.backend_util.Conv2DInfo;
  /** The result by way of an input with rows and columns added. */
  readonly run: (call: Call, sides: Sides) => tf.Tensor4D;
}

/** Rows and columns that are added: before and after, for each axis. */
type Sides = [[number, number], [number, number], [number, number], [number, number]];

const padded = (x: tf.Tensor4D, sides: Sides, value = 0): tf.Tensor4D => tf.pad4d(x, sides, value);

/** The gradient of what was padded, without what the padding got. */
const withoutPadding = (dx: tf.Tensor4D, sides: Sides, shape: Shape4D): tf.Tensor4D =>
  tf.slice(
    dx,
    sides.map(([before]) => before),
    shape,
  );

const grown = (shape: Shape4D, sides: Sides): Shape4D =>
  shape.map((size, i) => size + sides[i][0] + sides[i][1]) as Shape4D;

/** The windows of a convolution over an input of this shape. */
const convolutionOver = (
  shape: Shape4D,
  filter: Shape4D,
  { strides, dilations = 1, pad, dimRoundingMode }: Attributes,
  isDepthwise: boolean,
): tf.backend_util.Conv2DInfo =>
  tf.backend_util.computeConv2DInfo(shape, filter, strides, dilations, pad, dimRoundingMode, isDepthwise);

const poolOver = (
  shape: Shape4D,
  { filterSize, strides, pad, dimRoundingMode }: Attributes,
): tf.backend_util.Conv2DInfo => tf.backend_util.computePool2DInfo(shape, filterSize, strides, 1, pad, dimRoundingMode);

const forwardConvolution = (isDepthwise: boolean): PaddedKernel => ({
  windows: ({ inputs: { x, filter }, attributes }) => convolutionOver(x.shape, filter.shape, attributes, isDepthwise),
  run: ({ inputs, original }, sides) => original({ ...inputs, x: padded(inputs.x, sides) }),
});

const filterGradient = (isDepthwise: boolean): PaddedKernel => ({
  windows: ({ inputs: { x }, attributes }) => convolutionOver(x.shape, attributes.filterShape, attributes, isDepthwise),
  run: ({ inputs: { x, dy }, original }, sides) => original({ x: padded(x, sides), dy }),
});

const inputGradient = (isDepthwise: boolean): PaddedKernel => ({
  windows: ({ inputs: { filter }, attributes }) =>
    convolutionOver(attributes.inputShape, filter.shape, attributes, isDepthwise),
  run: ({ inputs: { dy, filter }, attributes: { inputShape }, original }, sides) =>
    withoutPadding(original({ dy, filter }, { inputShape: grown(inputShape, sides) }), sides, inputShape),
});

/** The share of each window that lies in the image `[1, rows, columns, 1]`: an average is over that alone. */
const shares = (shape: Shape4D, sides: Sides, { filterSize, strides }: Attributes): tf.Tensor4D =>
  tf.avgPool(padded(tf.ones([1, shape[1], shape[2], 1]), sides), filterSize, strides, 'valid');

const KERNELS: Readonly<Record<string, PaddedKernel>> = {
  Conv2D: forwardConvolution(false),
  FusedConv2D: forwardConvolution(false),
  DepthwiseConv2dNative: forwardConvolution(true),
  FusedDepthwiseConv2D: forwardConvolution(true),
  Conv2DBackpropFilter: filterGradient(false),
  DepthwiseConv2dNativeBackpropFilter: filterGradient(true),
  Conv2DBackpropInput: inputGradient(false),
  DepthwiseConv2dNativeBackpropInput: inputGradient(true),
  MaxPool: {
    windows: ({ inputs: { x }, attributes }) => poolOver(x.shape, attributes),
    run: ({ inputs: { x }, original }, sides) => original({ x: padded(x, sides, Number.NEGATIVE_INFINITY) }),
  },
  MaxPoolGrad: {
    windows: ({ inputs: { input }, attributes }) => poolOver(input.shape, attributes),
    run: ({ inputs: { dy, input, output }, original }, sides) =>
      withoutPadding(
        original({ dy, input: padded(input, sides, Number.NEGATIVE_INFINITY), output }),
        sides,
        input.shape,
      ),
  },
  AvgPool: {
    windows: ({ inputs: { x }, attributes }) => poolOver(x.shape, attributes),
    run: ({ inputs: { x }, attributes, original }, sides) =>
      tf.div(original({ x: padded(x, sides) }), shares(x.shape, sides, attributes)),
  },
  AvgPoolGrad: {
    windows: ({ inputs: { input }, attributes }) => poolOver(input.shape, attributes),
    run: ({ inputs: { dy, input }, attributes, original }, sides) =>
      withoutPadding(
        original({ dy: tf.div(dy, shares(input.shape, sides, attributes)), input: padded(input, sides) }),
        sides,
        input.shape,
      ),
  },
};

/** The names of the kernels that take paddings by numbers. */
export const PADDED_KERNELS: readonly string[] = Object.keys(KERNELS);

/**
 * The padding that makes windows without any padding see the same, the last ones being whole: as many as the result has, `[batch, rows, columns,
 * channels]`. tfjs's gradients of pooling forget that sizes were rounded up, so their own `dy` says how many there are.
 */
function sidesOf({ padInfo, ...info }: tf.backend_util.Conv2DInfo, [, rows, columns]: readonly number[]): Sides {
  const after = (count: number, stride: number, filter: number, size: number, before: number, wanted: number): number =>
    Math.max(wanted, (count - 1) * stride + filter - size - before);
  const { strideHeight, effectiveFilterHeight, inHeight } = info;
  const { strideWidth, effectiveFilterWidth, inWidth } = info;
  return [
    [0, 0],
    [padInfo.top, after(rows, strideHeight, effectiveFilterHeight, inHeight, padInfo.top, padInfo.bottom)],
    [padInfo.left, after(columns, strideWidth, effectiveFilterWidth, inWidth, padInfo.left, padInfo.right)],
    [0, 0],
  ];
}

const WITHOUT_PADDING = { pad: 'valid', dimRoundingMode: undefined } as const;

/** Registers the kernels anew. */
export function padExplicitly(): void {
  for (const [kernelName, { windows, run }] of Object.entries(KERNELS)) {
    const registered = tf.getKernel(kernelName, BACKEND);
    tf.unregisterKernel(kernelName, BACKEND);
    tf.registerKernel({
      ...registered,
      kernelFunc: (given) => {
        const attributes = given.attrs as unknown as Attributes;
        if (attributes.pad === 'valid' || attributes.pad === 'same' || attributes.dataFormat === 'NCHW')
          return registered.kernelFunc(given);
        return tf.tidy(() => {
          const call: Call = {
            inputs: given.inputs as unknown as Inputs,
            attributes,
            original: (inputs, changed) =>
              registered.kernelFunc({
                ...given,
                inputs,
                attrs: { ...given.attrs, ...WITHOUT_PADDING, ...changed } as tf.NamedAttrMap,
              }) as tf.Tensor4D,
          };
          const info = windows(call);
          return run(call, sidesOf(info, 'dy' in call.inputs ? call.inputs.dy.shape : info.outShape));
        });
      },
    });
  }
}
