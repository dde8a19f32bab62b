// Runs operators of ONNX that a converted graph keeps as they are, on channel-first tensors.
import {
  type Constant,
  type Graph,
  GraphError,
  integerAttribute as integer,
  integersAttribute as integers,
  type OnnxAttribute,
  type OperatorOf,
  floatAttribute as real,
  textAttribute as text,
} from '@logah/graph-ir';
import * as tf from '@tensorflow/tfjs-core';
import { lstm } from './lstm.js';

type Attributes = Readonly<Record<string, OnnxAttribute>>;
type Operands = ReadonlyArray<tf.Tensor | undefined>;

interface Call {
  readonly operands: Operands;
  /** The numbers of operands that the graph holds as constants. */
  readonly constants: ReadonlyArray<readonly number[] | undefined>;
  readonly attributes: Attributes;
  readonly results: number;
}

type Kernel = (call: Call) => tf.Tensor | tf.Tensor[];

/** Throws {@link GraphError} listing all operators of a graph that cannot be run. */
export function checkKept(graph: Graph): void {
  const missing = new Set<string>();
  for (const operator of graph.operators)
    if (operator.type === 'onnx' && !Object.hasOwn(KERNELS, operator.attributes.operator))
      missing.add(operator.attributes.operator);
  if (missing.size > 0)
    throw new GraphError(`"${graph.name}" has operators that cannot be run: ${[...missing].sort().join(', ')}`);
}

/** The results of a kept operator. Throws {@link GraphError} naming it for attributes or operands that are not supported. */
export function runKept(
  { name, attributes }: OperatorOf<'onnx'>,
  inputs: readonly tf.Tensor[],
  parameter: (role: string) => tf.Tensor,
): tf.Tensor[] {
  let next = 0;
  const operands = attributes.operands.map((operand, place) => {
    if (operand === 'input') return inputs[next++];
    if (operand === 'none') return undefined;
    return operand === 'parameter' ? parameter(`${place}`) : constantTensor(operand);
  });
  const constants = attributes.operands.map((operand) => (typeof operand === 'object' ? operand.values : undefined));
  try {
    const results = KERNELS[attributes.operator]({
      operands,
      constants,
      attributes: attributes.attributes,
      results: attributes.results.length,
    });
    return Array.isArray(results) ? results : [results];
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new GraphError(`${attributes.operator} "${name}": ${why}`, { cause: error });
  }
}

const constantTensor = ({ dtype, shape, values }: Constant): tf.Tensor => tf.tensor([...values], [...shape], dtype);

function operand({ operands }: Call, place: number): tf.Tensor {
  const tensor = operands[place];
  if (tensor === undefined) throw new GraphError(`operand ${place} is missing`);
  return tensor;
}

/** An operand's integers: those that the graph holds, or those that were computed. */
function numbers(call: Call, place: number): number[] | undefined {
  if (call.operands[place] === undefined) return undefined;
  return [...(call.constants[place] ?? operand(call, place).dataSync())];
}

function needed(call: Call, place: number): number[] {
  const values = numbers(call, place);
  if (values === undefined) throw new GraphError(`operand ${place} is missing`);
  return values;
}

const axisOf = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

const unary =
  (apply: (x: tf.Tensor) => tf.Tensor): Kernel =>
  (call) =>
    apply(operand(call, 0));

const binary =
  (apply: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor): Kernel =>
  (call) =>
    apply(operand(call, 0), operand(call, 1));

const folded =
  (apply: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor): Kernel =>
  ({ operands }) =>
    operands.filter((tensor) => tensor !== undefined).reduce((a, b) => apply(a, b));

const reduction =
  (apply: (x: tf.Tensor, axes: number[], keepDims: boolean) => tf.Tensor): Kernel =>
  (call) => {
    const x = operand(call, 0);
    const axes = numbers(call, 1) ?? [];
    if (axes.length === 0 && integer(call, 'noop_with_empty_axes', 0) === 1) return tf.clone(x);
    const all = axes.length === 0 ? x.shape.map((_, i) => i) : axes.map((axis) => axisOf(axis, x.rank));
    return apply(x, all, integer(call, 'keepdims', 1) === 1);
  };

/** Whole numbers are divided as ONNX divides them, towards 0. */
const divide = (a: tf.Tensor, b: tf.Tensor): tf.Tensor => {
  if (a.dtype !== 'int32') return tf.div(a, b);
  const quotient = tf.div(tf.cast(a, 'float32'), tf.cast(b, 'float32'));
  return tf.cast(quotient, 'int32');
};

