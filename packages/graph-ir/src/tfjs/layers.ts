// Keras' layers, each in ONNX's words.
import { GraphError } from '../graph.js';
import { ALONG, BATCH_FIRST, CHANNELS_TO_LAST } from '../import/foreign.js';
import { floats, numbers, type Reader } from '../json-reader.js';
import { optional } from './model-json.js';
import {
  activate,
  channelsFirstly,
  convolution,
  type DataFormat,
  depthwiseConvolution,
  MOST,
  pooling,
  resize,
  resizeMode,
  type Translation,
  transposedConvolution,
  type WindowOptions,
} from './translation.js';

export interface Layer {
  /** The name of what this call of the layer gives; those of what it computes on the way begin with it. */
  readonly output: string;
  readonly inputs: readonly string[];
  readonly config: Reader;
  /** The name of a weight by what it is to the layer ("kernel"). Throws {@link GraphError} when the model has none. */
  readonly weight: (role: string) => string;
  readonly shapeOf: (weight: string) => readonly number[];
}

/** Adds nodes; the result is the name of the layer's value. */
export type TranslateLayer = (t: Translation, layer: Layer) => string;

const text = (layer: Layer, key: string, otherwise: string): string =>
  optional(layer.config, key)?.string() ?? otherwise;
const number = (layer: Layer, key: string, otherwise: number): number =>
  optional(layer.config, key)?.number() ?? otherwise;
const flag = (layer: Layer, key: string, otherwise: boolean): boolean =>
  optional(layer.config, key)?.boolean() ?? otherwise;

/** A number for every axis, or one for all. */
function sizes(layer: Layer, key: string, count: number, otherwise: number): readonly number[] {
  const field = optional(layer.config, key);
  const values = field === undefined ? [otherwise] : Array.isArray(field.value) ? numbers(field) : [field.number()];
  if (values.length !== count && values.length !== 1)
    throw new GraphError(`has ${values.length} numbers as ${key}; one or ${count} are right`);
  return values.length === count ? values : Array.from({ length: count }, () => values[0]);
}

const formatOf = (layer: Layer): DataFormat =>
  optional(layer.config, 'data_format')?.literal('channels_last', 'channels_first') ?? 'channels_last';

function paddingOf(layer: Layer): WindowOptions['padding'] {
  const padding = text(layer, 'padding', 'valid').toLowerCase();
  if (padding === 'same' || padding === 'valid') return padding === 'same' ? 'SAME' : 'VALID';
  throw new GraphError(`has the padding "${padding}"; "same" and "valid" are known`);
}

const windowOf = (layer: Layer, spatial: number): WindowOptions => ({
  strides: sizes(layer, 'strides', spatial, 1),
  dilations: sizes(layer, 'dilation_rate', spatial, 1),
  padding: paddingOf(layer),
  format: formatOf(layer),
});

/** What the layer's activation function makes of a value. */
function activated(t: Translation, layer: Layer, x: string): string {
  const field = optional(layer.config, 'activation');
  if (field === undefined) return x;
  const name = typeof field.value === 'string' ? field.value : field.field('class_name').string();
  const settings = typeof field.value === 'string' ? undefined : optional(field, 'config');
  if (settings !== undefined && Object.keys(settings.record()).length > 0)
    throw new GraphError(`has settings of the activation function "${name}", which are not known`);
  if (name === 'linear') return x;
  const output = `${layer.output}/${name}`;
  if (!activate(t, name, x, [output]))
    throw new GraphError(`has the activation function "${name}", which is not known`);
  return output;
}

const biasOf = (layer: Layer): string | undefined => (flag(layer, 'use_bias', true) ? layer.weight('bias') : undefined);

const convolve =
  (spatial: number): TranslateLayer =>
  (t, layer) => {
    const kernel = { name: layer.weight('kernel'), spatial };
    const options = { ...windowOf(layer, spatial), groups: number(layer, 'groups', 1) };
    return activated(t, layer, convolution(t, layer.inputs[0], kernel, options, biasOf(layer)));
  };

/** A convolution that depends on its kernel's shape. */
const convolveShaped =
  (run: typeof depthwiseConvolution, role: string): TranslateLayer =>
  (t, layer) => {
    const name = layer.weight(role);
    const kernel = { name, shape: layer.shapeOf(name) };
    return activated(t, layer, run(t, layer.inputs[0], kernel, windowOf(layer, 2), biasOf(layer)));
  };

