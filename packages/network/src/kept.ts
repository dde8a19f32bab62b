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
import { type ElementType, isFloat, isInterpreted, nodesWithin, unknownAttributes } from '@logah/graph-ir/interpreter';
import { gelu, geluTanh } from '@logah/tensor-ops';
import * as tf from '@tensorflow/tfjs-core';
import { axisOf, type Call, type Kernel, needed, numbers, ofFloats, operand } from './kept/call.js';
import { runOnHost } from './kept/host.js';
import { batchNorm, groupNorm, instanceNorm, layerNorm, rmsNormalised } from './kept/norms.js';
import { einsum, gemm, matMul } from './kept/products.js';
import { dequantise, integerConvolution, integerProduct, quantise } from './kept/quantised.js';
import { resize } from './kept/resize.js';
import { depthToSpace, gather, pad, reshape, slice, spaceToDepth, split } from './kept/rows.js';
import { convolution, pooling, transposedConvolution } from './kept/windows.js';
import { lstm } from './lstm.js';

/** Throws {@link GraphError} listing all operators of a graph that cannot be run, and all attributes of others whose values are not known. */
export function checkKept(graph: Graph): void {
  const missing = new Set<string>();
  for (const operator of graph.operators) {
    if (operator.type !== 'onnx') continue;
    const { operator: name, attributes } = operator.attributes;
    for (const node of [{ operator: name, attributes }, ...nodesWithin(attributes)])
      if (!Object.hasOwn(KERNELS, node.operator) && !isInterpreted(node.operator)) missing.add(node.operator);
      else
        for (const attribute of unknownAttributes(node.operator, node.attributes))
          missing.add(`${node.operator} with ${attribute}`);
  }
  if (missing.size > 0)
    throw new GraphError(`"${graph.name}" has operators that cannot be run: ${[...missing].sort().join(', ')}`);
}

interface KeptOperands {
  readonly inputs: readonly tf.Tensor[];
  /** What the elements of the inputs are in ONNX. */
  readonly types: readonly ElementType[];
  readonly parameter: (role: string) => tf.Tensor;
}

/** The results of a kept operator. Throws {@link GraphError} naming it for attributes or operands that are not supported. */
export function runKept(
  { name, attributes }: OperatorOf<'onnx'>,
  { inputs, types, parameter }: KeptOperands,
): tf.Tensor[] {
  let next = 0;
  const given: Array<tf.Tensor | undefined> = [];
  const elements: Array<ElementType | undefined> = [];
  attributes.operands.forEach((operand, place) => {
    if (operand === 'input') {
      given.push(inputs[next]);
      elements.push(types[next++]);
    } else if (operand === 'none') {
      given.push(undefined);
      elements.push(undefined);
    } else if (operand === 'parameter') {
      given.push(parameter(`${place}`));
      // A parameter is of the floats that it is computed with.
      elements.push([...types, ...attributes.results.map(({ element }) => element)].find(isFloatType) ?? 'float32');
    } else {
      given.push(constantTensor(operand));
      elements.push(operand.element ?? operand.dtype);
    }
  });
  const call: Call = {
    operator: attributes.operator,
    operands: given,
    constants: attributes.operands.map((operand) => (typeof operand === 'object' ? operand : undefined)),
    types: elements,
    attributes: attributes.attributes,
    results: attributes.results.length,
  };
  try {
    const kernel = Object.hasOwn(KERNELS, call.operator) ? KERNELS[call.operator] : undefined;
    const results = kernel?.(call) ?? runOnHost(call);
    const list = Array.isArray(results) ? results : [results];
    if (list.length < call.results)
      throw new GraphError(`gives ${list.length} result(s), but ${call.results} are named`);
    return list;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new GraphError(`${attributes.operator} "${name}": ${why}`, { cause: error });
  }
}

const isFloatType = (type: ElementType | undefined): type is ElementType => type !== undefined && isFloat(type);

/** Integers that no tensor holds are only limits, which are read from the graph itself. */
function constantTensor({ dtype, shape, values }: Constant): tf.Tensor {
  if (dtype === 'int32')
    return tf.tensor(
      values.map((value) => Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, value))),
      [...shape],
      dtype,
    );
  const tooLarge = values.find((value) => Number.isFinite(value) && !Number.isFinite(Math.fround(value)));
  if (tooLarge !== undefined) throw new GraphError(`has the constant ${tooLarge}, but floats of tensors have 32 bits`);
  return tf.tensor([...values], [...shape], dtype);
}

const unary = (apply: (x: tf.Tensor) => tf.Tensor): Kernel => ofFloats((call) => apply(operand(call, 0)));

