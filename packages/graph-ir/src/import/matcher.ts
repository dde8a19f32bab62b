// What patterns ask about a settled model: who gives a value, what is known of it, and what a piece of the model does with numbers.
import { ANY_SHAPE, type Constant, elementCount, type Shape, type TensorType } from '../graph.js';
import { evaluate, MOST_KNOWN } from './evaluate.js';
import { type ForeignNode, isConstant, type Known, type StoredTensor, seenShape, tensorDtype } from './foreign.js';
import type { Settled } from './settle.js';
import type { Sized, Trials } from './sizes.js';
import { knownTensor } from './stored.js';

/** A stored tensor under the name that a node reads it by. */
export interface NamedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly stored: StoredTensor;
}

export class Matcher {
  readonly model: Settled;
  /** The same model with numbers for all sizes, in which everything that depends only on sizes is known. */
  readonly sized: Settled | undefined;
  /** It with other numbers; undefined where all sizes are fixed. */
  readonly trials: Trials | undefined;
  readonly #producers = new Map<string, ForeignNode>();
  readonly #places = new Map<string, number>();
  readonly #readers = new Map<string, ForeignNode[]>();
  readonly #types: Map<string, TensorType>;
  readonly #tables = new Map<string, Constant>();

  constructor(model: Settled, sized: Sized | undefined) {
    this.model = model;
    this.sized = sized?.settled;
    this.trials = sized?.trials;
    this.#types = new Map(model.types);
    model.nodes.forEach((node, place) => {
      for (const output of node.outputs) {
        this.#producers.set(output, node);
        this.#places.set(output, place);
      }
      for (const input of new Set(node.inputs)) {
        const readers = this.#readers.get(input);
        if (readers) readers.push(node);
        else this.#readers.set(input, [node]);
      }
    });
  }

  /** The node that gives a value, if it is of one of these operators. */
  node(value: string | undefined, ...operators: readonly string[]): ForeignNode | undefined {
    const node = value === undefined ? undefined : this.#producers.get(value);
    return node && (operators.length === 0 || operators.includes(node.op)) ? node : undefined;
  }

  /** Where the node that gives a value stands among all; -1 for inputs. */
  place(value: string): number {
    return this.#places.get(value) ?? -1;
  }

  readers(value: string): readonly ForeignNode[] {
    return this.#readers.get(value) ?? [];
  }

  type(value: string): TensorType {
    return this.#types.get(value) ?? { dtype: 'float32', shape: ANY_SHAPE };
  }

  shape(value: string): Shape {
    return this.type(value).shape;
  }

  /** From now on a value has the type that the operator raised for it gives. */
  retype(value: string, type: TensorType): void {
    this.#types.set(value, type);
  }

  /** A value whose numbers are all known. */
  constant(value: string | undefined): Constant | undefined {
    return value === undefined ? undefined : this.model.constants.get(value);
  }

  /** A known value of one element. */
  scalar(value: string | undefined): number | undefined {
    const constant = this.constant(value);
    return constant?.values.length === 1 ? constant.values[0] : undefined;
  }

  /** A stored tensor of floats. */
  tensor(value: string | undefined): NamedTensor | undefined {
    const stored = value === undefined ? undefined : this.model.tensors.get(value);
    if (value === undefined || stored === undefined || tensorDtype(stored) !== 'float32') return undefined;
    return { name: value, stored, shape: seenShape(stored) };
  }

  /** A stored vector of floats with as many elements, whatever axes of one element it has beside. */
  vector(value: string | undefined, size: number | undefined): NamedTensor | undefined {
    const tensor = this.tensor(value);
    return tensor && size !== undefined && elementCount(tensor.shape) === size && tensor.shape.at(-1) === size
      ? tensor
      : undefined;
  }

  /** A value that is computed from an input. */
  isData(value: string | undefined): value is string {
    return (
      value !== undefined && value !== '' && this.constant(value) === undefined && this.tensor(value) === undefined
    );
  }

  /** A value of floats whose rounding does not show in what is computed with 32 bits. */
  isWideFloat(value: string): boolean {
    const { dtype, element } = this.type(value);
    return dtype === 'float32' && (element === undefined || element === 'float16');
  }

