// Works out all that is known of a model before it runs: types of values, sizes and indices that are constants, branches that are always taken.
import { own } from '@logah/files';
import { cast, type ElementType, integerRange, isFloat } from '../element-types.js';
import { ANY_SHAPE, type Constant, elementCount, GraphError, type Shape, type TensorType } from '../graph.js';
import { didYouMean } from '../nearest.js';
import { integer, integers, text } from '../onnx-attributes.js';
import { evaluate, MOST_KNOWN } from './evaluate.js';
import {
  ALIGNED,
  ALONG,
  BATCH_FIRST,
  CHANNELS_TO_LAST,
  FLATTENED,
  type ForeignBody,
  type ForeignModel,
  type ForeignNode,
  isAnyShape,
  isConstant,
  isDouble,
  isLearned,
  type Known,
  ROUNDS_BY_SCALE,
  type StoredTensor,
  SWAPPED,
  storedType,
  tensorDtype,
  typedAs,
  typeOf,
} from './foreign.js';
import { withFreshNames } from './fresh-names.js';
import { hasRule, inferNode, type Operand } from './infer.js';
import { captured, inOrder, label, naming, reads } from './order.js';
import { bytesAt, knownTensor, type ReadPlace } from './stored.js';

export interface ImportOptions {
  /** Numbers for sizes that have names ("batch_size", "height"). */
  readonly dimensions?: Readonly<Record<string, number>>;
  /** Values of inputs that are the same in every run, such as a sample rate; they are inputs no more. */
  readonly constants?: Readonly<Record<string, number | readonly number[]>>;
  /** Reads part of a file that holds tensors. Throws when the file cannot be read. */
  readonly readPlace?: ReadPlace;
}

/** A stored tensor seen with its axes in another order, or, without a permutation, in another shape. */
export interface View {
  readonly base: string;
  readonly permutation?: readonly number[];
}

export interface Settled {
  readonly name: string;
  readonly source: string;
  readonly inputs: ForeignModel['inputs'];
  readonly outputs: readonly string[];
  /** In an order in which they can run; only those that an output depends on. */
  readonly nodes: readonly ForeignNode[];
  readonly types: ReadonlyMap<string, TensorType>;
  /** Values whose numbers are all known. */
  readonly constants: ReadonlyMap<string, Constant>;
  /** The elements of values that are known but for sizes that have names. */
  readonly symbols: ReadonlyMap<string, ReadonlyArray<number | string>>;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly views: ReadonlyMap<string, View>;
  /** A stored tensor's bytes; undefined where they are in a file that cannot be read. */
  readonly bytesOf: (tensor: StoredTensor) => Uint8Array | undefined;
}

/** No network that anyone trains has as many; a file that asks for more would fill the memory. */
const MOST_NODES = 100_000;
/** Stored tensors of more elements are weights, whose values nothing here needs. */
const MOST_READ = 2 ** 16;
/** Elements of all values that are worked out together: a small file can ask for many large ones. */
const MOST_WORKED_OUT = 2 ** 24;

/**
 * The model with all that is known of it, of values with at most `most` elements. Throws {@link GraphError} naming the file and the node or value at fault: one that nothing gives, a cycle, an
 * operand that does not fit.
 */
export function settle(model: ForeignModel, options: ImportOptions, most = MOST_KNOWN): Settled {
  return new Settler(model, options, most).run();
}

class Settler {
  readonly #model: ForeignModel;
  readonly #options: ImportOptions;
  readonly #most: number;
  readonly #tensors: Map<string, StoredTensor>;
  readonly #types = new Map<string, TensorType>();
  /** Values of which some numbers may be names. */
  readonly #known = new Map<string, Known>();
  readonly #constants = new Map<string, Constant>();
  readonly #views = new Map<string, View>();
  readonly #renamed = new Map<string, string>();
  readonly #nodes: ForeignNode[] = [];
  #workedOut = 0;

  constructor(model: ForeignModel, options: ImportOptions, most: number) {
    this.#model = model;
    this.#options = options;
    this.#most = most;
    this.#tensors = new Map(model.tensors);
  }

