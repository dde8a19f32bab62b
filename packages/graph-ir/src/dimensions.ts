// Arithmetic on sizes of which some are names: what cannot be computed becomes an expression, written always in the same way.
import { type Dimension, GraphError } from './graph.js';

/** Longer expressions say nothing to a reader. */
const LONGEST = 400;

function expression(text: string): string {
  if (text.length > LONGEST)
    throw new GraphError(`a size depends on others in a way that is too long to write: ${text.slice(0, 60)}…`);
  return text;
}

const isSimple = (text: string): boolean => /^[^+*/-]+$/.test(text) || /^\w+\([^()]*\)$/.test(text);
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
function productOf(size: Dimension): { readonly size: string; readonly factor: Dimension } | undefined {
  const [, first, factor] = /^([^+*/()-]+|\w+\([^()]*\)|\([^()]*\))\*(\w+)$/.exec(`${size}`) ?? [];
  if (first === undefined || factor === undefined) return undefined;
  return {
    size: first.startsWith('(') ? first.slice(1, -1) : first,
    factor: /^\d+$/.test(factor) ? Number(factor) : factor,
  };
}

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