  /** Which of two operands is the data and which is not, whatever their order. */
  split(node: ForeignNode): { readonly data: string; readonly other: string } | undefined {
    const [a, b] = node.inputs;
    if (this.isData(a) === this.isData(b)) return undefined;
    return this.isData(a) ? { data: a, other: b } : { data: b, other: a };
  }

  /** What a value is when some values are these, with these numbers for sizes; undefined where that cannot be computed. */
  compute(value: string, given: ReadonlyMap<string, Known>, sized = this.sized): Constant | undefined {
    const results = new Map<string, Known | undefined>(given);
    const known = (name: string): Known | undefined => {
      if (results.has(name)) return results.get(name);
      const fixed = sized?.constants.get(name) ?? this.constant(name);
      if (fixed) return fixed;
      const node = this.#producers.get(name);
      if (node === undefined) return this.#table(name);
      for (const output of node.outputs) results.set(output, undefined);
      const operands = node.inputs.map((input) => (input === '' ? undefined : known(input)));
      if (operands.some((operand, i) => operand === undefined && node.inputs[i] !== '')) return undefined;
      evaluate(node, operands)?.forEach((result, i) => {
        results.set(node.outputs[i], result);
      });
      return results.get(name);
    };
    const result = known(value);
    return result && isConstant(result) ? result : undefined;
  }

  /** A stored tensor as numbers: masks and tables of angles are stored as weights are. */
  #table(name: string): Constant | undefined {
    const tensor = this.tensor(name);
    if (tensor === undefined || elementCount(tensor.shape) > MOST_KNOWN) return undefined;
    const before = this.#tables.get(name);
    if (before !== undefined) return before;
    const bytes = this.model.bytesOf(tensor.stored);
    if (bytes === undefined) return undefined;
    const known = knownTensor(name, tensor.stored, bytes);
    this.#tables.set(name, known);
    return known;
  }

  /**
   * Values that all of a value is computed from, nearest first: each is the only data that reaches it through nodes for which `passes` holds.
   */
  *origins(value: string, passes: (node: ForeignNode) => boolean, most: number): Generator<string> {
    const frontier = new Set([value]);
    for (let step = 0; step < most; step++) {
      const latest = [...frontier].reduce((a, b) => (this.place(a) >= this.place(b) ? a : b));
      const node = this.#producers.get(latest);
      if (node === undefined || !passes(node)) return;
      frontier.delete(latest);
      for (const input of node.inputs) if (this.isData(input) && !this.isOfSizes(input)) frontier.add(input);
      if (frontier.size === 0) return;
      const [only] = frontier;
      if (frontier.size === 1) yield only;
    }
  }

  /** A value and all that it is computed from, up to an origin. */
  *between(value: string, origin: string): Generator<string> {
    const seen = new Set([origin]);
    const stack = [value];
    for (let name = stack.pop(); name !== undefined; name = stack.pop()) {
      if (seen.has(name)) continue;
      seen.add(name);
      yield name;
      stack.push(...(this.node(name)?.inputs ?? []));
    }
  }

  /** Whether a value depends on nothing but sizes. */
  isOfSizes(value: string): boolean {
    return this.sized?.constants.has(value) ?? false;
  }
}

/** Numbers in -1..1 that no piece of a network treats alike: the golden ratio's multiples. */
export const probe = (shape: readonly number[], scale = 1): Constant => ({
  dtype: 'float32',
  shape,
  values: Array.from({ length: elementCount(shape) }, (_, i) =>
    Math.fround(scale * (2 * (((i + 1) * 0.6180339887498949) % 1) - 1)),
  ),
});

/** Sizes for probes that are different and above 1 on every axis, so that none of them can be taken for another one: `rank` of them that are not `last`. */
export const distinctSizes = (rank: number, last: number): number[] =>
  [2, 3, 5, 7, 11, 13, 17].filter((size) => size !== last).slice(0, rank);

/** Whether two lists of numbers are the same but for rounding. */
export function agree(a: readonly number[], b: readonly number[], tolerance: number): boolean {
  return (
    a.length === b.length && a.every((value, i) => Math.abs(value - b[i]) <= tolerance * Math.max(1, Math.abs(b[i])))
  );
}
