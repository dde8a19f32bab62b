// Computes nodes whose operands are known while a model is read: sizes, indices, masks, and pieces of networks that are recognised by what they do.

import { addSizes, divideSizes, multiplySizes } from '../dimensions.js';
import { dtypeOf, isFloat } from '../element-types.js';
import { elementCount, GraphError } from '../graph.js';
import { constantOf, constantTensor } from '../interpreter/constant.js';
import { interpret, isInterpreted } from '../interpreter/interpret.js';
import { resultType } from '../interpreter/types.js';
import { type ForeignNode, isConstant, type Known, typedAs, typeOf } from './foreign.js';

type Element = number | string;
type Operands = ReadonlyArray<Known | undefined>;

/** More elements are not computed here. */
export const MOST_KNOWN = 2 ** 22;
/** Products of two operands with more pairs of elements are not computed here. */
const MOST_PAIRS = 2 ** 26;

/** Operators that multiply each element of an operand with many of another one. */
const PRODUCTS: ReadonlySet<string> = new Set([
  'Attention',
  'Conv',
  'ConvTranspose',
  'Einsum',
  'GRU',
  'Gemm',
  'LSTM',
  'MatMul',
  'RNN',
]);

/**
 * The results of a node, or undefined where they cannot be known: an operator that is not here, sizes that are names where numbers are wanted, too many
 * elements.
 */
export function evaluate(node: ForeignNode, operands: Operands): readonly Known[] | undefined {
  if (node.bodies !== undefined) return undefined;
  try {
    return operands.every((operand) => operand === undefined || isConstant(operand))
      ? computed(node, operands)
      : symbolic(node, operands);
  } catch (error) {
    // An operand that does not fit: what is wrong with it is said where the type of the result is inferred, or where the node runs.
    if (error instanceof GraphError || error instanceof RangeError) return undefined;
    throw error;
  }
}

function computed(node: ForeignNode, operands: Operands): readonly Known[] | undefined {
  if (!isInterpreted(node.op)) return undefined;
  const counts = operands.map((operand) => operand?.values.length ?? 0);
  if (PRODUCTS.has(node.op) && (counts[0] ?? 0) * (counts[1] ?? 0) > MOST_PAIRS) return undefined;
  const results = interpret({
    operator: node.op,
    operands: operands.map((operand) => (operand && isConstant(operand) ? constantTensor(operand) : undefined)),
    attributes: node.attributes,
    results: node.outputs.length,
  });
  return results.length < node.outputs.length ? undefined : results.map(constantOf);
}

/** Operators that only move elements: what they do to numbers they do to names. The operands that are moved come first, as many as said. */
const MOVES: ReadonlyMap<string, readonly [from: number, to: number]> = new Map([
  ['Concat', [0, Number.POSITIVE_INFINITY]],
  ['Expand', [0, 1]],
  ['Flatten', [0, 1]],
  ['Gather', [0, 1]],
  ['Identity', [0, 1]],
  ['Reshape', [0, 1]],
  ['Slice', [0, 1]],
  ['Split', [0, 1]],
  ['Squeeze', [0, 1]],
  ['Tile', [0, 1]],
  ['Transpose', [0, 1]],
  ['Unsqueeze', [0, 1]],
  ['Where', [1, 3]],
]);

/** Of operands in which some sizes are names. */
function symbolic(node: ForeignNode, operands: Operands): readonly Known[] | undefined {
  const moved = MOVES.get(node.op);
  if (moved !== undefined) return movedNames(node, operands, moved);
  const [x, y] = operands;
  if (node.op === 'Cast' && x !== undefined) {
    const type = resultType('Cast', node.attributes, [typeOf(x)], 0) ?? 'float32';
    // A size keeps its name: a float of it is only on the way to another size.
    if (dtypeOf(type) === 'bool' || !x.values.every((value) => typeof value === 'string' || Number.isInteger(value)))
      return undefined;
    return [{ ...typedAs(type), shape: x.shape, values: x.values }];
  }
  if (x === undefined || y === undefined) return undefined;
  const arithmetic = node.op === 'Div' ? quotient(isFloat(typeOf(x))) : ARITHMETIC.get(node.op);
  if (arithmetic !== undefined) return zipped(x, y, arithmetic, typedAs(typeOf(x)));
  const comparison = COMPARISONS.get(node.op);
  return comparison && zipped(x, y, compared(comparison), { dtype: 'bool' });
}

