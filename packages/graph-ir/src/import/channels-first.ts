// Models for images with channels last turn them round for every convolution and back. Here the turns move on past whatever can work either way round,
// until two cancel each other.
import { type Constant, elementCount, GraphError, type Shape, type TensorType } from '../graph.js';
import { integer, integers } from '../onnx-attributes.js';
import { type ForeignNode, isLearned, REDUCTION_OPERATORS, type StoredTensor, seenShape } from './foreign.js';
import type { Settled, View } from './settle.js';
import { forEachPermuted } from './stored.js';

/** The model with as few transposes from channels-first to channels-last as the pass finds; values that it returns are the same. */
export function channelsFirst(model: Settled): Settled {
  return new Turner(model).run();
}

/** A value is another one with its axes in this order: axis i of it is axis `order[i]` of the other. */
interface Turned {
  readonly source: string;
  readonly order: readonly number[];
}

class Turner {
  readonly #model: Settled;
  readonly #nodes: ForeignNode[] = [];
  readonly #types: Map<string, TensorType>;
  readonly #constants: Map<string, Constant>;
  readonly #tensors: Map<string, StoredTensor>;
  readonly #views: Map<string, View>;
  /** Values that no node gives yet. */
  readonly #turned = new Map<string, Turned>();
  readonly #written = new Set<string>();
  readonly #renamed = new Map<string, string>();
  #count = 0;

  constructor(model: Settled) {
    this.#model = model;
    this.#types = new Map(model.types);
    this.#constants = new Map(model.constants);
    this.#tensors = new Map(model.tensors);
    this.#views = new Map(model.views);
  }

