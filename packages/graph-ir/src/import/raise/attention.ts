// Attention, recognised by what it moves: however an exporter splits heads, numbers sent through tell where each of them comes from.
import { type Constant, elementCount } from '../../graph.js';
import { integer } from '../../onnx-attributes.js';
import { type Draft, draft, type Found } from '../draft.js';
import type { ForeignNode } from '../foreign.js';
import { holdsAtEveryLength, sizesOf } from '../lengths.js';
import { type Matcher, probe } from '../matcher.js';
import type { Settled } from '../settle.js';

/** What may lie between a projection and a product of heads. */
const MOVES: ReadonlySet<string> = new Set([
  'Reshape',
  'Transpose',
  'Split',
  'Slice',
  'Gather',
  'Squeeze',
  'Unsqueeze',
  'Expand',
  'Tile',
  'Concat',
  'Flatten',
  'Cast',
  'Mul',
  'Div',
  'Add',
  'Sub',
  'Neg',
]);
const REARRANGES: ReadonlySet<string> = new Set(['Reshape', 'Transpose', 'Squeeze', 'Unsqueeze', 'Flatten', 'Cast']);
const MOST_STEPS = 40;
/** Between a product of queries and keys and its softmax. */
const MOST_LOGIT_STEPS = 5;
/** More numbers are not sent through. */
const MOST_PROBED = 2 ** 21;
const MASKED = -1e4;

/** Queries, keys or values: heads of a projection. */
interface Heads {
  /** The projection's value. */
  readonly source: string;
  /** How its axes are to be ordered to be `[batch, time, features]`, where they are not. */
  readonly permutation?: readonly number[];
  readonly features: number;
  /** Where among the features the heads begin. */
  readonly offset: number;
  /** Different heads: fewer than there are where several queries share one. */
  readonly heads: number;
  readonly factor: number;
  /** The base of the rotary embedding that they went through. */
  readonly base?: number;
}

/** Relative to a number, what a few steps of float32 change. */
const ROUNDING = 1e-6;

/** Whether a product of constants is 1 but for their rounding to float32. */
const isOne = (factor: number): boolean => Math.abs(factor - 1) < 1e-6;

/** A product of attention weights with values. */
export function attention(m: Matcher, node: ForeignNode, isLayer: (value: string) => boolean): Found | undefined {
  if (node.op !== 'MatMul' || m.sized === undefined) return undefined;
  const scores = weightsOf(m, node.inputs[0]);
  const logits = scores === undefined ? undefined : logitsOf(m, scores.logits);
  if (logits === undefined) return undefined;
  const product = m.node(logits.value, 'MatMul');
  if (product === undefined) return undefined;
  const shape = sizedShape(m, node.outputs[0]);
  if (shape === undefined || shape.length < 3) return undefined;
  const size = shape[shape.length - 1];
  const trace = (value: string, isTransposed: boolean): Heads | undefined =>
    headsOf(m, value, { isTransposed, size, isLayer });
  const [q, k, v] = [trace(product.inputs[0], false), trace(product.inputs[1], true), trace(node.inputs[1], false)];
  if (!q || !k || !v) return undefined;
  const scale = q.factor * k.factor * logits.scale * Math.sqrt(size);
  if (!isOne(scale) || !isOne(v.factor) || v.base !== undefined || q.base !== k.base) return undefined;
  const mask = logits.mask === undefined ? { isCausal: false } : maskOf(m, logits.mask);
  // Only a mask from outside can shut a whole row, whose weights are NaN.
  if (mask === undefined || (scores?.isGuarded && mask.added !== undefined)) return undefined;
  return emit(m, node, { q, k, v, size, mask });
}

interface Weights {
  /** What the softmax is taken of. */
  readonly logits: string;
  /** Whether NaN among the weights, of rows that are masked altogether, become 0. */
  readonly isGuarded: boolean;
}

/** The softmax behind attention weights. */
function weightsOf(m: Matcher, value: string): Weights | undefined {
  const guarded = m.node(value, 'Where');
  const weights = guarded ? guarded.inputs[2] : value;
  const softmax = m.node(weights, 'Softmax');
  if (softmax === undefined) return undefined;
  if (guarded) {
    const [condition, filling] = guarded.inputs;
    if (m.node(condition, 'IsNaN')?.inputs[0] !== weights || m.scalar(filling) !== 0) return undefined;
  }
  const axis = integer(softmax, 'axis', -1);
  const isLast = axis === -1 || axis === m.shape(value).length - 1;
  return isLast ? { logits: softmax.inputs[0], isGuarded: guarded !== undefined } : undefined;
}

interface Logits {
  readonly value: string;
  readonly scale: number;
  readonly mask?:
    | { readonly kind: 'add'; readonly value: string }
    | { readonly kind: 'choose'; readonly value: string; readonly keeps: 0 | 1 };
}

