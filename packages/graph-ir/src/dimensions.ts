// Arithmetic on sizes of which some are names: what cannot be computed becomes an expression, written always in the same way.
import { own } from '@logah/files';
import { type Dimension, GraphError } from './graph.js';

/** Longer expressions say nothing to a reader. */
const LONGEST = 400;

function expression(text: string): string {
  if (text.length > LONGEST)
    throw new GraphError(`a size depends on others in a way that is too long to write: ${text.slice(0, 60)}…`);
  return text;
}

/** The places of an expression's operators that are in no parentheses. */
function operatorsOf(text: string): number[] {
  const places: number[] = [];
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '(') depth++;
    else if (text[i] === ')') depth--;
    else if (depth === 0 && '+-*/'.includes(text[i])) places.push(i);
  }
  return places;
}

const isSimple = (text: string): boolean => operatorsOf(text).length === 0;
const operand = (size: Dimension): string => (typeof size === 'number' || isSimple(size) ? `${size}` : `(${size})`);

/** a + b. */
export function addSizes(a: Dimension, b: Dimension): Dimension {
  if (typeof a === 'number' && typeof b === 'number') return a + b;
  if (a === 0) return b;
  if (b === 0) return a;
  if (typeof a === 'number') return addSizes(b, a);
  // "time+1" + 2 is "time+3".
  const [, name, sign, count] = /^(.*[^+-])([+-])(\d+)$/.exec(a) ?? [];
  if (typeof b === 'number' && name !== undefined) return addSizes(name, b + Number(`${sign}${count}`));
  return expression(typeof b === 'number' && b < 0 ? `${a}-${-b}` : `${a}+${b}`);
}

/** a · b. */
export function multiplySizes(a: Dimension, b: Dimension): Dimension {
  if (typeof a === 'number' && typeof b === 'number') return a * b;
  if (a === 0 || b === 0) return 0;
  if (a === 1) return b;
  if (b === 1) return a;
  if (typeof a === 'number') return multiplySizes(b, a);
  // "time*2" · 3 is "time*6".
  const product = productOf(a);
  if (product && typeof b === 'number' && typeof product.factor === 'number')
    return multiplySizes(product.size, product.factor * b);
  return expression(`${operand(a)}*${operand(b)}`);
}

/** A size as another one times a number or a name; undefined for one that is no product. */
const productOf = (size: Dimension): Parts | undefined => partsOf(`${size}`, '*');

interface Parts {
  readonly size: string;
  readonly factor: Dimension;
}

/** The two sides of an expression's only operator, if it is this one. */
function partsOf(text: string, operator: '*' | '/'): Parts | undefined {
  const [place, ...more] = operatorsOf(text);
  if (place === undefined || more.length > 0 || text[place] !== operator) return undefined;
  const factor = text.slice(place + 1);
  if (factor.includes('(')) return undefined;
  return { size: unwrapped(text.slice(0, place)), factor: /^\d+$/.test(factor) ? Number(factor) : factor };
}

/** Without the parentheses that only hold it together. */
const unwrapped = (text: string): string => (text.startsWith('(') ? text.slice(1, -1) : text);

/** a / b, rounded down, or up. */
export function divideSizes(a: Dimension, b: Dimension, round: 'floor' | 'ceil' = 'floor'): Dimension {
  if (typeof a === 'number' && typeof b === 'number') return Math[round](a / b);
  if (b === 1) return a;
  if (a === b) return 1;
  if (a === `${operand(b)}` || a === 0) return a === 0 ? 0 : 1;
  const product = productOf(a);
  if (product?.factor === b) return product.size;
  if (product && typeof product.factor === 'number' && typeof b === 'number' && product.factor % b === 0)
    return multiplySizes(product.size, product.factor / b);
  // ⌈⌈time / 2⌉ / 3⌉ is ⌈time / 6⌉, and so it is rounding down.
  const inner =
    `${a}`.startsWith(`${round}(`) && isSimple(`${a}`) ? partsOf(`${a}`.slice(round.length + 1, -1), '/') : undefined;
  if (inner && typeof inner.factor === 'number' && typeof b === 'number')
    return divideSizes(inner.size, inner.factor * b, round);
  return expression(`${round}(${operand(a)}/${operand(b)})`);
}

/** How many windows of `kernel`, `stride` apart, fit into a padded size. Throws {@link GraphError} when none does. */
export function windowCount(size: Dimension, padding: number, kernel: number, stride: number): Dimension {
  const spare = padding - kernel + stride;
  if (typeof size === 'number') {
    const count = Math.floor((size + spare) / stride);
    if (count < 1) throw new GraphError(`a window of ${kernel} does not fit into ${size} + ${padding} of padding`);
    return count;
  }
  // ⌊(size + stride − 1) / stride⌋ is the size divided, rounded up.
  return spare === stride - 1 ? divideSizes(size, stride, 'ceil') : divideSizes(addSizes(size, spare), stride);
}

/** The number that a size is when names have these; undefined when it depends on another name. */
export function sizeIn(sizes: Readonly<Record<string, number>>, size: Dimension): number | undefined {
  if (typeof size === 'number') return size;
  if (Object.hasOwn(sizes, size)) return sizes[size];
  const tokens = size.match(/floor|ceil|[+*/()-]|[^+*/()-]+/g) ?? [];
  let at = 0;
  const product = (): number => {
    let value = factor();
    while (tokens[at] === '*' || tokens[at] === '/') value = tokens[at++] === '*' ? value * factor() : value / factor();
    return value;
  };
  const sum = (): number => {
    let value = product();
    while (tokens[at] === '+' || tokens[at] === '-') value += (tokens[at++] === '+' ? 1 : -1) * product();
    return value;
  };
  const factor = (): number => {
    const token = tokens[at++];
    if (token === '(' || ((token === 'floor' || token === 'ceil') && tokens[at++] === '(')) {
      const value = sum();
      at++;
      return token === '(' ? value : Math[token](value);
    }
    return token === undefined ? Number.NaN : /^\d+$/.test(token) ? Number(token) : (own(sizes, token) ?? Number.NaN);
  };
  const value = sum();
  return Number.isFinite(value) ? value : undefined;
}