function separable(t: Translation, layer: Layer): string {
  const depthwise = layer.weight('depthwise_kernel');
  const options = windowOf(layer, 2);
  const each = depthwiseConvolution(t, layer.inputs[0], { name: depthwise, shape: layer.shapeOf(depthwise) }, options);
  const pixel: WindowOptions = { strides: [1, 1], dilations: [1, 1], padding: 'VALID', format: options.format };
  const kernel = { name: layer.weight('pointwise_kernel'), spatial: 2 };
  return activated(t, layer, convolution(t, each, kernel, { ...pixel, groups: 1 }, biasOf(layer)));
}

const pool =
  (op: 'MaxPool' | 'AveragePool', spatial: number): TranslateLayer =>
  (t, layer) => {
    const kernel = sizes(layer, 'pool_size', spatial, 2);
    const hasStrides = optional(layer.config, 'strides') !== undefined;
    const window = { ...windowOf(layer, spatial), ...(hasStrides ? {} : { strides: kernel }) };
    return pooling(t, op, layer.inputs[0], kernel, window);
  };

const globalPool =
  (op: 'ReduceMean' | 'ReduceMax', spatial: number): TranslateLayer =>
  (t, layer) => {
    const first = formatOf(layer) === 'channels_first' ? 2 : 1;
    const axes = t.integers(Array.from({ length: spatial }, (_, i) => first + i));
    return t.node(op, [layer.inputs[0], axes], { keepdims: flag(layer, 'keepdims', false) ? 1 : 0 });
  };

/** Operands of fewer axes than others get theirs behind the batch's. */
const folded =
  (op: string): TranslateLayer =>
  (t, layer) =>
    layer.inputs.reduce((result, input) => t.node(op, [result, input], { [BATCH_FIRST]: 1 }));

const passed: TranslateLayer = (_, layer) => layer.inputs[0];

/** The one axis that a norm or softmax works along. */
function axisOf(layer: Layer): number {
  const field = optional(layer.config, 'axis');
  if (field === undefined) return -1;
  const axes = Array.isArray(field.value) ? numbers(field) : [field.number()];
  return axes.length === 1 ? axes[0] : field.fail('one axis');
}

/** A stored vector, or one of so many ones or zeros where the layer does without. */
function vectorOf(t: Translation, layer: Layer, role: string, isThere: boolean, size: number, value: number): string {
  return isThere
    ? layer.weight(role)
    : t.floats(
        Array.from({ length: size }, () => value),
        [size],
      );
}

function batchNormalisation(t: Translation, layer: Layer): string {
  const mean = layer.weight('moving_mean');
  const [size] = layer.shapeOf(mean);
  const statistics = [
    vectorOf(t, layer, 'gamma', flag(layer, 'scale', true), size, 1),
    vectorOf(t, layer, 'beta', flag(layer, 'center', true), size, 0),
    mean,
    layer.weight('moving_variance'),
  ];
  // How many axes there are, and so which one is the last, is not known here.
  return t.node('BatchNormalization', [layer.inputs[0], ...statistics], {
    epsilon: { float: number(layer, 'epsilon', 1e-3) },
    [ALONG]: axisOf(layer),
  });
}

function layerNormalisation(t: Translation, layer: Layer): string {
  if (!flag(layer, 'scale', true) && !flag(layer, 'center', true))
    throw new GraphError('has neither a scale nor a center, which is not known');
  const [size] = layer.shapeOf(layer.weight(flag(layer, 'scale', true) ? 'gamma' : 'beta'));
  const weights = [
    vectorOf(t, layer, 'gamma', flag(layer, 'scale', true), size, 1),
    vectorOf(t, layer, 'beta', flag(layer, 'center', true), size, 0),
  ];
  return t.node('LayerNormalization', [layer.inputs[0], ...weights], {
    axis: -1,
    epsilon: { float: number(layer, 'epsilon', 1e-3) },
    [ALONG]: axisOf(layer),
  });
}

function dense(t: Translation, layer: Layer): string {
  const product = t.node('MatMul', [layer.inputs[0], layer.weight('kernel')]);
  const bias = biasOf(layer);
  return activated(t, layer, bias === undefined ? product : t.node('Add', [product, bias]));
}

/** Sizes of a result after the batch's, as a reshape wants them. */
const reshape: TranslateLayer = (t, layer) =>
  t.reshape(layer.inputs[0], [0, ...numbers(layer.config.field('target_shape'))]);