/** The product of queries and keys, what it is scaled by and what masks it. */
function logitsOf(m: Matcher, value: string, steps = MOST_LOGIT_STEPS): Logits | undefined {
  const node = steps > 0 ? m.node(value) : undefined;
  switch (node?.op) {
    case 'MatMul':
      return { value, scale: 1 };
    case 'Mul':
    case 'Div': {
      const [a, b] = node.inputs;
      const scalar = m.scalar(b) ?? (node.op === 'Mul' ? m.scalar(a) : undefined);
      const inner = scalar === undefined ? undefined : logitsOf(m, m.scalar(b) === undefined ? b : a, steps - 1);
      // What was added or chosen before would be scaled, too.
      if (inner?.mask !== undefined) return undefined;
      return inner && { ...inner, scale: inner.scale * (node.op === 'Mul' ? Number(scalar) : 1 / Number(scalar)) };
    }
    case 'Add': {
      const [a, b] = node.inputs;
      const isFirst = reachesProduct(m, a);
      const inner = logitsOf(m, isFirst ? a : b, steps - 1);
      return inner && inner.mask === undefined
        ? { ...inner, mask: { kind: 'add', value: isFirst ? b : a } }
        : undefined;
    }
    case 'Where': {
      const [condition, a, b] = node.inputs;
      const [least, other] = [m.scalar(a), m.scalar(b)];
      const fill = least ?? other;
      if (fill === undefined || fill > MASKED) return undefined;
      const inner = logitsOf(m, least === undefined ? a : b, steps - 1);
      return inner && inner.mask === undefined
        ? { ...inner, mask: { kind: 'choose', value: condition, keeps: least === undefined ? 1 : 0 } }
        : undefined;
    }
    default:
      return undefined;
  }
}

const reachesProduct = (m: Matcher, value: string, steps = MOST_LOGIT_STEPS): boolean => {
  const node = m.node(value, 'MatMul', 'Mul', 'Div');
  if (node === undefined || steps === 0 || m.isOfSizes(value)) return false;
  return node.op === 'MatMul' || node.inputs.some((input) => m.isData(input) && reachesProduct(m, input, steps - 1));
};

interface Mask {
  readonly isCausal: boolean;
  /** A value to add to the logits. */
  readonly added?: string;
}

/** What a mask does; undefined for one that cannot be an operand here. */
function maskOf(m: Matcher, mask: NonNullable<Logits['mask']>): Mask | undefined {
  const kind = kindOf(m, mask, m.sized);
  if (kind !== undefined && holdsAtEveryLength(m, mask.value, '', (sized) => kindOf(m, mask, sized) === kind))
    return { isCausal: kind === 'causal' };
  return mask.kind === 'add' && m.isData(mask.value) && m.type(mask.value).dtype === 'float32'
    ? { isCausal: false, added: mask.value }
    : undefined;
}

/** Whether a mask that depends on sizes alone shuts nothing or what comes later, with these numbers for sizes; undefined for any other one. */
function kindOf(
  m: Matcher,
  mask: NonNullable<Logits['mask']>,
  sized: Settled | undefined,
): 'open' | 'causal' | undefined {
  const known = m.compute(mask.value, new Map(), sized);
  if (known === undefined) return undefined;
  const isOpen = (value: number): boolean => (mask.kind === 'add' ? value === 0 : value === mask.keeps);
  const isShut = (value: number): boolean => (mask.kind === 'add' ? value <= MASKED : value !== mask.keeps);
  if (known.values.every(isOpen)) return 'open';
  const [rows, columns] = known.shape.slice(-2);
  const isCausal = known.values.every((value, i) => {
    const [row, column] = [Math.floor(i / columns) % rows, i % columns];
    return column > row ? isShut(value) : isOpen(value);
  });
  return isCausal && rows === columns && rows > 1 ? 'causal' : undefined;
}

const sizedShape = (m: Matcher, value: string): readonly number[] | undefined => sizesOf(m.sized, value);

const passes = ({ op }: ForeignNode): boolean => MOVES.has(op);

