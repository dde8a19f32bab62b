// Graphs as ONNX models with standard operators, so that a predicted network opens in any ONNX tool.
import { adaptivePoolShares } from '../adaptive-pool.js';
import {
  type Constant,
  elementCount,
  type Graph,
  GraphError,
  type OnnxAttribute,
  type Operator,
  type OperatorOf,
  type Padding,
} from '../graph.js';
import { QUANTISED_OPERATORS, REDUCTION_OPERATORS } from '../import/foreign.js';
import { constantTensor, encodeModel, externalFloats, floats, integers, type OnnxNode } from './model.js';

/** Where parameters are: in the model, or in a file beside it that holds their float32 values in the graph's order, one after the other. */
export type OnnxParameters =
  | { readonly values: ReadonlyMap<string, Float32Array> }
  /** The file's name, relative to the model's folder, and where each parameter's values begin in it: one after the other where nothing is said. */
  | { readonly externalFile: string; readonly offsets?: ReadonlyMap<string, number> };

/** More than this does not fit into one protobuf message. */
export const MOST_INLINE_BYTES = 2 ** 31 - 2 ** 20;

/**
 * The bytes of an ONNX model (opset 20) that computes what the graph does; batch norms use the statistics of the batch, as the graph's do.
 * Throws {@link GraphError} naming a parameter whose values are missing or of another number, or when they are too many for one file.
 */
export function graphToOnnx(source: Graph, parameters: OnnxParameters): Uint8Array {
  const graph = withDistinctValues(source);
  const writer = new OnnxWriter(graph);
  for (const operator of graph.operators) writer.write(operator);
  return encodeModel({
    name: graph.name,
    inputs: graph.inputs.map((name) => [name, graph.values[name]]),
    outputs: graph.outputs.map((name) => [name, graph.values[name]]),
    nodes: writer.nodes,
    initializers: [...initializersOf(graph, parameters), ...writer.constants],
  });
}

/** The graph with values renamed that have a parameter's name: ONNX has one space of names for both. */
function withDistinctValues(graph: Graph): Graph {
  const taken = new Set(graph.parameters.map(({ name }) => name));
  const distinct = (name: string): string => (taken.has(name) ? `${name}/value` : name);
  return {
    ...graph,
    inputs: graph.inputs.map(distinct),
    outputs: graph.outputs.map(distinct),
    operators: graph.operators.map((operator) => ({
      ...operator,
      inputs: operator.inputs.map(distinct),
      outputs: operator.outputs.map(distinct),
    })),
    values: Object.fromEntries(Object.entries(graph.values).map(([name, type]) => [distinct(name), type])),
  };
}

function initializersOf(graph: Graph, parameters: OnnxParameters) {
  if ('externalFile' in parameters) {
    let offset = 0;
    return graph.parameters.map(({ name, shape }) => {
      const length = 4 * elementCount(shape);
      const place = parameters.offsets === undefined ? offset : parameters.offsets.get(name);
      if (place === undefined)
        throw new GraphError(`the parameter "${name}" has no place in ${parameters.externalFile}`);
      offset += length;
      return externalFloats(name, shape, { location: parameters.externalFile, offset: place, length });
    });
  }
  const total = graph.parameters.reduce((sum, { shape }) => sum + 4 * elementCount(shape), 0);
  if (total > MOST_INLINE_BYTES)
    throw new GraphError(
      `"${graph.name}" has ${total} bytes of parameters: an ONNX file holds less, put them beside it`,
    );
  return graph.parameters.map(({ name, shape }) => {
    const values = parameters.values.get(name);
    if (values?.length !== elementCount(shape)) {
      throw new GraphError(
        `the parameter "${name}" wants ${elementCount(shape)} values, ${values ? `got ${values.length}` : 'but has none'}`,
      );
    }
    return floats(name, shape, values);
  });
}

const padsOf = ({ top, left, bottom, right }: Padding): number[] => [top, left, bottom, right];