  run(): Settled {
    for (const original of this.#model.nodes) {
      const node = { ...original, inputs: original.inputs.map(this.#resolve) };
      if (!this.#turn(node)) this.#keep(node);
    }
    const outputs = this.#model.outputs.map(this.#resolve);
    for (const output of outputs) this.#write(output);
    return {
      ...this.#model,
      outputs,
      nodes: this.#nodes,
      types: this.#types,
      constants: this.#constants,
      tensors: this.#tensors,
      views: this.#views,
    };
  }

  #resolve = (name: string): string => this.#renamed.get(name) ?? name;

  #shape(name: string): Shape {
    return this.#types.get(name)?.shape ?? [];
  }

  /** A node that reads its operands as the model has them. */
  #keep(node: ForeignNode): void {
    for (const input of node.inputs) this.#write(input);
    for (const { value } of node.captures ?? []) this.#write(value);
    this.#nodes.push(node);
  }

  /** Makes sure that a node gives a value. */
  #write(name: string): void {
    const turned = this.#turned.get(name);
    if (turned === undefined || this.#written.has(name)) return;
    this.#written.add(name);
    this.#nodes.push({
      name,
      op: 'Transpose',
      inputs: [turned.source],
      outputs: [name],
      attributes: { perm: turned.order },
    });
  }

  /** Whether the node was done the other way round. */
  #turn(node: ForeignNode): boolean {
    if (node.op === 'Transpose') return this.#transpose(node);
    const [x] = node.inputs;
    const turned = this.#turned.get(x);
    if (ELEMENTWISE.has(node.op)) return this.#elementwise(node);
    if (node.op === 'Concat') return this.#concat(node);
    if (turned === undefined) return false;
    if (ALONG_AXIS.has(node.op)) return this.#alongAxis(node, turned);
    if (REDUCTION_OPERATORS.includes(node.op)) return this.#reduction(node, turned);
    switch (node.op) {
      case 'Squeeze':
        return this.#squeeze(node, turned);
      case 'Pad':
        return this.#pad(node, turned);
      case 'Slice':
        return this.#slice(node, turned);
      case 'Resize':
        return this.#resize(node, turned);
      case 'Reshape':
      case 'Flatten':
        return this.#reshape(node, turned);
      default:
        return false;
    }
  }

  #transpose(node: ForeignNode): boolean {
    const [x] = node.inputs;
    const [output] = node.outputs;
    const order = integers(node, 'perm');
    if (order === undefined) return false;
    const before = this.#turned.get(x);
    if (before === undefined) {
      if (!isToLast(order)) return false;
      this.#turned.set(output, { source: x, order });
      return true;
    }
    const composed = order.map((axis) => before.order[axis]);
    if (composed.every((axis, i) => axis === i)) this.#renamed.set(output, before.source);
    else this.#turned.set(output, { source: before.source, order: composed });
    return true;
  }

  /** Adds the node with other operands; its results, turned, are those of the model. */
  #give(node: ForeignNode, changes: Partial<ForeignNode>, orders: ReadonlyArray<readonly number[]>): boolean {
    const outputs = node.outputs.map((output, i) => {
      const order = orders[i];
      const type = this.#types.get(output);
      if (output === '' || type === undefined || order.every((axis, place) => axis === place)) return output;
      const turned = this.#free(output);
      const shape = inverse(order).map((axis) => type.shape[axis]);
      this.#types.set(turned, { dtype: type.dtype, shape });
      this.#turned.set(output, { source: turned, order });
      return turned;
    });
    this.#nodes.push({ ...node, ...changes, outputs });
    return true;
  }

  #free(name: string): string {
    let free: string;
    do free = `${name}/channels_first${this.#count++ || ''}`;
    while (this.#types.has(free));
    return free;
  }

  #elementwise(node: ForeignNode): boolean {
    const order = this.#orderOf(node.inputs);
    const rank = this.#shape(node.outputs[0]).length;
    if (order === undefined || order.length !== rank) return false;
    const inputs = this.#operands(node.inputs, order);
    return (
      inputs !== undefined &&
      this.#give(
        node,
        { inputs },
        node.outputs.map(() => order),
      )
    );
  }

  #concat(node: ForeignNode): boolean {
    const order = this.#orderOf(node.inputs);
    const inputs = order && this.#operands(node.inputs, order);
    if (order === undefined || inputs === undefined) return false;
    return this.#give(node, { inputs, attributes: withAxis(node, order) }, [order]);
  }

  /** The order in which the first operand that is turned is. */
  #orderOf(inputs: readonly string[]): readonly number[] | undefined {
    const turned = inputs.map((input) => this.#turned.get(input)).find((found) => found !== undefined);
    return turned?.order;
  }

  /** All operands with their axes in the source's order. Undefined when one of them cannot be. */
  #operands(inputs: readonly string[], order: readonly number[]): readonly string[] | undefined {
    const results: string[] = [];
    for (const input of inputs) {
      const turned = this.#turned.get(input);
      const shape = this.#shape(input);
      if (turned && turned.order.join() === order.join()) results.push(turned.source);
      else if (input === '' || shape.every((size) => size === 1)) results.push(this.#scalar(input));
      else if (shape.length > order.length) return undefined;
      else if (this.#tensors.has(input) || this.#constants.has(input)) {
        const view = this.#stored(input, order);
        if (view === undefined) return undefined;
        results.push(view);
      } else if (shape.length === order.length) results.push(this.#turnedBack(input, order));
      else return undefined;
    }
    return results;
  }

  /** A value of one element, however many axes it has, fits any order of them. */
  #scalar(input: string): string {
    this.#write(input);
    return input;
  }

  /** A value that nobody turned yet. */
  #turnedBack(input: string, order: readonly number[]): string {
    this.#write(input);
    const back = inverse(order);
    const output = this.#free(input);
    const { dtype, shape } = this.#types.get(input) ?? { dtype: 'float32', shape: [] };
    this.#types.set(output, { dtype, shape: back.map((axis) => shape[axis]) });
    this.#nodes.push({ name: output, op: 'Transpose', inputs: [input], outputs: [output], attributes: { perm: back } });
    return output;
  }

  /** A stored tensor or constant with its axes in the source's order, and no axes of one element in front. */
  #stored(input: string, order: readonly number[]): string | undefined {
    const stored = this.#tensors.get(input);
    const constant = this.#constants.get(input);
    const seen = stored ? seenShape(stored) : (constant?.shape ?? []);
    const shape = [...order.slice(seen.length).map(() => 1), ...seen];
    const back = inverse(order);
    const turned = back.map((axis) => shape[axis]);
    const leading = Math.max(
      0,
      turned.findIndex((size) => size !== 1),
    );
    const trimmed = turned.slice(leading);
    const name = `${input}/${back.join('')}/${trimmed.join('x')}`;
    if (this.#types.has(name)) return name;
    const isSameOrder = isUnitMove(shape, back);
    if (stored) {
      if (isSameOrder && stored.permutation === undefined) {
        this.#tensors.set(name, { ...stored, shape: trimmed });
        this.#views.set(name, { base: this.#views.get(input)?.base ?? input });
      } else if (isLearned(stored)) {
        // Only axes of the tensor itself can be put in another order.
        if (seen.length < order.length || stored.permutation !== undefined || leading > 0) return undefined;
        this.#tensors.set(name, { ...stored, permutation: back });
        this.#views.set(name, { base: input, permutation: back });
      } else if (constant === undefined) return undefined;
    }
    if (constant) {
      const values = new Array<number>(elementCount(shape));
      forEachPermuted(shape, back, (from, to) => {
        values[to] = constant.values[from];
      });
      this.#constants.set(name, { dtype: constant.dtype, shape: trimmed, values });
    }
    this.#types.set(name, { dtype: this.#types.get(input)?.dtype ?? 'float32', shape: trimmed });
    return name;
  }

  #alongAxis(node: ForeignNode, { source, order }: Turned): boolean {
    const inputs = [source, ...node.inputs.slice(1)];
    for (const input of node.inputs.slice(1)) this.#write(input);
    return this.#give(
      node,
      { inputs, attributes: withAxis(node, order) },
      node.outputs.map(() => order),
    );
  }

  #reduction(node: ForeignNode, { source, order }: Turned): boolean {
    const axes = this.#constants.get(node.inputs[1])?.values;
    if (axes === undefined) return false;
    const places = axes.map((axis) => positive(axis, order.length));
    const inputs = [source, this.#integers(places.map((axis) => order[axis]).sort((a, b) => a - b))];
    const keepsAxes = integer(node, 'keepdims', 1) === 1;
    return this.#give(node, { inputs }, [keepsAxes ? order : without(order, places)]);
  }

  #squeeze(node: ForeignNode, { source, order }: Turned): boolean {
    const axes =
      node.inputs[1] === undefined
        ? this.#shape(node.inputs[0]).flatMap((size, i) => (size === 1 ? [i] : []))
        : this.#constants.get(node.inputs[1])?.values;
    if (axes === undefined) return false;
    const places = axes.map((axis) => positive(axis, order.length));
    const inputs = [source, this.#integers(places.map((axis) => order[axis]))];
    return this.#give(node, { inputs }, [without(order, places)]);
  }

  #pad(node: ForeignNode, { source, order }: Turned): boolean {
    const pads = this.#constants.get(node.inputs[1])?.values;
    if (pads === undefined || node.inputs[3] !== undefined) return false;
    const back = inverse(order);
    const turned = [...back.map((axis) => pads[axis]), ...back.map((axis) => pads[axis + order.length])];
    return this.#give(node, { inputs: [source, this.#integers(turned), ...node.inputs.slice(2)] }, [order]);
  }

  #slice(node: ForeignNode, { source, order }: Turned): boolean {
    const [, starts, ends, axes, ...steps] = node.inputs;
    const places = axes === undefined ? order.map((_, i) => i) : this.#constants.get(axes)?.values;
    if (places === undefined) return false;
    const turned = this.#integers(places.map((axis) => order[positive(axis, order.length)]));
    return this.#give(node, { inputs: [source, starts, ends, turned, ...steps] }, [order]);
  }

  #resize(node: ForeignNode, { source, order }: Turned): boolean {
    const back = inverse(order);
    const inputs = node.inputs.map((input, i) => {
      const constant = i === 0 || input === '' ? undefined : this.#constants.get(input);
      if (i === 0 || input === '') return i === 0 ? source : '';
      if (constant?.values.length !== order.length) return undefined;
      return this.#constant(
        constant.dtype,
        back.map((axis) => constant.values[axis]),
      );
    });
    if (node.attributes.axes !== undefined || !inputs.every((input) => input !== undefined)) return false;
    return this.#give(node, { inputs }, [order]);
  }

  /** A reshape does not care for the places of axes of one element. */
  #reshape(node: ForeignNode, { source, order }: Turned): boolean {
    const shape = this.#shape(source);
    if (!isUnitMove(shape, order)) return false;
    const target = this.#constants.get(node.inputs[1])?.values;
    // A zero copies the size at its place, and a flattening cuts at a place.
    if (
      node.op === 'Flatten' ? order[0] !== 0 || integer(node, 'axis', 1) !== 1 : !target || target.slice(1).includes(0)
    )
      return false;
    this.#nodes.push({ ...node, inputs: [source, ...node.inputs.slice(1)] });
    return true;
  }

  #integers(values: readonly number[]): string {
    return this.#constant('int32', values);
  }

  #constant(dtype: Constant['dtype'], values: readonly number[]): string {
    const name = this.#free('constant');
    const shape = [values.length];
    this.#constants.set(name, { dtype, shape, values });
    this.#types.set(name, { dtype, shape });
    return name;
  }
}

