// The types that elements of tensors have in model files, and how a number becomes one of each.
import { GraphError } from './graph-error.js';

export const ELEMENT_TYPES = [
  'float32',
  'float64',
  'float16',
  'bfloat16',
  'float8e4m3fn',
  'float8e4m3fnuz',
  'float8e5m2',
  'float8e5m2fnuz',
  'float8e8m0',
  'float4e2m1',
  'int64',
  'uint64',
  'int32',
  'uint32',
  'int16',
  'uint16',
  'int8',
  'uint8',
  'int4',
  'uint4',
  'int2',
  'uint2',
  'bool',
] as const;

export type ElementType = (typeof ELEMENT_TYPES)[number];

/** How many bits an element takes in a file. */
export const BITS: Readonly<Record<ElementType, number>> = {
  float32: 32,
  float64: 64,
  float16: 16,
  bfloat16: 16,
  float8e4m3fn: 8,
  float8e4m3fnuz: 8,
  float8e5m2: 8,
  float8e5m2fnuz: 8,
  float8e8m0: 8,
  float4e2m1: 4,
  int64: 64,
  uint64: 64,
  int32: 32,
  uint32: 32,
  int16: 16,
  uint16: 16,
  int8: 8,
  uint8: 8,
  int4: 4,
  uint4: 4,
  int2: 2,
  uint2: 2,
  bool: 8,
};

/** What an element becomes in a graph, which computes with three types. */
export const dtypeOf = (type: ElementType): 'float32' | 'int32' | 'bool' =>
  type === 'bool' ? 'bool' : isFloat(type) ? 'float32' : 'int32';

export const isFloat = (type: ElementType): boolean => type.startsWith('float') || type === 'bfloat16';

export const isUnsigned = (type: ElementType): boolean => type.startsWith('uint');

/** A float format of few bits: sign, exponent, fraction, and what its largest bit patterns mean. */
interface FloatFormat {
  readonly exponentBits: number;
  readonly fractionBits: number;
  readonly bias: number;
  /** Of IEEE's kind; "fn" has no infinities and one NaN; "fnuz" has no negative zero either, whose bits are its NaN; "finite" has neither. */
  readonly kind: 'ieee' | 'fn' | 'fnuz' | 'finite';
}

const FORMATS: Partial<Readonly<Record<ElementType, FloatFormat>>> = {
  float16: { exponentBits: 5, fractionBits: 10, bias: 15, kind: 'ieee' },
  bfloat16: { exponentBits: 8, fractionBits: 7, bias: 127, kind: 'ieee' },
  float8e4m3fn: { exponentBits: 4, fractionBits: 3, bias: 7, kind: 'fn' },
  float8e4m3fnuz: { exponentBits: 4, fractionBits: 3, bias: 8, kind: 'fnuz' },
  float8e5m2: { exponentBits: 5, fractionBits: 2, bias: 15, kind: 'ieee' },
  float8e5m2fnuz: { exponentBits: 5, fractionBits: 2, bias: 16, kind: 'fnuz' },
  float4e2m1: { exponentBits: 2, fractionBits: 1, bias: 1, kind: 'finite' },
};

/** The largest finite number of a format. */
function largest({ exponentBits, fractionBits, bias, kind }: FloatFormat): number {
  const top = 2 ** exponentBits - 1;
  if (kind === 'ieee') return (2 - 2 ** -fractionBits) * 2 ** (top - 1 - bias);
  // The last pattern of "fn" is its NaN.
  return (kind === 'fn' ? 2 - 2 ** (1 - fractionBits) : 2 - 2 ** -fractionBits) * 2 ** (top - bias);
}

/** The number that bits of a small float format mean. */
export function floatFromBits(type: ElementType, bits: number): number {
  if (type === 'float8e8m0') return bits === 255 ? Number.NaN : 2 ** (bits - 127);
  const format = FORMATS[type];
  if (format === undefined) throw new GraphError(`${type} is not a float type of few bits`);
  const { exponentBits, fractionBits, bias, kind } = format;
  const fraction = bits & (2 ** fractionBits - 1);
  const exponent = (bits >> fractionBits) & (2 ** exponentBits - 1);
  const isNegative = bits >> (fractionBits + exponentBits) === 1;
  const top = 2 ** exponentBits - 1;
  if (kind === 'fnuz' && isNegative && exponent === 0 && fraction === 0) return Number.NaN;
  if (kind === 'ieee' && exponent === top)
    return fraction !== 0 ? Number.NaN : isNegative ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  if (kind === 'fn' && exponent === top && fraction === 2 ** fractionBits - 1) return Number.NaN;
  const size =
    exponent === 0
      ? fraction * 2 ** (1 - bias - fractionBits)
      : (1 + fraction / 2 ** fractionBits) * 2 ** (exponent - bias);
  return isNegative ? -size : size;
}