/** Turns operators into nodes. Intermediate values and constants are named after the value that they lead to. */
class OnnxWriter {
  readonly nodes: OnnxNode[] = [];
  readonly constants: Array<ReturnType<typeof integers>> = [];
  readonly #graph: Graph;
  readonly #shapes: ReadonlyMap<string, readonly number[]>;
  #output = '';
  #count = 0;

  constructor(graph: Graph) {
    this.#graph = graph;
    this.#shapes = new Map(graph.parameters.map(({ name, shape }) => [name, shape]));
  }

  write(operator: Operator): void {
    [this.#output] = operator.outputs;
    this.#count = 0;
    this.#write(operator);
  }

  /** A node with one output: the operator's own when it is the last. */
  #node(op: string, inputs: readonly string[], attributes: Record<string, OnnxAttribute> = {}): string {
    const output = this.#fresh();
    this.nodes.push({ op, inputs, outputs: [output], attributes });
    return output;
  }

  #last(op: string, inputs: readonly string[], attributes: Record<string, OnnxAttribute> = {}): void {
    this.nodes.push({ op, inputs, outputs: [this.#output], attributes });
  }

  #fresh(): string {
    return `${this.#output}/${this.#count++}`;
  }

  #integers(values: number | readonly number[]): string {
    const name = this.#fresh();
    this.constants.push(integers(name, values));
    return name;
  }