/** Whether this order puts the second axis last and leaves the others as they are. */
const isToLast = (order: readonly number[]): boolean =>
  order.length > 2 && order.every((axis, i) => axis === (i === 0 ? 0 : i === order.length - 1 ? 1 : i + 1));

const inverse = (order: readonly number[]): number[] => order.map((_, i) => order.indexOf(i));

const positive = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

/** Whether axes of more than one element stay in their order. */
const isUnitMove = (shape: Shape, order: readonly number[]): boolean => {
  const moved = order.filter((axis) => shape[axis] !== 1);
  return moved.every((axis, i) => i === 0 || axis > moved[i - 1]);
};

/** The order that is left when these axes of the turned value go. */
function without(order: readonly number[], places: readonly number[]): number[] {
  const kept = order.filter((_, i) => !places.includes(i));
  const sorted = [...kept].sort((a, b) => a - b);
  return kept.map((axis) => sorted.indexOf(axis));
}

function withAxis(node: ForeignNode, order: readonly number[]): ForeignNode['attributes'] {
  const axis = positive(
    integer(node, 'axis', node.op === 'Softmax' || node.op === 'LogSoftmax' ? -1 : 0),
    order.length,
  );
  if (order[axis] === undefined) throw new GraphError(`has no axis ${axis}`);
  return { ...node.attributes, axis: order[axis] };
}

/** Operators that do the same to every element, whatever axes it is on. */
const ELEMENTWISE: ReadonlySet<string> = new Set([
  ...['Add', 'Sub', 'Mul', 'Div', 'Mod', 'Pow', 'Min', 'Max', 'Sum', 'Mean', 'PRelu', 'Where'],
  ...['Equal', 'Greater', 'GreaterOrEqual', 'Less', 'LessOrEqual', 'And', 'Or', 'Xor', 'Not'],
  ...[
    'Relu',
    'LeakyRelu',
    'Elu',
    'Selu',
    'Sigmoid',
    'Tanh',
    'HardSigmoid',
    'HardSwish',
    'Softplus',
    'Softsign',
    'Gelu',
  ],
  ...['Mish', 'Clip', 'Cast', 'Abs', 'Neg', 'Exp', 'Log', 'Sqrt', 'Reciprocal', 'Erf', 'Sin', 'Cos', 'Tan', 'Asin'],
  ...['Acos', 'Atan', 'Sinh', 'Cosh', 'Floor', 'Ceil', 'Round', 'Sign'],
]);

/** Operators on one axis that stays where it is. */
const ALONG_AXIS: ReadonlySet<string> = new Set(['Softmax', 'LogSoftmax', 'Split']);