/** The nearest whole number, the even one of two. */
export function roundToEven(x: number): number {
  const below = Math.floor(x);
  const over = x - below;
  if (over !== 0.5) return Math.round(x);
  return below % 2 === 0 ? below : below + 1;
}

function roundFloat(x: number, format: FloatFormat, saturates: boolean): number {
  const { fractionBits, bias, kind } = format;
  if (Number.isNaN(x)) return kind === 'finite' ? 0 : x;
  const most = largest(format);
  const negativeZero = kind === 'fnuz' ? 0 : -0;
  const sign = x < 0 || Object.is(x, -0) ? -1 : 1;
  const a = Math.abs(x);
  if (a === 0) return sign < 0 ? negativeZero : 0;
  let rounded = a;
  if (a !== Number.POSITIVE_INFINITY) {
    const exponent = Math.max(Math.floor(Math.log2(a)), 1 - bias);
    // The logarithm may be off by one next to a power of two.
    const power =
      a >= 2 ** (exponent + 1) ? exponent + 1 : a < 2 ** exponent && exponent > 1 - bias ? exponent - 1 : exponent;
    const step = 2 ** (power - fractionBits);
    rounded = roundToEven(a / step) * step;
  }
  if (rounded > most) {
    if (kind === 'finite' || saturates) return sign * most;
    return kind === 'ieee' ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  }
  return rounded === 0 && sign < 0 ? negativeZero : sign * rounded;
}

/** The nearest power of two of the scale type, rounded up where a cast says so. */
function roundScale(x: number, mode: string): number {
  if (Number.isNaN(x) || x < 0) return Number.NaN;
  if (x === Number.POSITIVE_INFINITY) return 2 ** 127;
  if (x <= 2 ** -127) return 2 ** -127;
  const exact = Math.log2(x);
  const below = Math.floor(exact + 1e-12);
  const isPower = 2 ** below === x;
  const up = isPower ? below : below + 1;
  const exponent = mode === 'down' ? below : mode === 'nearest' ? (x / 2 ** below >= 1.5 ? up : below) : up;
  return 2 ** Math.min(exponent, 127);
}

/** Integers beyond are not all doubles. */
const MOST_EXACT = 2 ** 53;

/** Thrown for an integer that a double does not hold exactly. */
const inexact = (x: number, type: ElementType): never => {
  throw new GraphError(`the ${type} number ${x} is beyond 2^53 and cannot be computed with exactly`);
};

const range = (type: ElementType): readonly [least: number, most: number] => {
  const bits = BITS[type];
  return isUnsigned(type) ? [0, 2 ** bits - 1] : [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1];
};

/** The least and the largest number of an integer type. */
export const integerRange = range;

/** A whole number as an integer of this type, wrapped around as processors do. Throws where a double cannot hold the result. */
function wrap(x: number, type: ElementType): number {
  const [least, most] = range(type);
  if (Math.abs(x) > MOST_EXACT || Number.isNaN(x)) return inexact(x, type);
  if (x >= least && x <= most) return x + 0;
  if (BITS[type] === 64) return inexact(x, type);
  const size = 2 ** BITS[type];
  const within = ((x % size) + size) % size;
  return within > most ? within - size : within;
}

/** What a computed number becomes as an element of this type. Throws {@link GraphError} for an integer that a double does not hold. */
export function fit(x: number, type: ElementType): number {
  switch (type) {
    case 'float32':
      return Math.fround(x);
    case 'float64':
      return x;
    case 'bool':
      return x !== 0 ? 1 : 0;
    default: {
      if (isFloat(type)) return cast(x, type);
      return wrap(Math.trunc(x), type);
    }
  }
}

export interface CastOptions {
  /** Whether what is too large becomes the largest number of a float type of 8 bits, as ONNX takes it where nothing is said. */
  readonly saturates?: boolean;
  /** How a number between two powers of two is rounded. */
  readonly round?: string;
}

/** ONNX's Cast of one number. Integers wrap around; a float beyond a wide integer type becomes its end. */
export function cast(x: number, type: ElementType, { saturates = true, round = 'up' }: CastOptions = {}): number {
  if (type === 'bool') return x !== 0 ? 1 : 0;
  if (type === 'float32') return Math.fround(x);
  if (type === 'float64') return x;
  if (type === 'float8e8m0') return roundScale(x, round);
  const format = FORMATS[type];
  // Only floats of 8 bits saturate: others go to infinity.
  if (format !== undefined)
    return roundFloat(
      type === 'bfloat16' || type === 'float16' ? Math.fround(x) : x,
      format,
      saturates && BITS[type] === 8,
    );
  const [least, most] = range(type);
  if (Number.isNaN(x)) return BITS[type] >= 32 && !isUnsigned(type) ? least : 0;
  const whole = Math.trunc(x);
  if (BITS[type] === 64) return whole > most ? most : whole < least ? least : whole + 0;
  if (Math.abs(whole) > MOST_EXACT) return whole > 0 ? most : least;
  return wrap(whole, type);
}
