// Graphs as ONNX models with standard operators, so that a predicted network opens in any ONNX tool.
import { adaptivePoolShares } from '../adaptive-pool.js';
import type { ElementType } from '../element-types.js';
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
import { typeOf } from '../import/foreign.js';
import { elementNumber } from '../interpreter/operation.js';
import { resultType } from '../interpreter/types.js';
import { bodiesWithin, captureNames, withFloats, withNames, withoutLikeness } from './bodies.js';
import { BASE_OPSET, checkNodes, opsetOf } from './check.js';
import { isNarrow, operandTypes, writtenType, zeroPointOf } from './element-plan.js';
import {
  constantTensor,
  encodeModel,
  externalFloats,
  floats,
  integers,
  type OnnxNode,
  type OnnxValue,
  storableType,
} from './model.js';

/** Where parameters are: in the model, or in a file beside it that holds their float32 values in the graph's order, one after the other. */
export type OnnxParameters =
  | { readonly values: ReadonlyMap<string, Float32Array> }
  /** The file's name, relative to the model's folder, and where each parameter's values begin in it: one after the other where nothing is said. */
  | { readonly externalFile: string; readonly offsets?: ReadonlyMap<string, number> };

/** More than this does not fit into one protobuf message. */
export const MOST_INLINE_BYTES = 2 ** 31 - 2 ** 20;

/**
 * The bytes of an ONNX model, of opset 20 or the first that has all of its operators, that computes what the graph does; batch norms use the statistics of the batch, as the graph's do.
 * Throws {@link GraphError} naming a parameter whose values are missing or of another number, when they are too many for one file, and for an operator that
 * no sound model can have.
 */
