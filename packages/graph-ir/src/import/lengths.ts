// What is found at one length of a text must hold at every other one: which lengths tell, and the proof at each of them.
//
// What depends on sizes alone is a composition of operators. Most of them (moves, sums, products, fills) go on beyond the sizes of a trial as they began.
// Others treat numbers differently on both sides of a threshold: comparisons, least and greatest, remainders, slices of tables. A threshold is a constant, or a
// table's size, among what these operators are computed from. So a claim is tried at other small sizes; where thresholds are, at sizes on both sides of each of
// them and beyond all of them together. An operator that is not listed here proves nothing.
import { recordOf } from '@logah/files';
import type { Constant } from '../graph.js';
import { integer } from '../onnx-attributes.js';
import type { ForeignNode } from './foreign.js';
import type { Matcher } from './matcher.js';
import type { Settled } from './settle.js';
import type { Trials } from './sizes.js';

/** Operators that do the same at all sizes. */
const STEADY: ReadonlySet<string> = new Set([
  'Add',
  'Concat',
  'ConstantOfShape',
  'Cos',
  'Einsum',
  'Expand',
  'Flatten',
  'Identity',
  'MatMul',
  'Mul',
  'Neg',
  'Reshape',
  'Shape',
  'Sin',
  'Size',
  'Squeeze',
  'Sub',
  'Tile',
  'Transpose',
  'Unsqueeze',
]);

/** Operators that may do something else from some size on. Conditions and what is chosen by them are among these: what is compared is behind them. */
const SWITCHING: ReadonlySet<string> = new Set([
  'Abs',
  'And',
  'Ceil',
  'Clip',
  'Equal',
  'Floor',
  'Gather',
  'Greater',
  'GreaterOrEqual',
  'Less',
  'LessOrEqual',
  'Max',
  'Min',
  'Mod',
  'Not',
  'Or',
  'Range',
  'Relu',
  'Round',
  'Sign',
  'Slice',
  'Split',
  'Trilu',
  'Where',
  'Xor',
]);

/** Not among what a threshold is compared with: these bring no order to sizes. */
const WAVES: ReadonlySet<string> = new Set(['Cos', 'Einsum', 'MatMul', 'Sin']);

/** Operators whose constant is a factor of what is compared with a threshold. */
const SCALING: ReadonlySet<string> = new Set(['Div', 'Mod', 'Mul']);

/** No text is tried that is longer: what is computed for it is of as many elements squared. */
const LONGEST = 2048;
/** Where all thresholds are up to here, all sizes are tried. */
const ALL_UP_TO = 64;
/** Where they are not, all sizes up to here. */
const FEW = 16;
/** From here on the end of a slice is that of the axis, however long. */
const TO_THE_END = 2 ** 31 - 1;

/** What sizes are compared with. */
interface Thresholds {
  /** Sizes at which something may change. */
  readonly at: Set<number>;
  sum: number;
  factor: number;
}

/**
 * Whether a claim about a value holds at all sizes at which the model works. The claim is tried at the sizes that tell; false where these are not known: an
 * operator whose thresholds cannot be read, or sizes too large to be tried.
 */
export function holdsAtEveryLength(
  m: Matcher,
  value: string,
  origin: string,
  claim: (sized: Settled) => boolean,
): boolean {
  const { trials } = m;
  if (trials === undefined) return true;
  const thresholds = thresholdsOf(m, trials, value, origin);
  if (thresholds === undefined) return false;
  const names = Object.keys(trials.base);
  const holds = (sizes: Readonly<Record<string, number>>): boolean => {
    const sized = trials.at(sizes);
    // A model that does not work with these sizes claims nothing of them.
    return sized === undefined || claim(sized);
  };
  // As many other points as there are sizes, in general position: a size that is a sum of multiples of these is told by them.
  const moved = (name: string, isOne: boolean): number =>
    trials.base[name] + (trials.images.has(name) ? (isOne ? 64 : 32) : isOne ? 12 : 7);
  for (const one of names) if (!holds(recordOf(names.map((name) => [name, moved(name, name === one)])))) return false;
  const lengths = lengthsFor(thresholds);
  if (lengths === undefined) return false;
  // Thresholds of several sizes at once show where all of them are beyond.
  const [longest] = lengths.slice(-1);
  if (longest !== undefined && longest <= ALL_UP_TO && !holds(recordOf(names.map((name, i) => [name, longest + i]))))
    return false;
  return lengths.every((length) => names.every((name) => holds({ [name]: length })));
}