/** `[[top, bottom], [left, right]]`, pairs of one number each, or one number. */
function sides(layer: Layer, key: string): { readonly before: readonly number[]; readonly after: readonly number[] } {
  const field = layer.config.field(key);
  if (!Array.isArray(field.value))
    return { before: [field.number(), field.number()], after: [field.number(), field.number()] };
  const pairs = field.list((item) => (Array.isArray(item.value) ? numbers(item) : [item.number(), item.number()]));
  return { before: pairs.map(([before]) => before), after: pairs.map(([, after]) => after) };
}

const zeroPadding: TranslateLayer = (t, layer) => {
  const { before, after } = sides(layer, 'padding');
  return channelsFirstly(t, layer.inputs[0], 2, formatOf(layer), (image) =>
    t.node('Pad', [image, t.integers([0, 0, ...before, 0, 0, ...after])]),
  );
};

const cropping: TranslateLayer = (t, layer) => {
  const { before, after } = sides(layer, 'cropping');
  const ends = after.map((size) => (size === 0 ? MOST : -size));
  return channelsFirstly(t, layer.inputs[0], 2, formatOf(layer), (image) =>
    t.node('Slice', [image, t.integers(before), t.integers(ends), t.integers([2, 3])]),
  );
};

const upsampling: TranslateLayer = (t, layer) => {
  const interpolation = optional(layer.config, 'interpolation')?.literal('nearest', 'bilinear') ?? 'nearest';
  const mode = interpolation === 'nearest' ? 'nearest' : 'linear';
  const factors = sizes(layer, 'size', 2, 2);
  // TensorFlow.js takes pixels' corners for their places here, unlike Keras in Python.
  return resize(t, layer.inputs[0], { factors }, resizeMode(mode, false, false), formatOf(layer));
};

const flatten: TranslateLayer = (t, layer) => {
  const [x] = layer.inputs;
  const ordered = formatOf(layer) === 'channels_first' ? t.node('Transpose', [x], { [CHANNELS_TO_LAST]: 1 }) : x;
  return t.reshape(ordered, [0, -1]);
};

const prelu: TranslateLayer = (t, layer) => t.node('PRelu', [layer.inputs[0], layer.weight('alpha')]);

const relu: TranslateLayer = (t, layer) => {
  const [x] = layer.inputs;
  const slope = number(layer, 'negative_slope', 0);
  const most = optional(layer.config, 'max_value');
  if (number(layer, 'threshold', 0) !== 0) throw new GraphError('has a threshold other than 0, which is not known');
  const bent = slope === 0 ? x : t.node('LeakyRelu', [x], { alpha: { float: slope } });
  if (most === undefined) return slope === 0 ? t.node('Relu', [x]) : bent;
  return t.node('Clip', [bent, slope === 0 ? t.floats([0]) : '', t.floats([most.number()])]);
};

const elu: TranslateLayer = (t, layer) => t.node('Elu', layer.inputs, { alpha: { float: number(layer, 'alpha', 1) } });

/** Newer files call the slope so too. */
const leakyRelu: TranslateLayer = (t, layer) =>
  t.node('LeakyRelu', layer.inputs, {
    alpha: { float: number(layer, 'alpha', number(layer, 'negative_slope', 0.3)) },
  });

/** The scale may be a number for all or one for each channel. */
const rescaling: TranslateLayer = (t, layer) => {
  const operand = (key: string): string => {
    const field = layer.config.field(key);
    return Array.isArray(field.value) ? t.floats(floats(field), [floats(field).length]) : t.floats([field.number()]);
  };
  return t.node('Add', [t.node('Mul', [layer.inputs[0], operand('scale')]), operand('offset')]);
};