export function graphToOnnx(source: Graph, parameters: OnnxParameters): Uint8Array {
  const graph = withDistinctValues(source);
  const writer = new OnnxWriter(graph);
  for (const operator of graph.operators) writer.write(operator);
  const initializers = [...initializersOf(graph, parameters), ...writer.constants];
  const given = [...graph.inputs, ...initializers.map(({ name }) => name ?? '')];
  checkNodes(writer.nodes, given, graph.outputs);
  const typed = (name: string): OnnxValue => ({ name, type: writer.typeOf(name), shape: graph.values[name].shape });
  return encodeModel({
    name: graph.name,
    opset: writer.opset,
    inputs: graph.inputs.map(typed),
    outputs: graph.outputs.map(typed),
    nodes: writer.nodes,
    initializers,
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

/** Operators that give elements of the type that they get. */
const MOVES: ReadonlySet<string> = new Set(['concat', 'reshape', 'select', 'transpose']);

const padsOf = ({ top, left, bottom, right }: Padding): number[] => [top, left, bottom, right];

/** Names of values that graphs within nodes give. */
function* namesWithin(graph: Graph): Generator<string> {
  for (const { type, attributes } of graph.operators) {
    if (type !== 'onnx') continue;
    for (const body of bodiesWithin(attributes.attributes)) {
      yield* body.inputs;
      for (const { name } of body.constants) yield name;
      for (const { outputs } of body.nodes) yield* outputs;
    }
  }
}

/** Turns operators into nodes. Intermediate values and constants are named after the value that they lead to. */
class OnnxWriter {
  readonly nodes: OnnxNode[] = [];
  /** The first opset that has all nodes. */
  opset = BASE_OPSET;
  readonly constants: Array<ReturnType<typeof integers>> = [];
  readonly #graph: Graph;
  readonly #shapes: ReadonlyMap<string, readonly number[]>;
  /** The element types of values that are written, where they are not the graph's. */
  readonly #written = new Map<string, ElementType>();
  readonly #taken: ReadonlySet<string>;
  #output = '';
  #count = 0;

  constructor(graph: Graph) {
    this.#graph = graph;
    this.#shapes = new Map(graph.parameters.map(({ name, shape }) => [name, shape]));
    this.#taken = new Set([...Object.keys(graph.values), ...this.#shapes.keys(), ...namesWithin(graph)]);
  }

  write(operator: Operator): void {
    [this.#output] = operator.outputs;
    this.#count = 0;
    this.#write(operator);
    // What is only moved stays of its type.
    if (MOVES.has(operator.type)) this.#written.set(this.#output, this.#typeOf(operator.inputs[0]));
    else if (operator.type !== 'onnx') this.#written.set(this.#output, this.#graph.values[this.#output].dtype);
  }

  /** The type that a value has in the model. */
  typeOf(value: string): ElementType {
    return this.#typeOf(value);
  }

  #push(node: OnnxNode, types: ReadonlyArray<ElementType | undefined>): void {
    this.nodes.push(node);
    this.opset = Math.max(
      this.opset,
      opsetOf(
        node,
        types.filter((type) => type !== undefined),
      ),
    );
  }

  /** A node with one output: the operator's own when it is the last. */
  #node(op: string, inputs: readonly string[], attributes: Record<string, OnnxAttribute> = {}): string {
    const output = this.#fresh();
    this.#push({ op, inputs, outputs: [output], attributes }, []);
    return output;
  }

  #last(op: string, inputs: readonly string[], attributes: Record<string, OnnxAttribute> = {}): void {
    this.#push({ op, inputs, outputs: [this.#output], attributes }, []);
  }

  /** A name that no value, parameter or graph within a node has. */
  #fresh(): string {
    let name: string;
    do name = `${this.#output}/${this.#count++}`;
    while (this.#taken.has(name));
    return name;
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
        const { offset = 0 } = operator.attributes;
        const { weight } = parameters;
        const gain = offset === 0 ? weight : this.#node('Add', [weight, this.#number(offset)]);
        this.#last('Mul', [this.#node('Div', [x, root]), gain]);
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
        this.#push({ op: 'Split', inputs: [x], outputs: parts, attributes: { axis: 2, num_outputs: 3 } }, []);
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

  /** The type that a value has in the model. */
  #typeOf(value: string): ElementType {
    return this.#written.get(value) ?? writtenType(typeOf(this.#graph.values[value] ?? { dtype: 'float32' }));
  }

  /** A value in another type. */
  #as(value: string, from: ElementType, to: ElementType): string {
    return from === to ? value : this.#node('Cast', [value], { to: elementNumber(to) });
  }

  /** An operator of ONNX with operands and results of the types that it has there, and casts between those and the graph's. */
  #kept({ name, inputs, outputs, parameters, attributes: kept }: OperatorOf<'onnx'>): void {
    const { operator, operands, results } = kept;
    if (operator.includes('.'))
      throw new GraphError(`${operator} "${name}" cannot be written: it is not of ONNX's own operators`);
    let next = 0;
    const sources = operands.map((operand) => (operand === 'input' ? inputs[next++] : undefined));
    const own = operands.map((operand, place): ElementType | undefined => {
      if (operand === 'none') return undefined;
      if (operand === 'parameter') return 'float32';
      if (operand !== 'input') return typeOf(operand);
      const source = sources[place] ?? '';
      const original = typeOf(this.#graph.values[source]);
      // What a narrow type rounds, or a cast to it, is done by nodes: their operands say which it is.
      const saysType = isNarrow(original) || (operator === 'CastLike' && place === 1);
      return saysType ? original : this.#typeOf(source);
    });
    const { node: alike, types } = withoutLikeness(operator, kept.attributes, own);
    const node = { ...alike, attributes: withFloats(alike.attributes) };
    const wanted = operandTypes(node.operator, types);
    const read = operands.slice(0, types.length).map((operand, place) => {
      const type = wanted[place];
      if (operand === 'none' || type === undefined) return '';
      if (operand === 'parameter')
        return this.#integerParameter(name, node.operator, place, parameters[`${place}`], types);
      if (operand !== 'input') return this.#constant(operand, type);
      return this.#as(sources[place] ?? '', this.#typeOf(sources[place] ?? ''), type);
    });
    const captured = captureNames(node.attributes);
    const around = operands.length - captured.length;
    const outer = new Map(captured.map((inner, i) => [inner, read[around + i]]));
    const attributes = withNames(node.attributes, outer, `${operator} "${name}"`);
    const given = outputs.map(
      (_, i) => resultType(node.operator, attributes, wanted, i) ?? writtenType(typeOf(results[i])),
    );
    const target = given.map(writtenType);
    // A float of 16 bits with an exponent of 8 is rounded so much that every step shows.
    const rounded = results.map(({ element }, i) =>
      element === 'bfloat16' && given[i] === 'float32' ? element : given[i],
    );
    const written = outputs.map((output, i) => (rounded[i] === target[i] ? output : this.#fresh()));
    const operandNames = read.slice(0, around);
    while (operandNames.at(-1) === '') operandNames.pop();
    this.#push({ op: node.operator, inputs: operandNames, outputs: written, attributes }, [...wanted, ...given]);
    outputs.forEach((output, i) => {
      this.#written.set(output, target[i]);
      if (written[i] === output) return;
      const narrow = this.#as(written[i], given[i], rounded[i]);
      this.#push({ op: 'Cast', inputs: [narrow], outputs: [output], attributes: { to: elementNumber(target[i]) } }, []);
    });
  }

  /** A parameter; one of integers of few bits is stored as floats, which hold them exactly. */
  #integerParameter(
    name: string,
    operator: string,
    place: number,
    parameter: string,
    types: ReadonlyArray<ElementType | undefined>,
  ): string {
    const zeroPoint = zeroPointOf(operator, place);
    if (zeroPoint === undefined) return parameter;
    const type = types[zeroPoint];
    if (type === undefined)
      throw new GraphError(`${operator} "${name}" cannot be written: nothing says of which integers "${parameter}" is`);
    return this.#as(parameter, 'float32', type);
  }

  #constant(constant: Constant, type: ElementType): string {
    const stored = storableType(type);
    const name = this.#fresh();
    this.constants.push(constantTensor(name, constant, stored));
    return this.#as(name, stored, type);
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
    this.#push({ op: 'Split', inputs: [split], outputs: [first, second], attributes: { axis: 3, num_outputs: 2 } }, []);
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