  #floats(shape: readonly number[], values: Float32Array): string {
    const name = this.#fresh();
    this.constants.push(floats(name, shape, values));
    return name;
  }

  #number(value: number): string {
    return this.#floats([], Float32Array.of(value));
  }

  #reshape(x: string, shape: readonly number[]): string {
    return this.#node('Reshape', [x, this.#integers(shape)]);
  }

  #mean(x: string, axes: readonly number[]): string {
    return this.#node('ReduceMean', [x, this.#integers(axes)], { keepdims: 1 });
  }

  #write(operator: Operator): void {
    const { parameters } = operator;
    const [x] = operator.inputs;
    switch (operator.type) {
      case 'linear': {
        const { layout } = operator.attributes;
        const weight =
          layout === 'out_in' ? this.#node('Transpose', [parameters.weight], { perm: [1, 0] }) : parameters.weight;
        if (!('bias' in parameters)) this.#last('MatMul', [x, weight]);
        else this.#last('Add', [this.#node('MatMul', [x, weight]), parameters.bias]);
        return;
      }
      case 'conv2d': {
        const { stride, padding, dilation, groups } = operator.attributes;
        const inputs = 'bias' in parameters ? [x, parameters.weight, parameters.bias] : [x, parameters.weight];
        const attributes = { strides: stride, pads: padsOf(padding), dilations: dilation, group: groups };
        this.#last('Conv', inputs, attributes);
        return;
      }
      case 'layer_norm': {
        const attributes = { axis: -1, epsilon: { float: operator.attributes.epsilon } };
        this.#last('LayerNormalization', [x, parameters.weight, parameters.bias], attributes);
        return;
      }
      case 'batch_norm':
        this.#batchNorm(operator);
        return;
      case 'rms_norm': {
        const squares = this.#mean(this.#node('Mul', [x, x]), [-1]);
        const root = this.#node('Sqrt', [this.#node('Add', [squares, this.#number(operator.attributes.epsilon)])]);
        this.#last('Mul', [this.#node('Div', [x, root]), parameters.weight]);
        return;
      }
      case 'embedding':
        this.#last('Gather', [parameters.weight, x], { axis: 0 });
        return;
      case 'positions':
        this.#last('Cast', [this.#range(x, 1)], { to: INT32 });
        return;
      case 'position_embedding':
        this.#last('Identity', [parameters.weight]);
        return;
      case 'prepend_token': {
        const [, , features] = this.#shapes.get(parameters.token) ?? [];
        const shape = this.#node('Concat', [this.#size(x, 0), this.#integers([1, features])], { axis: 0 });
        this.#last('Concat', [this.#node('Expand', [parameters.token, shape]), x], { axis: 1 });
        return;
      }
      case 'attention': {
        const { heads, causal } = operator.attributes;
        const parts = [this.#fresh(), this.#fresh(), this.#fresh()];
        this.nodes.push({ op: 'Split', inputs: [x], outputs: parts, attributes: { axis: 2, num_outputs: 3 } });
        const features = Number(this.#graph.values[x].shape[2]) / 3;
        const split = parts.map((part) => this.#heads(part, heads, features / heads));
        this.#attention(split, causal, features / heads);
        return;
      }
      case 'grouped_attention': {
        const { heads, keyValueHeads, causal } = operator.attributes;
        const size = Number(this.#graph.values[x].shape[2]) / heads;
        const split = operator.inputs
          .slice(0, 3)
          .map((input, i) =>
            this.#heads(input, i === 0 ? heads : keyValueHeads, size, i === 0 ? 1 : heads / keyValueHeads),
          );
        this.#attention(split, causal, size, operator.inputs[3]);
        return;
      }
      case 'rotary_embedding':
        this.#rotary(operator);
        return;
      case 'activation':
        this.#activation(operator);
        return;
      case 'onnx':
        this.#kept(operator);
        return;
      case 'add':
        this.#last('Add', operator.inputs);
        return;
      case 'multiply':
        this.#last('Mul', operator.inputs);
        return;
      case 'scale':
        this.#last('Mul', [x, parameters.weight]);
        return;
      case 'concat':
        this.#last('Concat', operator.inputs, { axis: operator.attributes.axis });
        return;
      case 'max_pool':
      case 'avg_pool': {
        const { kernel, stride, padding } = operator.attributes;
        const attributes = { kernel_shape: kernel, strides: stride, pads: padsOf(padding) };
        this.#last(operator.type === 'max_pool' ? 'MaxPool' : 'AveragePool', [x], attributes);
        return;
      }
      case 'global_avg_pool':
        this.#last('ReduceMean', [x, this.#integers([2, 3])], { keepdims: 0 });
        return;
      case 'adaptive_avg_pool':
        this.#adaptivePool(operator);
        return;
      case 'reshape':
        this.#last('Reshape', [x, this.#integers(operator.attributes.shape)]);
        return;
      case 'transpose':
        this.#last('Transpose', [x], { perm: operator.attributes.permutation });
        return;
      case 'select':
        this.#last('Gather', [x, this.#integers(operator.attributes.index)], { axis: operator.attributes.axis });
        return;
    }
  }

  /** The size of an axis when the model runs, as a vector of one. */
  #size(x: string, axis: number): string {
    return this.#node('Shape', [x], { start: axis, end: axis + 1 });
  }

  /** 0, 1, … up to the size of an axis. */
  #range(x: string, axis: number): string {
    const end = this.#node('Squeeze', [this.#size(x, axis)]);
    return this.#node('Range', [this.#integers(0), end, this.#integers(1)]);
  }

  /** Whole numbers are of 32 bits in a graph; ONNX wants sizes, axes and the like in 64. */
  #kept({ name, inputs, outputs, parameters, attributes: kept }: OperatorOf<'onnx'>): void {
    const { operator, operands, attributes } = kept;
    if (QUANTISED_OPERATORS.has(operator))
      throw new GraphError(`${operator} "${name}" cannot be written: the graph has its integers as numbers of 32 bits`);
    if (operator === 'If' || operator === 'Loop' || operator === 'Scan' || operator.includes('.'))
      throw new GraphError(`${operator} "${name}" cannot be written: the graph has not kept all of it`);
    const wide = WIDE_OPERANDS[operator] ?? [];
    let next = 0;
    const read = operands.map((operand, place) => {
      if (operand === 'none') return '';
      if (operand === 'parameter') return parameters[`${place}`];
      if (operand !== 'input') return this.#constant(operand, wide.includes(place));
      const input = inputs[next++];
      return wide.includes(place) ? this.#node('Cast', [input], { to: INT64 }) : input;
    });
    const isWide = outputs.map((_, i) => WIDE_RESULTS[operator]?.includes(i) ?? false);
    const written = outputs.map((output, i) => (isWide[i] ? this.#fresh() : output));
    this.nodes.push({ op: operator, inputs: read, outputs: written, attributes });
    outputs.forEach((output, i) => {
      if (isWide[i])
        this.nodes.push({ op: 'Cast', inputs: [written[i]], outputs: [output], attributes: { to: INT32 } });
    });
  }

  #constant(constant: Constant, isWide: boolean): string {
    const name = this.#fresh();
    this.constants.push(constantTensor(name, constant, isWide));
    return name;
  }

  #batchNorm({ inputs: [x], parameters, attributes: { epsilon } }: OperatorOf<'batch_norm'>): void {
    if ('mean' in parameters) {
      const operands = ['weight', 'bias', 'mean', 'variance'].map((role) => parameters[role]);
      this.#last('BatchNormalization', [x, ...operands], { epsilon: { float: epsilon } });
      return;
    }
    const axes = [0, 2, 3];
    const centered = this.#node('Sub', [x, this.#mean(x, axes)]);
    const variance = this.#mean(this.#node('Mul', [centered, centered]), axes);
    const deviation = this.#node('Sqrt', [this.#node('Add', [variance, this.#number(epsilon)])]);
    const [weight, bias] = [parameters.weight, parameters.bias].map((name) => this.#reshape(name, [1, -1, 1, 1]));
    this.#last('Add', [this.#node('Mul', [this.#node('Div', [centered, deviation]), weight]), bias]);
  }

  /** `[batch, time, heads * size]` to `[batch, heads * repeats, time, size]`, every head as often as `repeats` says. */
  #heads(x: string, heads: number, size: number, repeats = 1): string {
    const split = this.#node('Transpose', [this.#reshape(x, [0, 0, heads, size])], { perm: [0, 2, 1, 3] });
    if (repeats === 1) return split;
    const apart = this.#node('Unsqueeze', [split, this.#integers([2])]);
    const repeated = this.#node('Expand', [apart, this.#integers([1, 1, repeats, 1, 1])]);
    // [batch, heads, repeats, time, size]: two axes become one, and time is whatever it is.
    const time = this.#size(x, 1);
    const batch = this.#size(x, 0);
    const shape = [batch, this.#integers([heads * repeats]), time, this.#integers([size])];
    return this.#node('Reshape', [repeated, this.#node('Concat', shape, { axis: 0 })]);
  }

  /** Of heads `[batch, heads, time, size]`. */
  #attention([queries, keys, values]: readonly string[], causal: boolean, size: number, mask?: string): void {
    const transposed = this.#node('Transpose', [keys], { perm: [0, 1, 3, 2] });
    const products = this.#node('MatMul', [queries, transposed]);
    const scores = this.#node('Mul', [products, this.#number(1 / Math.sqrt(size))]);
    const masked = mask === undefined ? scores : this.#node('Add', [scores, mask]);
    const logits = causal ? this.#node('Add', [masked, this.#causalMask(queries)]) : masked;
    const mixed = this.#node('MatMul', [this.#node('Softmax', [logits], { axis: -1 }), values]);
    const joined = this.#node('Transpose', [mixed], { perm: [0, 2, 1, 3] });
    // Batch and time stay; heads and their size become one.
    this.#last('Reshape', [joined, this.#integers([0, 0, -1])]);
  }

  /** A large negative number where a position would look ahead. */
  #causalMask(heads: string): string {
    const time = this.#size(heads, 2);
    const shape = this.#node('Concat', [time, time], { axis: 0 });
    const all = this.#node('Expand', [this.#number(MASKED), shape]);
    return this.#node('Trilu', [all, this.#integers(1)], { upper: 1 });
  }

  #rotary({ inputs: [x], attributes: { heads, base } }: OperatorOf<'rotary_embedding'>): void {
    const features = Number(this.#graph.values[x].shape[2]);
    const size = features / heads;
    const half = size / 2;
    const frequencies = Float32Array.from({ length: half }, (_, i) => base ** ((-2 * i) / size));
    const positions = this.#node('Cast', [this.#range(x, 1)], { to: FLOAT });
    const column = this.#reshape(positions, [-1, 1, 1]);
    // [time, 1, half]: the same for every head.
    const angles = this.#node('Mul', [column, this.#floats([1, 1, half], frequencies)]);
    const [cos, sin] = [this.#node('Cos', [angles]), this.#node('Sin', [angles])];
    const [first, second] = [this.#fresh(), this.#fresh()];
    const split = this.#reshape(x, [0, 0, heads, size]);
    this.nodes.push({
      op: 'Split',
      inputs: [split],
      outputs: [first, second],
      attributes: { axis: 3, num_outputs: 2 },
    });
    const times = (a: string, b: string): string => this.#node('Mul', [a, b]);
    const turned = [
      this.#node('Sub', [times(first, cos), times(second, sin)]),
      this.#node('Add', [times(second, cos), times(first, sin)]),
    ];
    this.#last('Reshape', [this.#node('Concat', turned, { axis: 3 }), this.#integers([0, 0, features])]);
  }

  #activation({ inputs: [x], attributes }: OperatorOf<'activation'>): void {
    switch (attributes.function) {
      case 'relu':
        this.#last('Relu', [x]);
        return;
      case 'gelu':
        this.#last('Gelu', [x], { approximate: 'none' });
        return;
      case 'gelu_tanh':
        this.#last('Gelu', [x], { approximate: 'tanh' });
        return;
      case 'silu':
        this.#last('Mul', [x, this.#node('Sigmoid', [x])]);
        return;
      case 'relu6':
        this.#last('Clip', [x, this.#number(0), this.#number(6)]);
        return;
      case 'sigmoid':
        this.#last('Sigmoid', [x]);
        return;
      case 'tanh':
        this.#last('Tanh', [x]);
        return;
      case 'hard_sigmoid':
        this.#last('HardSigmoid', [x], { alpha: { float: 1 / 6 }, beta: { float: 0.5 } });
        return;
      case 'hard_swish':
        this.#last('HardSwish', [x]);
        return;
    }
  }

  /** Each axis is one product with a matrix of shares. */
  #adaptivePool({ inputs: [x], attributes }: OperatorOf<'adaptive_avg_pool'>): void {
    if (attributes.size.every((size) => size === 1)) {
      this.#last('GlobalAveragePool', [x]);
      return;
    }
    const [, , height, width] = this.#graph.values[x].shape.map(Number);
    const [rows, columns] = attributes.size;
    const high = this.#node('MatMul', [this.#floats([rows, height], adaptivePoolShares(height, rows)), x]);
    const across = this.#floats([columns, width], adaptivePoolShares(width, columns));
    this.#last('MatMul', [high, this.#node('Transpose', [across], { perm: [1, 0] })]);
  }
}

/** Added to the attention logits of later positions: exp of it is 0 in float32. */
const MASKED = -1e9;
/** ONNX's numbers for element types. */
const FLOAT = 1;
const INT32 = 6;
const INT64 = 7;

/** Operands that are of 64-bit integers, by their places. */
const WIDE_OPERANDS: Readonly<Record<string, readonly number[]>> = {
  ...Object.fromEntries(REDUCTION_OPERATORS.map((operator) => [operator, [1]])),
  ConstantOfShape: [0],
  Expand: [1],
  GatherND: [1],
  NonMaxSuppression: [2],
  Pad: [1, 3],
  Reshape: [1],
  Resize: [3],
  ScatterND: [1],
  Slice: [1, 2, 3, 4],
  Split: [1],
  Squeeze: [1],
  Tile: [1],
  TopK: [1],
  Trilu: [1],
  Unsqueeze: [1],
};

/** Results that are of 64-bit integers, by their places. */
const WIDE_RESULTS: Readonly<Record<string, readonly number[]>> = {
  ArgMax: [0],
  ArgMin: [0],
  NonMaxSuppression: [0],
  NonZero: [0],
  Shape: [0],
  Size: [0],
  TopK: [1],
};