/** Gates that Keras keeps as [input, forget, cell, output] and ONNX as [input, output, forget, cell]. */
function lstm(t: Translation, layer: Layer): string {
  if (flag(layer, 'go_backwards', false) || flag(layer, 'return_state', false) || flag(layer, 'stateful', false))
    throw new GraphError('goes backwards, returns its state or keeps it, which is not known');
  // What a file means that has no such field depends on who reads it.
  const functions = ['recurrent_activation', 'activation'].map((key) => layer.config.field(key).string());
  if (functions.join() !== 'sigmoid,tanh')
    throw new GraphError(`has the activation functions ${functions.join(' and ')}; sigmoid and tanh are known`);
  const units = number(layer, 'units', 1);
  const gates = (name: string, axis: number): string => {
    const parts = [0, 1, 2, 3].map((i) => `${layer.output}/${name}/gate_${i}`);
    t.node('Split', [name], { axis, num_outputs: 4 }, parts);
    return t.node('Concat', [parts[0], parts[3], parts[1], parts[2]], { axis });
  };
  const matrix = (role: string): string =>
    t.node('Unsqueeze', [t.transpose(gates(layer.weight(role), 1), [1, 0]), t.integers([0])]);
  const bias = biasOf(layer);
  const ordered = bias === undefined ? undefined : t.node('Unsqueeze', [gates(bias, 0), t.integers([0])]);
  const none = t.floats(
    Array.from({ length: 4 * units }, () => 0),
    [1, 4 * units],
  );
  const biases = ordered === undefined ? '' : t.node('Concat', [ordered, none], { axis: 1 });
  const [all, last] = [`${layer.output}/all`, `${layer.output}/last`];
  // ONNX has time first: [time, batch, features], and gives [time, directions, batch, units].
  t.node(
    'LSTM',
    [t.transpose(layer.inputs[0], [1, 0, 2]), matrix('kernel'), matrix('recurrent_kernel'), biases],
    { hidden_size: units },
    [all, last],
  );
  if (!flag(layer, 'return_sequences', false)) return t.node('Squeeze', [last, t.integers([0])]);
  return t.transpose(t.node('Squeeze', [all, t.integers([1])]), [1, 0, 2]);
}

/** By Keras' name. */
export const LAYERS: Readonly<Record<string, TranslateLayer>> = {
  Dense: dense,
  Conv1D: convolve(1),
  Conv2D: convolve(2),
  DepthwiseConv2D: convolveShaped(depthwiseConvolution, 'depthwise_kernel'),
  SeparableConv2D: separable,
  Conv2DTranspose: convolveShaped(transposedConvolution, 'kernel'),
  MaxPooling1D: pool('MaxPool', 1),
  MaxPooling2D: pool('MaxPool', 2),
  AveragePooling1D: pool('AveragePool', 1),
  AveragePooling2D: pool('AveragePool', 2),
  GlobalAveragePooling1D: globalPool('ReduceMean', 1),
  GlobalAveragePooling2D: globalPool('ReduceMean', 2),
  GlobalMaxPooling1D: globalPool('ReduceMax', 1),
  GlobalMaxPooling2D: globalPool('ReduceMax', 2),
  ZeroPadding2D: zeroPadding,
  Cropping2D: cropping,
  UpSampling2D: upsampling,

  BatchNormalization: batchNormalisation,
  BatchNormalizationV1: batchNormalisation,
  LayerNormalization: layerNormalisation,

  Activation: (t, layer) => activated(t, layer, layer.inputs[0]),
  ReLU: relu,
  LeakyReLU: leakyRelu,
  ELU: elu,
  PReLU: prelu,
  Softmax: (t, layer) => t.node('Softmax', layer.inputs, { axis: axisOf(layer) }),

  Add: folded('Add'),
  Subtract: folded('Sub'),
  Multiply: folded('Mul'),
  Average: (t, layer) => t.node('Mean', layer.inputs, { [BATCH_FIRST]: 1 }),
  Maximum: folded('Max'),
  Minimum: folded('Min'),
  Concatenate: (t, layer) => t.node('Concat', layer.inputs, { axis: axisOf(layer) }),

  Flatten: flatten,
  Reshape: reshape,
  Permute: (t, layer) => t.transpose(layer.inputs[0], [0, ...numbers(layer.config.field('dims'))]),
  RepeatVector: (t, layer) =>
    t.node('Tile', [
      t.node('Unsqueeze', [layer.inputs[0], t.integers([1])]),
      t.integers([1, number(layer, 'n', 1), 1]),
    ]),
  Embedding: (t, layer) =>
    t.node('Gather', [layer.weight('embeddings'), t.node('Cast', layer.inputs, { to: 6 })], { axis: 0 }),
  Rescaling: rescaling,
  LSTM: lstm,

  Dropout: passed,
  SpatialDropout1D: passed,
  SpatialDropout2D: passed,
  GaussianNoise: passed,
  GaussianDropout: passed,
  AlphaDropout: passed,
  ActivityRegularization: passed,
};