function reshape(call: Call): tf.Tensor {
  const x = operand(call, 0);
  const keepsZero = integer(call, 'allowzero', 0) === 1;
  return tf.reshape(
    x,
    needed(call, 1).map((size, i) => (size === 0 && !keepsZero ? x.shape[i] : size)),
  );
}

function slice(call: Call): tf.Tensor {
  const x = operand(call, 0);
  const [starts, ends] = [needed(call, 1), needed(call, 2)];
  const axes = numbers(call, 3) ?? starts.map((_, i) => i);
  const steps = numbers(call, 4) ?? starts.map(() => 1);
  const rows = x.shape.map((size) => ({ start: 0, end: size, step: 1 }));
  axes.forEach((place, i) => {
    const axis = axisOf(place, x.rank);
    const size = x.shape[axis];
    const least = steps[i] > 0 ? 0 : -1;
    const within = (value: number): number => {
      const most = steps[i] > 0 ? size : size - 1;
      return Math.min(Math.max(value < 0 ? value + size : value, least), most);
    };
    rows[axis] = { start: within(starts[i]), end: within(ends[i]), step: steps[i] };
  });
  if (rows.every(({ step }) => step === 1))
    return tf.slice(
      x,
      rows.map(({ start }) => start),
      rows.map(({ start, end }) => Math.max(0, end - start)),
    );
  return rows.reduce((tensor: tf.Tensor, { start, end, step }, axis) => {
    if (step === 1 && start === 0 && end === x.shape[axis]) return tensor;
    const count = Math.max(0, Math.ceil((end - start) / step));
    const places = Array.from({ length: count }, (_, i) => start + i * step);
    return tf.gather(tensor, tf.tensor1d(places, 'int32'), axis);
  }, x);
}

function pad(call: Call): tf.Tensor {
  const x = operand(call, 0);
  const pads = needed(call, 1);
  const axes = numbers(call, 3) ?? x.shape.map((_, i) => i);
  const sides = x.shape.map((): [number, number] => [0, 0]);
  axes.forEach((axis, i) => {
    sides[axisOf(axis, x.rank)] = [pads[i], pads[i + axes.length]];
  });
  switch (text(call, 'mode', 'constant')) {
    case 'constant':
      return tf.pad(x, sides, numbers(call, 2)?.[0] ?? 0);
    case 'reflect':
      return tf.mirrorPad(x, sides, 'reflect');
    default:
      throw new GraphError(`pads with mode "${text(call, 'mode', '')}"; "constant" and "reflect" can be run`);
  }
}

/** Convolutions over one axis run as images of height 1. */
function convolution(call: Call): tf.Tensor {
  const [x, weight] = [operand(call, 0), operand(call, 1)];
  const axes = x.rank - 2;
  if (axes !== 1 && axes !== 2) throw new GraphError(`convolves over ${axes} axes; 1 and 2 can be run`);
  const auto = text(call, 'auto_pad', 'NOTSET');
  if (auto !== 'NOTSET' && auto !== 'VALID') throw new GraphError(`has auto_pad "${auto}"; numbers can be run`);
  const two = (values: readonly number[]): [number, number] => (axes === 1 ? [1, values[0]] : [values[0], values[1]]);
  const ones = new Array<number>(axes).fill(1);
  const pads = integers(call, 'pads') ?? new Array<number>(2 * axes).fill(0);
  const [top, left, bottom, right] = axes === 1 ? [0, pads[0], 0, pads[1]] : pads;
  const image = (tensor: tf.Tensor): tf.Tensor4D => (axes === 1 ? tf.expandDims(tensor, 2) : tensor) as tf.Tensor4D;
  const groups = integer(call, 'group', 1);
  const stride = two(integers(call, 'strides') ?? ones);
  const dilation = two(integers(call, 'dilations') ?? ones);
  const padded = tf.transpose(
    tf.pad(image(x), [
      [0, 0],
      [0, 0],
      [top, bottom],
      [left, right],
    ]),
    [0, 2, 3, 1],
  );
  const kernels = tf.split(tf.transpose(image(weight), [2, 3, 1, 0]), groups, 3);
  const parts = tf
    .split(padded, groups, 3)
    .map((part, i) => tf.conv2d(part as tf.Tensor4D, kernels[i] as tf.Tensor4D, stride, 'valid', 'NHWC', dilation));
  const result = tf.transpose(tf.concat(parts, 3), [0, 3, 1, 2]);
  const flat = axes === 1 ? tf.squeeze(result, [2]) : result;
  return withChannelBias(flat, call.operands[2]);
}