function headsOf(
  m: Matcher,
  value: string,
  { isTransposed, size, isLayer }: { isTransposed: boolean; size: number; isLayer: (value: string) => boolean },
): Heads | undefined {
  let source: string | undefined = isLayer(value) ? value : undefined;
  if (source === undefined) {
    for (const origin of m.origins(value, passes, MOST_STEPS)) {
      // The projection itself, or what it gives as a sequence.
      if (m.shape(origin).length === 3) source = origin;
      if (isLayer(origin)) break;
    }
  }
  if (source === undefined) return undefined;
  const origin = source;
  const at = (sized: Settled | undefined): Heads | undefined => {
    const shape = sizesOf(sized, origin);
    if (shape?.length !== 3 || elementCount(shape) > MOST_PROBED) return undefined;
    const given = probe(shape);
    const found = m.compute(value, new Map([[origin, given]]), sized);
    return found && placed(m, { value, source: origin, size }, given, isTransposed ? withLastSwapped(found) : found);
  };
  const heads = at(m.sized);
  const isSame = (other: Heads | undefined): boolean =>
    heads !== undefined &&
    other !== undefined &&
    other.permutation?.join() === heads.permutation?.join() &&
    other.offset === heads.offset &&
    other.heads === heads.heads &&
    other.base === heads.base &&
    isOne(other.factor / heads.factor);
  return heads && holdsAtEveryLength(m, value, source, (sized) => isSame(at(sized))) ? heads : undefined;
}

function withLastSwapped({ dtype, shape, values }: Constant): Constant {
  const [rows, columns] = shape.slice(-2);
  const swapped = values.map((_, i) => {
    const [block, place] = [Math.floor(i / (rows * columns)), i % (rows * columns)];
    return values[block * rows * columns + (place % rows) * columns + Math.floor(place / rows)];
  });
  return { dtype, shape: [...shape.slice(0, -2), columns, rows], values: swapped };
}

/** Where heads come from: `found` is what the numbers of the source became. */
function placed(
  m: Matcher,
  { value, source, size }: { value: string; source: string; size: number },
  given: Constant,
  found: Constant,
): Heads | undefined {
  const features = given.shape[2];
  const all = elementCount(found.shape.slice(0, -2));
  const bases = rotaryBases(m, value, source, size);
  for (const permutation of [undefined, [1, 0, 2]] as const) {
    const [batch, time] = permutation ? [given.shape[1], given.shape[0]] : given.shape;
    const heads = all / batch;
    if (found.shape.at(-2) !== time || found.shape.at(-1) !== size || !Number.isInteger(heads)) continue;
    const at = permutation
      ? (b: number, t: number, f: number) => given.values[(t * batch + b) * features + f]
      : (b: number, t: number, f: number) => given.values[(b * time + t) * features + f];
    for (const own of new Set([heads, ...divisors(heads)])) {
      for (let offset = 0; offset + own * size <= features; offset += own * size) {
        const expected = (turn: (b: number, t: number, h: number, d: number) => number): number[] =>
          Array.from({ length: found.values.length }, (_, i) => {
            const d = i % size;
            const t = Math.floor(i / size) % time;
            const h = Math.floor(i / (size * time)) % heads;
            return turn(Math.floor(i / (size * time * heads)), t, Math.floor(h / (heads / own)), d);
          });
        const plain = (b: number, t: number, h: number, d: number): number => at(b, t, offset + h * size + d);
        const place = { source, features, offset, heads: own, ...(permutation ? { permutation } : {}) };
        const factor = found.values[0] / plain(0, 0, 0, 0);
        const isMoved = expected((...place) => factor * plain(...place)).every(
          (value, i) => Math.abs(found.values[i] - value) <= ROUNDING * Math.abs(value),
        );
        if (isMoved) return { ...place, factor };
        const base = bases.find((candidate) =>
          expected((...place) => factor * rotated(plain, size, candidate, place)).every((value, i) => {
            // A float of an angle is the less exact the larger it is.
            const angle = (Math.floor(i / size) % time) * candidate ** ((-2 * ((i % size) % (size / 2))) / size);
            return Math.abs(found.values[i] - value) <= ROUNDING * Math.abs(factor) * (2 + angle);
          }),
        );
        if (base !== undefined) return { ...place, factor, base };
      }
    }
  }
  return undefined;
}

const divisors = (count: number): number[] =>
  Array.from({ length: count }, (_, i) => i + 1).filter((candidate) => count % candidate === 0);

/** RoFormer's rotation of pairs half a head apart (arXiv 2104.09864 in the form of GPT-NeoX). */
function rotated(
  at: (b: number, t: number, h: number, d: number) => number,
  size: number,
  base: number,
  [b, t, h, d]: readonly [number, number, number, number],
): number {
  const half = size / 2;
  const angle = t * base ** ((-2 * (d % half)) / size);
  const other = d < half ? -at(b, t, h, d + half) : at(b, t, h, d - half);
  return at(b, t, h, d) * Math.cos(angle) + other * Math.sin(angle);
}