  run(): Settled {
    const { name, source, outputs } = this.#model;
    for (const [key, tensor] of this.#tensors) this.#types.set(key, storedType(tensor));
    const inputs = this.#inputs();
    const given = new Set([...this.#tensors.keys(), ...this.#model.inputs.map((input) => input.name)]);
    this.#body(this.#model, given);
    const results = outputs.map((output) => this.#resolve(output));
    for (const [i, output] of results.entries()) {
      if (!this.#types.has(output)) throw new GraphError(`${source}: nothing gives the output "${outputs[i]}"`);
      // A stored tensor may be an output itself.
      this.#knownValue(output);
    }
    return {
      name,
      source,
      inputs,
      outputs: results,
      nodes: needed(this.#nodes, results, this.#constants),
      types: this.#types,
      constants: this.#constants,
      symbols: new Map([...this.#known].flatMap(([name, known]) => (isConstant(known) ? [] : [[name, known.values]]))),
      tensors: this.#tensors,
      views: this.#views,
      bytesOf: this.#bytesOf,
    };
  }

  /** The inputs with sizes that were given, without those whose values were. */
  #inputs(): ForeignModel['inputs'] {
    const { dimensions = {}, constants = {} } = this.#options;
    const { inputs, source } = this.#model;
    this.#checkNames(
      constants,
      inputs.map(({ name }) => name),
      'an input',
    );
    this.#checkNames(
      dimensions,
      inputs.flatMap(({ type }) => type.shape.filter((size) => typeof size === 'string')),
      'a size',
    );
    return inputs.flatMap(({ name, type }) => {
      const shape = type.shape.map((size) => (typeof size === 'string' ? (own(dimensions, size) ?? size) : size));
      this.#types.set(name, { ...type, shape });
      const fixed = own(constants, name);
      if (fixed === undefined) return [{ name, type: { ...type, shape } }];
      const given = typeof fixed === 'number' ? [fixed] : fixed;
      const values = given.map((value) => fixedNumber(value, typeOf(type), `${source}: the input "${name}"`));
      const sizes = shape.map((size) => (typeof size === 'number' ? size : values.length));
      if (elementCount(sizes) !== values.length)
        throw new GraphError(
          `${source}: the input "${name}" [${shape.join(', ')}] cannot be the constant [${values.join(', ')}]`,
        );
      this.#setKnown(name, { ...typedAs(typeOf(type)), shape: sizes, values });
      return [];
    });
  }

  #checkNames(given: Readonly<Record<string, unknown>>, known: readonly string[], what: string): void {
    for (const name of Object.keys(given))
      if (!known.includes(name))
        throw new GraphError(
          `${this.#model.source}: "${name}" is not ${what} of the model; known are ${[...new Set(known)].join(', ') || 'none'}${didYouMean(name, known)}`,
        );
  }

  #body(body: ForeignBody, given: ReadonlySet<string>): void {
    const { source } = this.#model;
    for (const node of inOrder(body.nodes, given, source)) naming(source, label(node), () => this.#settleNode(node));
  }

  #settleNode(original: ForeignNode): void {
    const node = this.#withoutShorthand({
      ...original,
      inputs: original.inputs.map((name) => this.#resolve(name)),
      ...this.#captures(original),
    });
    if (node === undefined) return;
    if (node.op === 'Identity') {
      this.#renamed.set(node.outputs[0], node.inputs[0]);
      return;
    }
    const operands = node.inputs.map((name) => this.#operand(name));
    if (operands[0] === undefined && hasRule(node.op)) throw new GraphError('operand 0 is missing');
    if (node.op === 'If' && this.#takeBranch(node, operands[0]?.known)) return;
    if (this.#viewOf(node, operands)) return;
    const results = this.#results(node, operands);
    if (results?.every(isConstant)) {
      node.outputs.forEach((output, i) => {
        this.#setKnown(output, results[i]);
      });
      return;
    }
    results?.forEach((known, i) => {
      this.#setKnown(node.outputs[i], known);
    });
    const types = results === undefined ? (inferNode(node, operands) ?? bodyTypes(node, operands)) : undefined;
    node.outputs.forEach((output, i) => {
      const declared = this.#model.declared.get(output);
      const inferred = types?.[i] ?? this.#types.get(output);
      if (output !== '')
        this.#types.set(
          output,
          inferred === undefined ? (declared ?? { dtype: 'float32', shape: ANY_SHAPE }) : merged(inferred, declared),
        );
    });
    if (this.#nodes.length >= MOST_NODES) throw new GraphError(`${this.#model.source}: more than ${MOST_NODES} nodes`);
    this.#nodes.push(node);
  }

  /** What graphs within a node read from around it. */
  #captures({ bodies }: ForeignNode): Pick<ForeignNode, 'captures'> {
    if (bodies === undefined) return {};
    const names = new Set(Object.values(bodies).flatMap((body) => [...captured(body)]));
    const captures = [...names].map((name) => ({ name, value: this.#resolve(name) }));
    // Constants among them go into the graphs.
    for (const { value } of captures) this.#knownValue(value);
    return { captures };
  }

  /** What the node gives, where that is known before it runs. */
  #results(node: ForeignNode, operands: ReadonlyArray<Operand | undefined>): readonly Known[] | undefined {
    const shape = operands[0]?.type.shape;
    if (node.op === 'Shape' && shape !== undefined && !isAnyShape(shape)) {
      const values = shape.slice(integer(node, 'start', 0), integer(node, 'end', shape.length));
      return [{ ...typedAs('int64'), shape: [values.length], values }];
    }
    if (node.op === 'Size' && shape?.every((size) => typeof size === 'number'))
      return [{ ...typedAs('int64'), shape: [], values: [elementCount(shape)] }];
    // What is learned stays what it is.
    if (node.inputs.some((name) => this.#isLearned(name))) return undefined;
    if (operands.some((operand, i) => operand?.known === undefined && node.inputs[i] !== '')) return undefined;
    if (this.#workedOut > MOST_WORKED_OUT || !isSmall(inferNode(node, operands), this.#most)) return undefined;
    const results = evaluate(
      node,
      operands.map((operand) => operand?.known),
    );
    for (const { values } of results ?? []) this.#workedOut += values.length;
    return results;
  }

  #isLearned(name: string): boolean {
    const tensor = this.#tensors.get(name);
    return tensor !== undefined && isLearned(tensor);
  }

  /** A learned tensor of which only the axes, or how they are counted, change: a node that needs not run. */
  #viewOf(node: ForeignNode, operands: ReadonlyArray<Operand | undefined>): boolean {
    const [name] = node.inputs;
    const tensor = this.#tensors.get(name);
    if (tensor === undefined || tensorDtype(tensor) !== 'float32' || !VIEWS.has(node.op)) return false;
    if (isDouble(tensor) && node.op !== 'Cast') return false;
    const type = inferNode(node, operands)?.[0];
    if (type === undefined || type.dtype !== 'float32' || !type.shape.every((size) => typeof size === 'number'))
      return false;
    const [output] = node.outputs;
    const shape = type.shape as readonly number[];
    if (elementCount(shape) !== elementCount(tensor.shape)) return false;
    if (node.op === 'Transpose') {
      const order = integers(node, 'perm') ?? shape.map((_, i) => shape.length - 1 - i);
      const permutation = order.map((axis) => tensor.permutation?.[axis] ?? axis);
      const { base = name, permutation: before } = this.#views.get(name) ?? {};
      const isReshaped = base !== name && before === undefined;
      this.#tensors.set(output, { ...tensor, permutation });
      if (!isReshaped) this.#views.set(output, { base, permutation: order.map((axis) => before?.[axis] ?? axis) });
    } else if (node.op === 'Cast') {
      // Only a cast to floats that hold all of its numbers leaves a tensor as it is.
      const to = typeOf(type);
      if (to === 'float32' && isDouble(tensor)) {
        // What is stored in doubles and read as floats.
        this.#tensors.set(output, { ...tensor, quantization: { scale: 1, offset: 0 } });
        this.#views.set(output, { base: name });
        this.#types.set(output, { ...type, shape });
        return true;
      }
      if (to !== 'float32' && to !== tensor.type) return false;
      this.#renamed.set(output, name);
      return true;
    } else if (tensor.permutation !== undefined) {
      return false;
    } else {
      this.#tensors.set(output, { ...tensor, shape });
      this.#views.set(output, { base: this.#views.get(name)?.base ?? name });
    }
    this.#types.set(output, { ...type, shape });
    return true;
  }

  /** The nodes of the branch of a conditional that is always taken. */
  #takeBranch(node: ForeignNode, condition: Known | undefined): boolean {
    if (condition === undefined || !isConstant(condition)) return false;
    const branch = node.bodies?.[condition.values[0] === 0 ? 'else_branch' : 'then_branch'];
    if (branch === undefined) throw new GraphError('has no branch to take');
    // Branches of other conditionals may have the same names for what is theirs.
    const body = withFreshNames(branch, new Set([...this.#types.keys(), ...this.#renamed.keys()]));
    for (const [name, tensor] of body.tensors) {
      this.#tensors.set(name, tensor);
      this.#types.set(name, storedType(tensor));
    }
    this.#body(body, new Set([...this.#types.keys(), ...this.#renamed.keys()]));
    node.outputs.forEach((output, i) => {
      this.#renamed.set(output, this.#resolve(body.outputs[i] ?? ''));
    });
    return true;
  }

  /** A node without marks that ask for what depends on the number of axes. Undefined when its nodes were settled here. */
  #withoutShorthand(node: ForeignNode): ForeignNode | undefined {
    if (ALIGNED in node.attributes) return this.#withAxes(node);
    if (ALONG in node.attributes) return this.#alongOneAxis(node);
    if (ROUNDS_BY_SCALE in node.attributes) return this.#withRounding(node);
    if (BATCH_FIRST in node.attributes) return this.#withBatchFirst(node);
    if (!(SWAPPED in node.attributes || CHANNELS_TO_LAST in node.attributes)) return this.#withoutFlattening(node);
    const shape = this.#types.get(node.inputs[0])?.shape ?? ANY_SHAPE;
    if (isAnyShape(shape)) throw new GraphError('transposes matrices of which the number of axes is not known');
    const axes = shape.map((_, i) => i);
    const perm =
      SWAPPED in node.attributes
        ? [...axes.slice(0, -2), ...axes.slice(-2).reverse()]
        : [...axes.slice(0, 1), ...axes.slice(2), ...axes.slice(1, 2)];
    return { ...node, attributes: { perm } };
  }

  /** A norm along one axis: of the value with that axis where ONNX wants it, which is turned back. Undefined when its nodes were settled here. */
  #alongOneAxis(node: ForeignNode): ForeignNode | undefined {
    const { [ALONG]: _, ...attributes } = node.attributes;
    const shape = this.#types.get(node.inputs[0])?.shape ?? ANY_SHAPE;
    if (isAnyShape(shape))
      throw new GraphError('normalises along an axis of a value of which the number of axes is not known');
    const given = integer(node, ALONG, -1);
    const axis = given < 0 ? given + shape.length : given;
    if (axis < 1 || axis >= shape.length)
      throw new GraphError(
        `normalises along axis ${given} of a value of ${shape.length} axes; 1 to ${shape.length - 1} are right`,
      );
    const wanted = node.op === 'BatchNormalization' ? 1 : shape.length - 1;
    if (axis === wanted) return { ...node, attributes };
    const order = shape.map((_size, i) => i).filter((i) => i !== axis);
    order.splice(wanted, 0, axis);
    const back = order.map((_axis, i) => order.indexOf(i));
    const [turned, normal] = ['turned', 'normal'].map((part) => `${node.outputs[0]}/${part}`);
    const [x, ...weights] = node.inputs;
    const transpose = { name: '', op: 'Transpose' };
    this.#settleNode({ ...transpose, inputs: [x], outputs: [turned], attributes: { perm: order } });
    this.#settleNode({ ...node, inputs: [turned, ...weights], outputs: [normal], attributes });
    this.#settleNode({ ...transpose, inputs: [normal], outputs: node.outputs, attributes: { perm: back } });
    return undefined;
  }

  /** A resize of opset 10 that says how it rounds. Straight lines do not. */
  #withRounding(node: ForeignNode): ForeignNode {
    const { [ROUNDS_BY_SCALE]: _, ...attributes } = node.attributes;
    if (text(node, 'mode', 'nearest') !== 'nearest') return { ...node, attributes };
    const scales = this.#operand(node.inputs[2])?.known?.values;
    if (scales === undefined) throw new GraphError('rounds by scales, which are not known (opset 10)');
    const shrinks = scales.some((scale) => typeof scale === 'number' && scale < 1);
    if (shrinks && scales.some((scale) => typeof scale !== 'number' || scale > 1))
      throw new GraphError(
        `enlarges and makes smaller at once, by [${scales.join(', ')}], which is not known (opset 10)`,
      );
    return { ...node, attributes: { ...attributes, nearest_mode: shrinks ? 'ceil' : 'floor' } };
  }

  /** Operands of equally many axes: those of fewer get some behind the batch's. */
  #withBatchFirst(node: ForeignNode): ForeignNode {
    const { [BATCH_FIRST]: _, ...attributes } = node.attributes;
    const ranks = node.inputs.map((input) => {
      const shape = this.#types.get(input)?.shape ?? ANY_SHAPE;
      if (isAnyShape(shape)) throw new GraphError('combines values of which the number of axes is not known');
      return shape.length;
    });
    const most = Math.max(...ranks);
    const inputs = node.inputs.map((input, k) => {
      if (ranks[k] === most || ranks[k] === 0) return input;
      const [axes, spread] = ['axes', 'spread'].map((part) => `${node.outputs[0]}/${part}_${k}`);
      const added = Array.from({ length: most - ranks[k] }, (_axis, i) => i + 1);
      this.#setKnown(axes, { dtype: 'int32', shape: [added.length], values: added });
      this.#settleNode({ name: '', op: 'Unsqueeze', inputs: [input, axes], outputs: [spread], attributes: {} });
      return spread;
    });
    return { ...node, inputs, attributes };
  }

  /** An operand with axes of one element behind its own, so that its first axis is the one of the other operand that the mark says. */
  #withAxes(node: ForeignNode): ForeignNode {
    const [operand, other] = node.inputs.map((name) => this.#types.get(name)?.shape ?? ANY_SHAPE);
    if (isAnyShape(operand) || isAnyShape(other))
      throw new GraphError('is spread from an axis on, but the number of axes is not known');
    const axis = integer(node, ALIGNED, 0);
    const missing = other.length - (axis < 0 ? axis + other.length : axis) - operand.length;
    // One element is spread over everything, wherever its axes are.
    const isSingle = operand.every((size) => size === 1);
    const axes = Array.from({ length: isSingle ? 0 : Math.max(0, missing) }, (_, i) => operand.length + i);
    const name = `${node.outputs[0]}/axes`;
    this.#setKnown(name, { dtype: 'int32', shape: [axes.length], values: axes });
    return { ...node, inputs: [node.inputs[0], name], attributes: {} };
  }

  /** A softmax over several axes as one: plain where it is only the last, otherwise over a matrix. Undefined when its nodes were settled here. */
  #withoutFlattening(node: ForeignNode): ForeignNode | undefined {
    if (!(FLATTENED in node.attributes)) return node;
    const shape = this.#types.get(node.inputs[0])?.shape ?? ANY_SHAPE;
    const rank = isAnyShape(shape) ? Number.NaN : shape.length;
    const axis = integer(node, 'axis', 1);
    const place = axis < 0 ? axis + rank : axis;
    const outputs = node.outputs;
    const isLast = place === rank - 1 || shape.slice(place + 1).every((size) => size === 1);
    if (isLast && !Number.isNaN(rank)) return { ...node, attributes: { axis: place } };
    const [matrix, soft, size] = ['matrix', 'softmax', 'shape'].map((part) => `${outputs[0]}/${part}`);
    const plain = { name: '', attributes: {} };
    this.#settleNode({ ...plain, op: 'Flatten', inputs: node.inputs, outputs: [matrix], attributes: { axis } });
    this.#settleNode({ ...node, inputs: [matrix], outputs: [soft], attributes: { axis: -1 } });
    this.#settleNode({ ...plain, op: 'Shape', inputs: node.inputs, outputs: [size] });
    this.#settleNode({ ...plain, op: 'Reshape', inputs: [soft, size], outputs });
    return undefined;
  }

  #operand(name: string): Operand | undefined {
    const type = this.#types.get(name);
    const known = this.#knownValue(name);
    return type && (known === undefined ? { type } : { type, known });
  }

  #knownValue(name: string): Known | undefined {
    const known = this.#known.get(name);
    const tensor = this.#tensors.get(name);
    if (known !== undefined || tensor === undefined || elementCount(tensor.shape) > MOST_READ) return known;
    if (this.#isLearned(name)) return undefined;
    const bytes = this.#bytesOf(tensor);
    if (bytes !== undefined) this.#setKnown(name, knownTensor(name, tensor, bytes));
    return this.#known.get(name);
  }

  #bytesOf = ({ place }: StoredTensor): Uint8Array | undefined => {
    const { readPlace } = this.#options;
    if (place.kind === 'bytes') return place.bytes;
    return readPlace && bytesAt(place, readPlace);
  };

  #setKnown(name: string, known: Known): void {
    this.#known.set(name, known);
    if (isConstant(known)) this.#constants.set(name, known);
    this.#types.set(name, { ...typedAs(typeOf(known)), shape: known.shape });
  }

  #resolve(name: string): string {
    let resolved = name;
    for (let next = this.#renamed.get(resolved); next !== undefined; next = this.#renamed.get(resolved))
      resolved = next;
    return resolved;
  }
}

/** A number that an input always is, as one of its elements. Throws {@link GraphError} for one that no element is. */
function fixedNumber(value: number, type: ElementType, what: string): number {
  const refuse = (wanted: string): never => {
    throw new GraphError(`${what} is of ${type}, ${wanted}: it cannot be ${value}`);
  };
  if (type === 'bool') return value === 0 || value === 1 ? value : refuse('which is 0 or 1');
  if (isFloat(type)) {
    const element = cast(value, type);
    return Number.isFinite(element) || !Number.isFinite(value) ? element : refuse('whose numbers are smaller');
  }
  const [least, most] = integerRange(type);
  const [from, to] = [Math.max(least, Number.MIN_SAFE_INTEGER), Math.min(most, Number.MAX_SAFE_INTEGER)];
  return Number.isInteger(value) && value >= from && value <= to
    ? value
    : refuse(`which takes whole numbers from ${from} to ${to}`);
}

/** What graphs within a node say that it gives; what a loop carries on is of the type that it began with. */
function bodyTypes(
  { op, bodies }: ForeignNode,
  operands: ReadonlyArray<Operand | undefined>,
): ReadonlyArray<TensorType | undefined> | undefined {
  const body = Object.values(bodies ?? {}).find(({ results }) => results !== undefined);
  // The first result of a loop's body says whether it goes on, the first two operands how often.
  const results = op === 'Loop' ? body?.results?.slice(1) : body?.results;
  const carried = op === 'Loop' ? operands.slice(2) : [];
  return results?.map((result, i) => {
    const type = result ?? carried[i]?.type;
    return type && { ...type, shape: ANY_SHAPE };
  });
}

/** Whether results are known to be small enough to be worked out. */
const isSmall = (types: readonly TensorType[] | undefined, most: number): boolean =>
  types?.every(
    ({ shape }) =>
      !isAnyShape(shape) && elementCount(shape.map((size) => (typeof size === 'number' ? size : 1))) <= most,
  ) ?? false;

const VIEWS = new Set(['Transpose', 'Reshape', 'Squeeze', 'Unsqueeze', 'Flatten', 'Cast']);

/** An inferred type with the sizes that only the file knows. */
function merged(inferred: TensorType, declared: TensorType | undefined): TensorType {
  if (declared === undefined || isAnyShape(declared.shape)) return inferred;
  if (isAnyShape(inferred.shape)) return { ...inferred, shape: declared.shape };
  if (declared.shape.length !== inferred.shape.length) return inferred;
  const shape: Shape = inferred.shape.map((size, i) =>
    typeof size === 'string' && typeof declared.shape[i] === 'number' ? declared.shape[i] : size,
  );
  return { ...inferred, shape };
}

/** The nodes that these outputs depend on; what is known needs no node. */
function needed(
  nodes: readonly ForeignNode[],
  outputs: readonly string[],
  constants: ReadonlyMap<string, Constant>,
): ForeignNode[] {
  const wanted = new Set(outputs);
  const kept: ForeignNode[] = [];
  for (const node of [...nodes].reverse()) {
    if (!node.outputs.some((output) => wanted.has(output))) continue;
    kept.push(node);
    for (const name of reads(node)) if (!constants.has(name)) wanted.add(name);
  }
  return kept.reverse();
}