const binary = (apply: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor): Kernel =>
  ofFloats((call) => apply(operand(call, 0), operand(call, 1)));

const folded = (apply: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor): Kernel =>
  ofFloats((call) => call.operands.map((_, i) => operand(call, i)).reduce((a, b) => apply(a, b)));

const reduction = (apply: (x: tf.Tensor, axes: number[], keepDims: boolean) => tf.Tensor): Kernel =>
  ofFloats((call) => {
    const x = operand(call, 0);
    const axes = numbers(call, 1) ?? [];
    if (axes.length === 0 && integer(call, 'noop_with_empty_axes', 0) === 1) return undefined;
    const all = axes.length === 0 ? x.shape.map((_, i) => i) : axes.map((axis) => axisOf(axis, x.rank));
    return apply(x, all, integer(call, 'keepdims', 1) === 1);
  }, 0);

/** Sigmoid for gates and tanh for what they let through, as ONNX takes them where none are named. */
function hasUsualActivations({ attributes: { activations } }: Call): boolean {
  const names = typeof activations === 'object' && 'strings' in activations ? activations.strings : [];
  return names.every((name, i) => name.toLowerCase() === (i % 3 === 0 ? 'sigmoid' : 'tanh'));
}

/** Along any axis what is there along the last. */
const alongAxis = (apply: (x: tf.Tensor) => tf.Tensor): Kernel =>
  ofFloats((call) => {
    const x = operand(call, 0);
    const axis = axisOf(integer(call, 'axis', -1), x.rank);
    if (axis === x.rank - 1) return apply(x);
    const order = x.shape.map((_, i) => (i === axis ? x.rank - 1 : i === x.rank - 1 ? axis : i));
    return tf.transpose(apply(tf.transpose(x, order)), order);
  });