/** Bases of rotary embeddings whose frequencies a value may be computed with. */
function rotaryBases(m: Matcher, value: string, source: string, size: number): number[] {
  if (size % 2 !== 0 || size < 4) return [];
  const found = new Set<number>();
  for (const name of m.between(value, source)) {
    const values = (m.constant(name) ?? m.sized?.constants.get(name))?.values.slice(0, size / 2);
    // Frequencies fall from 1; so does the first row of angles after that of position 0.
    if (values === undefined || !areFrequencies(values, size)) continue;
    const base = Math.round(values[1] ** (-size / 2));
    // Those that are no powers of one base are scaled ones, which few positions tell from others.
    if (!values.every((frequency, d) => isPower(frequency, base ** ((-2 * d) / size)))) return [];
    found.add(base);
  }
  return found.size > 0 ? [...found] : [10_000, 500_000, 1_000_000];
}

const areFrequencies = (values: readonly number[], size: number): boolean =>
  values.length === size / 2 &&
  values[0] === 1 &&
  values.every((value, d) => value > 0 && (d === 0 || value < values[d - 1]));

const isPower = (frequency: number, power: number): boolean => Math.abs(frequency - power) <= 3 * ROUNDING * power;

interface Parts {
  readonly q: Heads;
  readonly k: Heads;
  readonly v: Heads;
  readonly size: number;
  readonly mask: Mask;
}

function emit(m: Matcher, node: ForeignNode, { q, k, v, size, mask }: Parts): Found | undefined {
  const [value] = node.outputs;
  const before: Array<readonly [string, Draft]> = [];
  const ordered = ({ source, permutation }: Heads): string => {
    if (permutation === undefined) return source;
    const name = `${source}/batch_first`;
    before.push([name, draft('transpose', [source], { permutation })]);
    return name;
  };
  const width = q.heads * size;
  const isPacked =
    q.source === k.source &&
    k.source === v.source &&
    q.features === 3 * width &&
    q.offset === 0 &&
    k.offset === width &&
    v.offset === 2 * width;
  let core: Draft;
  if (isPacked && q.base === undefined && mask.added === undefined)
    core = draft('attention', [ordered(q)], { heads: q.heads, causal: mask.isCausal });
  else if ([q, k, v].every((part) => part.offset === 0 && part.features === part.heads * size) && k.heads === v.heads) {
    const rotatedOf = (part: Heads): string => {
      const name = ordered(part);
      if (part.base === undefined) return name;
      const turned = `${name}/rotated`;
      before.push([turned, draft('rotary_embedding', [name], { heads: part.heads, base: part.base })]);
      return turned;
    };
    const inputs = [rotatedOf(q), rotatedOf(k), ordered(v), ...(mask.added === undefined ? [] : [mask.added])];
    core = draft('grouped_attention', inputs, { heads: q.heads, keyValueHeads: k.heads, causal: mask.isCausal });
  } else return undefined;
  const end = endOf(m, value, q.heads, size);
  if (end !== undefined) return { draft: core, value: end, before: uniqueByValue(before) };
  // Heads apart again, for what the model does with them.
  const [whole, split] = [`${value}/joined`, `${value}/split`];
  before.push([whole, core], [split, draft('reshape', [whole], { shape: [0, 0, q.heads, size] })]);
  return { draft: draft('transpose', [split], { permutation: [0, 2, 1, 3] }), before: uniqueByValue(before) };
}

/** Queries, keys and values of one projection are put in order once. */
const uniqueByValue = (drafts: ReadonlyArray<readonly [string, Draft]>): Array<readonly [string, Draft]> => [
  ...new Map(drafts),
];

/** Where the mixed heads stand side by side, `[batch, time, heads · size]`, after what only moves them. */
function endOf(m: Matcher, value: string, heads: number, size: number): string | undefined {
  const isEnd = (last: string, sized: Settled | undefined): boolean => {
    const shape = sizesOf(sized, value);
    if (shape === undefined || elementCount(shape) > MOST_PROBED) return false;
    const time = shape[shape.length - 2];
    const batch = elementCount(shape) / (time * heads * size);
    const given = probe(shape);
    const found = m.compute(last, new Map([[value, given]]), sized);
    if (found?.shape.join() !== [batch, time, heads * size].join()) return false;
    return found.values.every((moved, i) => {
      const d = i % size;
      const h = Math.floor(i / size) % heads;
      const t = Math.floor(i / (size * heads)) % time;
      const b = Math.floor(i / (size * heads * time));
      return moved === given.values[((b * heads + h) * time + t) * size + d];
    });
  };
  let last = value;
  for (let step = 0; step < 8; step++) {
    const [reader, ...others] = m.readers(last);
    if (reader === undefined || others.length > 0 || !REARRANGES.has(reader.op) || reader.inputs[0] !== last)
      return undefined;
    [last] = reader.outputs;
    const end = last;
    if (isEnd(end, m.sized) && holdsAtEveryLength(m, end, value, (sized) => isEnd(end, sized))) return end;
  }
  return undefined;
}