const withChannelBias = (x: tf.Tensor, bias: tf.Tensor | undefined): tf.Tensor =>
  bias === undefined ? x : tf.add(x, tf.reshape(bias, [1, -1, ...x.shape.slice(2).map(() => 1)]));

/** The transposed convolution of images: the gradient of a convolution with respect to its input. */
function transposedConvolution(call: Call): tf.Tensor {
  const [x, weight] = [operand(call, 0), operand(call, 1)];
  if (x.rank !== 4 || integer(call, 'group', 1) !== 1)
    throw new GraphError(`of [${x.shape.join(', ')}] in ${integer(call, 'group', 1)} group(s) cannot be run`);
  if (integers(call, 'dilations')?.some((size) => size !== 1))
    throw new GraphError('dilations other than 1 cannot be run');
  if ('auto_pad' in call.attributes && text(call, 'auto_pad', 'NOTSET') !== 'NOTSET')
    throw new GraphError('auto_pad cannot be run');
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

/** Which pixel a pixel of a nearest-neighbour image shows, before it is rounded. */
const COORDINATES: Readonly<Record<string, (i: number, factor: number) => number>> = {
  asymmetric: (i, factor) => i / factor,
  half_pixel: (i, factor) => (i + 0.5) / factor - 0.5,
};

const ROUNDINGS: Readonly<Record<string, (x: number) => number>> = {
  round_prefer_floor: (x) => Math.ceil(x - 0.5),
  round_prefer_ceil: (x) => Math.floor(x + 0.5),
  floor: Math.floor,
  ceil: Math.ceil,
};

/** Nearest neighbours. */
function resize(call: Call): tf.Tensor {
  const x = operand(call, 0);
  const scales = numbers(call, 2);
  const sizes = numbers(call, 3);
  const factors = sizes?.length ? sizes.map((size, axis) => size / x.shape[axis]) : scales;
  const mode = text(call, 'mode', 'nearest');
  const where = text(call, 'coordinate_transformation_mode', 'half_pixel');
  const coordinate = COORDINATES[where];
  const round = ROUNDINGS[text(call, 'nearest_mode', 'round_prefer_floor')];
  if (mode !== 'nearest' || factors?.length !== x.rank || coordinate === undefined || round === undefined)
    throw new GraphError(`of mode "${mode}" and "${where}" by [${factors?.join(', ')}] cannot be run; "nearest" can`);
  return factors.reduce((tensor: tf.Tensor, factor, axis) => {
    if (factor === 1) return tensor;
    const size = tensor.shape[axis] ?? 0;
    const places = Array.from({ length: Math.floor(size * factor) }, (_, i) =>
      Math.min(Math.max(round(coordinate(i, factor)), 0), size - 1),
    );
    return tf.gather(tensor, tf.tensor1d(places, 'int32'), axis);
  }, x);
}

function split(call: Call): tf.Tensor[] {
  const x = operand(call, 0);
  const axis = axisOf(integer(call, 'axis', 0), x.rank);
  const sizes = numbers(call, 1);
  const each = Math.ceil(x.shape[axis] / call.results);
  return tf.split(
    x,
    sizes ?? Array.from({ length: call.results }, (_, i) => Math.min(each, x.shape[axis] - each * i)),
    axis,
  );
}

function gather(call: Call): tf.Tensor {
  const [x, indices] = [operand(call, 0), operand(call, 1)];
  const axis = axisOf(integer(call, 'axis', 0), x.rank);
  const size = tf.scalar(x.shape[axis], 'int32');
  const places = tf.where(tf.less(indices, tf.scalar(0, 'int32')), tf.add(indices, size), indices);
  return tf.gather(x, tf.cast(places, 'int32'), axis);
}

const DTYPES: ReadonlyMap<number, 'bool' | 'float32'> = new Map([
  [1, 'float32'],
  [9, 'bool'],
  [10, 'float32'],
  [11, 'float32'],
  [16, 'float32'],
]);

/** Sigmoid for gates and tanh for what they let through, as ONNX takes them where none are named. */
function hasUsualActivations({ attributes: { activations } }: Call): boolean {
  const names = typeof activations === 'object' && 'strings' in activations ? activations.strings : [];
  return names.every((name, i) => name.toLowerCase() === (i % 3 === 0 ? 'sigmoid' : 'tanh'));
}

const KERNELS: Readonly<Record<string, Kernel>> = {
  Abs: unary(tf.abs),
  Add: binary(tf.add),
  Cast: (call) => tf.cast(operand(call, 0), DTYPES.get(integer(call, 'to', 1)) ?? 'int32'),
  Ceil: unary(tf.ceil),
  Clip: (call) => {
    const [least, most] = [numbers(call, 1)?.[0], numbers(call, 2)?.[0]];
    const x = operand(call, 0);
    const above = least === undefined ? x : tf.maximum(x, least);
    return most === undefined ? tf.clone(above) : tf.minimum(above, most);
  },
  Concat: ({ operands, attributes }) => {
    const tensors = operands.filter((tensor) => tensor !== undefined);
    return tf.concat(tensors, axisOf(Number(attributes.axis ?? 0), tensors[0]?.rank ?? 0));
  },
  Conv: convolution,
  ConvTranspose: transposedConvolution,
  Cos: unary(tf.cos),
  Div: binary(divide),
  Equal: binary(tf.equal),
  Erf: unary(tf.erf),
  Exp: unary(tf.exp),
  Expand: (call) => {
    const x = operand(call, 0);
    return tf.mul(x, tf.ones(needed(call, 1), x.dtype));
  },
  Flatten: (call) => {
    const x = operand(call, 0);
    const axis = axisOf(integer(call, 'axis', 1), x.rank);
    return tf.reshape(x, [x.shape.slice(0, axis).reduce((a, b) => a * b, 1), -1]);
  },
  Floor: unary(tf.floor),
  Gather: gather,
  Greater: binary(tf.greater),
  GreaterOrEqual: binary(tf.greaterEqual),
  HardSigmoid: (call) =>
    tf.clipByValue(tf.add(tf.mul(operand(call, 0), real(call, 'alpha', 0.2)), real(call, 'beta', 0.5)), 0, 1),
  Identity: unary(tf.clone),
  LSTM: (call) =>
    lstm(call.operands, {
      hidden: integer(call, 'hidden_size', operand(call, 2).shape[2] ?? 0),
      direction: text(call, 'direction', 'forward'),
      layout: integer(call, 'layout', 0),
      isPlain: hasUsualActivations(call) && !('clip' in call.attributes) && integer(call, 'input_forget', 0) === 0,
    }).slice(0, call.results),
  LeakyRelu: (call) => tf.leakyRelu(operand(call, 0), real(call, 'alpha', 0.01)),
  Less: binary(tf.less),
  LessOrEqual: binary(tf.lessEqual),
  Log: unary(tf.log),
  MatMul: binary((a, b) => tf.matMul(a, b)),
  Max: folded(tf.maximum),
  Min: folded(tf.minimum),
  Mul: binary(tf.mul),
  Neg: unary(tf.neg),
  Not: unary(tf.logicalNot),
  Pad: pad,
  Pow: binary(tf.pow),
  Reciprocal: unary(tf.reciprocal),
  ReduceMax: reduction(tf.max),
  ReduceMean: reduction(tf.mean),
  ReduceMin: reduction(tf.min),
  ReduceSum: reduction(tf.sum),
  Reshape: reshape,
  Resize: resize,
  Shape: (call) => {
    const { shape } = operand(call, 0);
    return tf.tensor1d(shape.slice(integer(call, 'start', 0), integer(call, 'end', shape.length)), 'int32');
  },
  Sin: unary(tf.sin),
  Slice: slice,
  Softmax: (call) => {
    const x = operand(call, 0);
    const axis = axisOf(integer(call, 'axis', -1), x.rank);
    if (axis === x.rank - 1) return tf.softmax(x);
    const order = x.shape.map((_, i) => (i === axis ? x.rank - 1 : i === x.rank - 1 ? axis : i));
    return tf.transpose(tf.softmax(tf.transpose(x, order)), order);
  },
  Split: split,
  Sqrt: unary(tf.sqrt),
  Squeeze: (call) => {
    const x = operand(call, 0);
    return tf.squeeze(
      x,
      numbers(call, 1)?.map((axis) => axisOf(axis, x.rank)),
    );
  },
  Sub: binary(tf.sub),
  Sum: folded(tf.add),
  Tanh: unary(tf.tanh),
  Transpose: (call) => {
    const x = operand(call, 0);
    return tf.transpose(x, [...(integers(call, 'perm') ?? x.shape.map((_, i) => x.rank - 1 - i))]);
  },
  Unsqueeze: (call) => {
    const x = operand(call, 0);
    const axes = needed(call, 1);
    const rank = x.rank + axes.length;
    const places = new Set(axes.map((axis) => axisOf(axis, rank)));
    let next = 0;
    return tf.reshape(
      x,
      Array.from({ length: rank }, (_, i) => (places.has(i) ? 1 : x.shape[next++])),
    );
  },
  Where: (call) => tf.where(tf.cast(operand(call, 0), 'bool'), operand(call, 1), operand(call, 2)),
};