/** Elements are numbered, the numbers moved, and exchanged for the elements again. */
function movedNames(
  node: ForeignNode,
  operands: Operands,
  [from, to]: readonly [number, number],
): readonly Known[] | undefined {
  const elements: Element[] = [];
  const numbered = operands.map((operand, place): Known | undefined => {
    if (operand === undefined || place < from || place >= to) return operand;
    const values = operand.values.map((_, i) => elements.length + i);
    elements.push(...operand.values);
    return { dtype: 'int32', shape: operand.shape, values };
  });
  if (!numbered.every((operand) => operand === undefined || isConstant(operand))) return undefined;
  const type = typedAs(typeOf(operands[from] ?? operands[0] ?? { dtype: 'int32' }));
  return computed(node, numbered)?.map(({ shape, values }) => ({
    ...type,
    shape,
    values: values.map((value) => elements[Number(value)]),
  }));
}

type Arithmetic = (a: Element, b: Element) => Element | undefined;

const ARITHMETIC: ReadonlyMap<string, Arithmetic> = new Map<string, Arithmetic>([
  ['Add', addSizes],
  ['Sub', (a, b) => (a === b ? 0 : typeof b === 'number' ? addSizes(a, -b) : undefined)],
  ['Mul', multiplySizes],
]);

const quotient =
  (isExact: boolean): Arithmetic =>
  (a, b) => {
    if (typeof a !== 'number' || typeof b !== 'number') return divideSizes(a, b);
    return isExact ? a / b : Math.trunc(a / b);
  };

const COMPARISONS: ReadonlyMap<string, (a: number, b: number) => boolean> = new Map([
  ['Equal', (a: number, b: number) => a === b],
  ['Greater', (a: number, b: number) => a > b],
  ['GreaterOrEqual', (a: number, b: number) => a >= b],
  ['Less', (a: number, b: number) => a < b],
  ['LessOrEqual', (a: number, b: number) => a <= b],
]);

const compared =
  (holds: (a: number, b: number) => boolean): Arithmetic =>
  (p, q) => {
    // A size is 1 at least, whatever its name: enough to compare it with 0 and less.
    const [a, b] = [p, q].map((value) => (typeof value === 'number' ? value : 1));
    const isSure = typeof p === typeof q ? typeof p === 'number' : Math.min(a, b) <= 0;
    return isSure ? Number(holds(a, b)) : undefined;
  };

/** Of vectors of one length, or of one element. */
function zipped(
  a: Known,
  b: Known,
  compute: Arithmetic,
  type: Pick<Known, 'dtype' | 'element'>,
): readonly Known[] | undefined {
  const { shape } = a.values.length >= b.values.length && a.shape.length >= b.shape.length ? a : b;
  const count = elementCount(shape);
  if (![a, b].every(({ values }) => values.length === 1 || values.length === count)) return undefined;
  if (count > 1 && ![a, b].every((known) => known.values.length === 1 || known.shape.join() === shape.join()))
    return undefined;
  const values: Element[] = [];
  for (let i = 0; i < count; i++) {
    const value = compute(a.values[a.values.length === 1 ? 0 : i], b.values[b.values.length === 1 ? 0 : i]);
    if (value === undefined) return undefined;
    values.push(value);
  }
  return [{ ...type, shape, values }];
}

/** A shape with an axis of size 1, or what `filling` says, at each of these places of the result. */
export function unsqueezed<T>(shape: readonly T[], axes: readonly number[], filling: T): T[] {
  const rank = shape.length + axes.length;
  const places = new Set(axes.map((axis) => (axis < 0 ? axis + rank : axis)));
  let next = 0;
  return Array.from({ length: rank }, (_, i) => (places.has(i) ? filling : shape[next++]));
}

/** Sizes of the pieces of a split. */
export function splitSizes(size: number, sizes: readonly number[] | undefined, count: number): readonly number[] {
  if (sizes !== undefined) return sizes;
  const each = Math.ceil(size / count);
  return Array.from({ length: count }, (_, i) => Math.min(each, size - each * i));
}