/** Operators that TensorFlow.js computes as ONNX does, on every backend, with gradients. All other calls run on plain numbers. */
const KERNELS: Readonly<Record<string, Kernel>> = {
  Abs: unary(tf.abs),
  Add: binary(tf.add),
  AveragePool: ofFloats(pooling),
  BatchNormalization: ofFloats(batchNorm),
  Clip: ofFloats((call) => {
    const [least, most] = [numbers(call, 1)?.[0], numbers(call, 2)?.[0]];
    const x = operand(call, 0);
    const above = least === undefined ? x : tf.maximum(x, least);
    return most === undefined ? tf.clone(above) : tf.minimum(above, most);
  }),
  Concat: ofFloats(({ operands, attributes }) => {
    const tensors = operands.filter((tensor) => tensor !== undefined);
    return tf.concat(tensors, axisOf(Number(attributes.axis ?? 0), tensors[0]?.rank ?? 0));
  }),
  Conv: ofFloats(convolution),
  ConvInteger: integerConvolution,
  ConvTranspose: ofFloats(transposedConvolution),
  Cos: unary(tf.cos),
  DepthToSpace: ofFloats(depthToSpace),
  DequantizeLinear: dequantise,
  Div: binary(tf.div),
  DynamicQuantizeLinear: quantise,
  Einsum: ofFloats(einsum),
  Elu: ofFloats((call) => {
    const [x, alpha] = [operand(call, 0), real(call, 'alpha', 1)];
    return alpha === 1 ? tf.elu(x) : tf.where(tf.greater(x, 0), x, tf.mul(tf.expm1(x), alpha));
  }),
  Erf: unary(tf.erf),
  Exp: unary(tf.exp),
  Expand: ofFloats((call) => {
    const x = operand(call, 0);
    return tf.mul(x, tf.ones(needed(call, 1), x.dtype));
  }, 0),
  Flatten: ofFloats((call) => {
    const x = operand(call, 0);
    const axis = axisOf(integer(call, 'axis', 1), x.rank);
    return tf.reshape(x, [x.shape.slice(0, axis).reduce((a, b) => a * b, 1), -1]);
  }),
  Gather: ofFloats(gather, 0),
  Gelu: ofFloats((call) => (text(call, 'approximate', 'none') === 'tanh' ? geluTanh : gelu)(operand(call, 0))),
  Gemm: ofFloats(gemm),
  GroupNormalization: ofFloats(groupNorm),
  HardSigmoid: ofFloats((call) =>
    tf.clipByValue(tf.add(tf.mul(operand(call, 0), real(call, 'alpha', 0.2)), real(call, 'beta', 0.5)), 0, 1),
  ),
  // A copy would be of floats alone, and of integers that fit into tensors.
  Identity: (call) =>
    call.types[0] === 'float64' || call.constants[0] !== undefined ? undefined : tf.clone(operand(call, 0)),
  InstanceNormalization: ofFloats(instanceNorm),
  LSTM: ofFloats((call) => {
    const isPlain =
      hasUsualActivations(call) &&
      !('clip' in call.attributes) &&
      integer(call, 'input_forget', 0) === 0 &&
      integer(call, 'layout', 0) === 0 &&
      call.operands[4] === undefined &&
      call.operands[7] === undefined;
    if (!isPlain) return undefined;
    return lstm(call.operands, {
      hidden: integer(call, 'hidden_size', operand(call, 2).shape[2] ?? 0),
      direction: text(call, 'direction', 'forward'),
    }).slice(0, call.results);
  }, 0),
  LayerNormalization: ofFloats(layerNorm),
  LeakyRelu: ofFloats((call) => tf.leakyRelu(operand(call, 0), real(call, 'alpha', 0.01))),
  Log: unary(tf.log),
  LogSoftmax: alongAxis((x) => tf.logSoftmax(x)),
  MatMul: binary(matMul),
  MatMulInteger: integerProduct,
  Max: folded(tf.maximum),
  MaxPool: ofFloats(pooling),
  Mean: ofFloats((call) => {
    const tensors = call.operands.map((_, i) => operand(call, i));
    return tf.div(
      tensors.reduce((a, b) => tf.add(a, b)),
      tensors.length,
    );
  }),
  Min: folded(tf.minimum),
  Mul: binary(tf.mul),
  Neg: unary(tf.neg),
  PRelu: binary((x, slope) => tf.add(tf.relu(x), tf.mul(tf.minimum(x, 0), slope))),
  Pad: ofFloats(pad, 0),
  Pow: binary(tf.pow),
  RMSNormalization: ofFloats(rmsNormalised),
  Reciprocal: unary(tf.reciprocal),
  ReduceMax: reduction(tf.max),
  ReduceMean: reduction(tf.mean),
  ReduceMin: reduction(tf.min),
  ReduceProd: reduction(tf.prod),
  ReduceSum: reduction(tf.sum),
  ReduceSumSquare: reduction((x, axes, keepDims) => tf.sum(tf.square(x), axes, keepDims)),
  Relu: unary(tf.relu),
  Reshape: ofFloats(reshape, 0),
  Resize: ofFloats(resize, 0),
  Sigmoid: unary(tf.sigmoid),
  Sin: unary(tf.sin),
  Slice: ofFloats(slice, 0),
  Softmax: alongAxis((x) => tf.softmax(x)),
  Softplus: unary((x) => tf.add(tf.relu(x), tf.log1p(tf.exp(tf.neg(tf.abs(x)))))),
  Softsign: unary((x) => tf.div(x, tf.add(tf.abs(x), 1))),
  SpaceToDepth: ofFloats(spaceToDepth),
  Split: ofFloats(split, 0),
  Sqrt: unary(tf.sqrt),
  Squeeze: ofFloats((call) => {
    const x = operand(call, 0);
    return tf.squeeze(
      x,
      numbers(call, 1)?.map((axis) => axisOf(axis, x.rank)),
    );
  }, 0),
  Sub: binary(tf.sub),
  Sum: folded(tf.add),
  Swish: ofFloats((call) => {
    const x = operand(call, 0);
    return tf.mul(x, tf.sigmoid(tf.mul(x, real(call, 'alpha', 1))));
  }),
  Tanh: unary(tf.tanh),
  Tile: ofFloats((call) => tf.tile(operand(call, 0), needed(call, 1)), 0),
  Transpose: ofFloats((call) => {
    const x = operand(call, 0);
    return tf.transpose(x, [...(integers(call, 'perm') ?? x.shape.map((_, i) => x.rank - 1 - i))]);
  }),
  Unsqueeze: ofFloats((call) => {
    const x = operand(call, 0);
    const axes = needed(call, 1);
    const rank = x.rank + axes.length;
    const places = new Set(axes.map((axis) => axisOf(axis, rank)));
    let next = 0;
    return tf.reshape(
      x,
      Array.from({ length: rank }, (_, i) => (places.has(i) ? 1 : x.shape[next++])),
    );
  }, 0),
  Where: ofFloats(
    (call) => {
      // A condition as 0 and 1 keeps what broadcasts to every operand; NaN and infinity do not survive a product with 0.
      const [condition, a, b] = [operand(call, 0), operand(call, 1), operand(call, 2)];
      return sameShapes(condition, a, b) ? tf.where(tf.cast(condition, 'bool'), a, b) : undefined;
    },
    1,
    2,
  ),
};

const sameShapes = (...tensors: readonly tf.Tensor[]): boolean =>
  new Set(tensors.map(({ shape }) => shape.join())).size === 1;