/** All sizes from 3 to beyond all thresholds, or where these are many, those at thresholds; undefined where that is too long. */
function lengthsFor({ at, sum, factor }: Thresholds): readonly number[] | undefined {
  if (at.size === 0) return [];
  const beyond = Math.ceil((sum + 1) * factor) + 2;
  if (!(beyond < LONGEST)) return undefined;
  const lengths = new Set([beyond, beyond + 1]);
  const few = beyond <= ALL_UP_TO ? beyond : FEW;
  for (let length = 3; length <= few; length++) lengths.add(length);
  // Two thresholds may be at their sum, difference, product or quotient.
  const sizes = [...at].flatMap((a) => [a, ...[...at].flatMap((b) => [a + b, a - b, a * b, a / b])]);
  if (beyond > ALL_UP_TO)
    for (const size of sizes)
      for (const near of [Math.floor(size) - 1, Math.floor(size), Math.ceil(size), Math.ceil(size) + 1])
        if (near > 2 && near <= beyond) lengths.add(near);
  return [...lengths].sort((a, b) => a - b);
}

/** The thresholds among what a value is computed from; undefined where an operator is not known. */
function thresholdsOf(m: Matcher, trials: Trials, value: string, origin: string): Thresholds | undefined {
  const found: Thresholds = { at: new Set(), sum: 0, factor: 1 };
  const note = (size: number, isFactor: boolean): void => {
    const amount = Math.abs(size);
    if (amount === 0 || amount >= TO_THE_END) return;
    // All sizes that are tried are beyond 1.
    if (amount > 1) found.at.add(amount);
    if (isFactor) found.factor *= Math.max(amount, 1 / amount);
    else found.sum += amount;
  };
  const seen = new Set<string>();
  const stack: Array<{ readonly name: string; readonly isCompared: boolean }> = [{ name: value, isCompared: false }];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const { name, isCompared } = next;
    const key = `${isCompared} ${name}`;
    if (name === '' || name === origin || seen.has(key)) continue;
    seen.add(key);
    const node = m.node(name);
    if (node === undefined || m.constant(name) !== undefined || node.op === 'Shape' || node.op === 'Size') continue;
    const symbols = m.model.symbols.get(name);
    if (symbols?.every((symbol) => typeof symbol === 'number' || symbol in trials.base)) {
      // Sizes as they are, and numbers beside them.
      if (isCompared) for (const symbol of symbols) if (typeof symbol === 'number') note(symbol, false);
      continue;
    }
    const kind = kindOf(m, node);
    if (kind === undefined || (isCompared && WAVES.has(node.op))) return undefined;
    const compares = isCompared || kind === 'switching';
    if (isCompared && node.op === 'ConstantOfShape') {
      const [filling] = m.compute(name, new Map())?.values ?? [];
      if (filling === undefined) return undefined;
      note(filling, false);
    }
    for (const [i, input] of node.inputs.entries()) {
      if (input === '' || isOfElements(m, node, i)) continue;
      const known = numbersOf(m, input);
      if (known === undefined) {
        // Values that are chosen or moved are compared only where their result is.
        stack.push({ name: input, isCompared: isMoved(node, i) ? isCompared : compares });
        continue;
      }
      if (!compares) continue;
      if (isTable(node, i)) for (const size of new Set(known.shape)) note(size, false);
      // Of constants that are chosen or moved only those count that are compared afterwards.
      if (isMoved(node, i) && !isCompared) continue;
      const [least, most] = known.values.reduce(
        ([a, b], x) => [Math.min(a, x), Math.max(b, x)],
        [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
      );
      for (const size of new Set([least, most])) if (Number.isFinite(size)) note(size, SCALING.has(node.op));
    }
  }
  return found;
}

