// Runs operators of ONNX that a converted graph keeps as they are, on channel-first tensors.
import {
  type Constant,
  type Graph,
  GraphError,
  integerAttribute as integer,
  integersAttribute as integers,
  type OperatorOf,
  floatAttribute as real,
  textAttribute as text,
} from '@logah/graph-ir';
import * as tf from '@tensorflow/tfjs-core';
import { axisOf, type Call, type Kernel, needed, numbers, operand } from './kept/call.js';
import { dequantise, integerConvolution, integerProduct, quantise } from './kept/quantised.js';
import { resize } from './kept/resize.js';
import {
  depthToSpace,
  gather,
  gatherAt,
  oneHot,
  pad,
  place,
  reshape,
  slice,
  spaceToDepth,
  split,
  top,
} from './kept/rows.js';
import { convolution, pooling, transposedConvolution } from './kept/windows.js';
import { lstm } from './lstm.js';

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
      operator: attributes.operator,
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

/** The remainder with the divisor's sign, or with the dividend's where `fmod` says so. */
const remainder: Kernel = (call) => {
  const [a, b] = [operand(call, 0), operand(call, 1)];
  if (integer(call, 'fmod', 0) === 0) return tf.mod(a, b);
  return tf.sub(a, tf.mul(tf.mul(tf.sign(tf.div(a, b)), tf.floor(tf.abs(tf.div(a, b)))), b));
};

/** Along any axis what is there along the last. */
const alongAxis =
  (apply: (x: tf.Tensor) => tf.Tensor): Kernel =>
  (call) => {
    const x = operand(call, 0);
    const axis = axisOf(integer(call, 'axis', -1), x.rank);
    if (axis === x.rank - 1) return apply(x);
    const order = x.shape.map((_, i) => (i === axis ? x.rank - 1 : i === x.rank - 1 ? axis : i));
    return tf.transpose(apply(tf.transpose(x, order)), order);
  };

const KERNELS: Readonly<Record<string, Kernel>> = {
  Abs: unary(tf.abs),
  Add: binary(tf.add),
  And: binary(tf.logicalAnd),
  ArgMax: place(tf.argMax),
  ArgMin: place(tf.argMin),
  AveragePool: pooling,
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
  ConstantOfShape: (call) => {
    const { value } = call.attributes;
    const [filling, dtype] =
      typeof value === 'object' && 'constant' in value
        ? [value.constant.values[0], value.constant.dtype]
        : ([0, 'float32'] as const);
    return tf.fill(needed(call, 0), filling, dtype);
  },
  Conv: convolution,
  ConvInteger: integerConvolution,
  ConvTranspose: transposedConvolution,
  Cos: unary(tf.cos),
  CumSum: (call) =>
    tf.cumsum(
      operand(call, 0),
      axisOf(needed(call, 1)[0], operand(call, 0).rank),
      integer(call, 'exclusive', 0) === 1,
      integer(call, 'reverse', 0) === 1,
    ),
  DepthToSpace: depthToSpace,
  DequantizeLinear: dequantise,
  Div: binary(divide),
  DynamicQuantizeLinear: quantise,
  Einsum: ({ operands, attributes }) =>
    tf.einsum(text({ attributes }, 'equation', ''), ...operands.filter((tensor) => tensor !== undefined)),
  Elu: (call) => {
    const [x, alpha] = [operand(call, 0), real(call, 'alpha', 1)];
    return alpha === 1 ? tf.elu(x) : tf.where(tf.greater(x, 0), x, tf.mul(tf.expm1(x), alpha));
  },
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
  GatherND: gatherAt,
  Greater: binary(tf.greater),
  GreaterOrEqual: binary(tf.greaterEqual),
  HardSigmoid: (call) =>
    tf.clipByValue(tf.add(tf.mul(operand(call, 0), real(call, 'alpha', 0.2)), real(call, 'beta', 0.5)), 0, 1),
  Identity: unary(tf.clone),
  IsNaN: unary(tf.isNaN),
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
  LogSoftmax: alongAxis((x) => tf.logSoftmax(x)),
  MatMul: binary((a, b) => tf.matMul(a, b)),
  MatMulInteger: integerProduct,
  Max: folded(tf.maximum),
  MaxPool: pooling,
  Mean: (call) => tf.div(folded(tf.add)(call) as tf.Tensor, call.operands.length),
  Min: folded(tf.minimum),
  Mod: remainder,
  Mul: binary(tf.mul),
  Neg: unary(tf.neg),
  Not: unary(tf.logicalNot),
  OneHot: oneHot,
  Or: binary(tf.logicalOr),
  PRelu: binary(tf.prelu),
  Pad: pad,
  Pow: binary(tf.pow),
  Range: (call) => {
    const [start, limit, delta] = [needed(call, 0), needed(call, 1), needed(call, 2)].map(([value]) => value);
    return tf.range(start, limit, delta, operand(call, 0).dtype as 'float32' | 'int32');
  },
  Reciprocal: unary(tf.reciprocal),
  ReduceMax: reduction(tf.max),
  ReduceMean: reduction(tf.mean),
  ReduceMin: reduction(tf.min),
  ReduceProd: reduction(tf.prod),
  ReduceSum: reduction(tf.sum),
  Reshape: reshape,
  Resize: resize,
  Round: unary(tf.round),
  Selu: unary(tf.selu),
  Shape: (call) => {
    const { shape } = operand(call, 0);
    return tf.tensor1d(shape.slice(integer(call, 'start', 0), integer(call, 'end', shape.length)), 'int32');
  },
  Sign: unary(tf.sign),
  Sin: unary(tf.sin),
  Slice: slice,
  Softmax: alongAxis((x) => tf.softmax(x)),
  Softplus: unary(tf.softplus),
  Softsign: unary((x) => tf.div(x, tf.add(tf.abs(x), 1))),
  SpaceToDepth: spaceToDepth,
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
  Tile: (call) => tf.tile(operand(call, 0), needed(call, 1)),
  TopK: top,
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
  Xor: binary(tf.logicalXor),
};