/** Attributes in which no number is that something is compared with. */
const HARMLESS: ReadonlySet<string> = new Set([
  'allowzero',
  'axes',
  'axis',
  'batch_dims',
  'equation',
  'fmod',
  'num_outputs',
  'perm',
  'saturate',
  'to',
  'upper',
  'value',
]);

/** What a node does as sizes grow; undefined where that is not known. */
function kindOf(m: Matcher, node: ForeignNode): 'steady' | 'switching' | undefined {
  if (node.bodies !== undefined || !Object.keys(node.attributes).every((name) => HARMLESS.has(name))) return undefined;
  const [result, operand] = [m.type(node.outputs[0]), m.type(node.inputs[0])];
  switch (node.op) {
    case 'Cast':
      // Elements of few bits wrap or round; floats are cut to integers, and all but 0 is true.
      if (operand.dtype !== 'bool' && result.element !== undefined && !WIDE.has(result.element)) return undefined;
      return result.dtype === 'float32' || result.dtype === operand.dtype ? 'steady' : 'switching';
    case 'Div':
      return result.dtype === 'float32' ? 'steady' : 'switching';
    default:
      return STEADY.has(node.op) ? 'steady' : SWITCHING.has(node.op) ? 'switching' : undefined;
  }
}

/** Types that hold every size that is tried. */
const WIDE: ReadonlySet<string> = new Set([
  'bool',
  'float16',
  'float32',
  'float64',
  'int32',
  'int64',
  'uint32',
  'uint64',
]);

/** Numbers that are stored or known at all sizes. */
const numbersOf = (m: Matcher, value: string): Constant | undefined =>
  m.constant(value) ?? (m.node(value) === undefined && !m.isData(value) ? m.compute(value, new Map()) : undefined);

/** Whether an operand passes through: it is chosen or moved, and not what says what is. */
function isMoved({ op }: ForeignNode, place: number): boolean {
  switch (op) {
    case 'Where':
      return place > 0;
    case 'Gather':
    case 'Slice':
    case 'Split':
    case 'Trilu':
      return place === 0;
    default:
      return false;
  }
}

/** Whether an operand is a table of which a part is taken. */
const isTable = ({ op }: ForeignNode, place: number): boolean => (op === 'Gather' || op === 'Slice') && place === 0;

/** Whether an operand is one of those that say which axis, which is no size; or says which part of an axis whose size is fixed. */
function isOfElements(m: Matcher, node: ForeignNode, place: number): boolean {
  switch (node.op) {
    case 'Unsqueeze':
    case 'Squeeze':
      return place === 1;
    case 'Slice': {
      if (place >= 3) return true;
      if (place === 0) return false;
      return isFixed(m, node.inputs[0], m.constant(node.inputs[3])?.values);
    }
    case 'Gather':
    case 'Split':
      return place > 0 && isFixed(m, node.inputs[0], [integer(node, 'axis', 0)]);
    default:
      return false;
  }
}

/** Whether these axes of a value that is no table are of the same size always. */
function isFixed(m: Matcher, value: string, axes: readonly number[] | undefined): boolean {
  const shape = m.shape(value);
  return m.isData(value) && axes?.every((axis) => typeof shape.at(axis) === 'number') === true;
}

/** The sizes of a value in a model with numbers for all sizes; undefined where they are not known. */
export function sizesOf(sized: Settled | undefined, value: string): readonly number[] | undefined {
  const shape = sized?.types.get(value)?.shape;
  return shape?.every((size) => typeof size === 'number') ? shape : undefined;
}
