// Operators of ONNX that compute element by element.
import { BITS, cast, type ElementType, integerRange, isFloat, isUnsigned, roundToEven } from '../element-types.js';
import { integer, real, text } from '../onnx-attributes.js';
import { erf, gelu, geluTanh, sigmoid } from './functions.js';
import { type Operation, operand, type Rule, type Rules, scalar, typeOfNumber } from './operation.js';
import { broadcastShape, exactTensor, expanded, fail, type Tensor, tensorOf, zip } from './tensor.js';

const unary =
  (compute: (x: number) => number): Rule =>
  (operation) => {
    const x = operand(operation, 0);
    return tensorOf(x.type, x.shape, (i) => compute(x.values[i]));
  };

/** A function of numbers and of attributes of the node. */
const withAttributes =
  (prepare: (operation: Operation) => (x: number) => number): Rule =>
  (operation) =>
    unary(prepare(operation))(operation);

const test =
  (holds: (x: number) => boolean): Rule =>
  (operation) => {
    const x = operand(operation, 0);
    return tensorOf('bool', x.shape, (i) => Number(holds(x.values[i])));
  };

const pairOf = (operation: Operation): [Tensor, Tensor] => [operand(operation, 0), operand(operation, 1)];

/** The result has the first operand's type. */
const binary =
  (compute: (a: number, b: number, type: ElementType) => number): Rule =>
  (operation) => {
    const [a, b] = pairOf(operation);
    return zip(a.type, [a, b], (x, y) => compute(x, y, a.type));
  };

const comparison =
  (holds: (a: number, b: number) => boolean): Rule =>
  (operation) =>
    zip('bool', pairOf(operation), (x, y) => Number(holds(x, y)));

/** Of any number of operands, from the first on. */
const folded =
  (combine: (a: number, b: number) => number, finish: (x: number, count: number) => number = (x) => x): Rule =>
  (operation) => {
    const tensors = operation.operands.map((_, i) => operand(operation, i));
    return zip(tensors[0].type, tensors, (...values) =>
      finish(
        values.reduce((a, b) => combine(a, b)),
        values.length,
      ),
    );
  };

function divide(a: number, b: number, type: ElementType): number {
  if (isFloat(type)) return a / b;
  return b === 0 ? fail('divides a whole number by 0') : Math.trunc(a / b);
}

/** Products of two integers of 32 bits are beyond what a double holds. */
const multiply = (a: number, b: number, type: ElementType): number =>
  type === 'int32' ? Math.imul(a, b) : type === 'uint32' ? Math.imul(a, b) >>> 0 : a * b;

const remainder: Rule = (operation) => {
  const [a, b] = pairOf(operation);
  const followsDividend = integer(operation, 'fmod', 0) === 1;
  return zip(a.type, [a, b], (x, y) => {
    if (y === 0 && !isFloat(a.type)) return fail('divides a whole number by 0');
    const rest = x % y;
    return followsDividend || rest === 0 || rest < 0 === y < 0 ? rest : rest + y;
  });
};

/** Bits of integers of up to 64 bits, as whole numbers of any size. */
const bitwise =
  (compute: (a: bigint, b: bigint) => bigint): Rule =>
  (operation) => {
    const [a, b] = pairOf(operation);
    const bits = BITS[a.type];
    const asType = isUnsigned(a.type) ? BigInt.asUintN : BigInt.asIntN;
    return zip(a.type, [a, b], (x, y) => Number(asType(bits, compute(BigInt(x), BigInt(y)))));
  };

/** A shift by more bits than there are, or by a negative number, leaves nothing but the sign. */
const bitShift: Rule = (operation) => {
  const bits = BigInt(BITS[operand(operation, 0).type]);
  const isLeft = text(operation, 'direction', '') === 'LEFT';
  return bitwise((a, b) => {
    if (b >= 0n && b < bits) return isLeft ? a << b : a >> b;
    return !isLeft && a < 0n ? -1n : 0n;
  })(operation);
};

const clip: Rule = (operation) => {
  const x = operand(operation, 0);
  const [least, most] = [scalar(operation, 1), scalar(operation, 2)];
  return tensorOf(x.type, x.shape, (i) => {
    const above = least !== undefined && x.values[i] < least ? least : x.values[i];
    return most !== undefined && above > most ? most : above;
  });
};

const castTo = (operation: Operation, type: ElementType): Tensor => {
  const x = operand(operation, 0);
  const options = { saturates: integer(operation, 'saturate', 1) === 1, round: text(operation, 'round_mode', 'up') };
  const values = Float64Array.from(x.values, (value) => cast(value, type, options));
  return exactTensor(type, x.shape, values);
};

/** The same bits, read as another type of as many. */
const bitCast: Rule = (operation) => {
  const x = operand(operation, 0);
  const to = typeOfNumber(integer(operation, 'to', 0));
  if (BITS[to] !== BITS[x.type]) return fail(`${x.type} and ${to} have different numbers of bits`);
  const view = new DataView(new ArrayBuffer(8));
  const [write, read] = [WRITERS[x.type], READERS[to]];
  if (write === undefined || read === undefined) return fail(`bits of ${x.type} as ${to} cannot be read`);
  return exactTensor(
    to,
    x.shape,
    Float64Array.from(x.values, (value) => {
      write(view, value);
      return read(view);
    }),
  );
};

const WRITERS: Partial<Readonly<Record<ElementType, (view: DataView, value: number) => void>>> = {
  float32: (view, value) => view.setFloat32(0, value),
  float64: (view, value) => view.setFloat64(0, value),
  int64: (view, value) => view.setBigInt64(0, wholeNumber(value)),
  uint64: (view, value) => view.setBigUint64(0, wholeNumber(value)),
  int32: (view, value) => view.setInt32(0, value),
  uint32: (view, value) => view.setUint32(0, value),
  int16: (view, value) => view.setInt16(0, value),
  uint16: (view, value) => view.setUint16(0, value),
  int8: (view, value) => view.setInt8(0, value),
  uint8: (view, value) => view.setUint8(0, value),
  bool: (view, value) => view.setUint8(0, value),
};

const READERS: Partial<Readonly<Record<ElementType, (view: DataView) => number>>> = {
  float32: (view) => view.getFloat32(0),
  float64: (view) => view.getFloat64(0),
  int64: (view) => exactly(view.getBigInt64(0)),
  uint64: (view) => exactly(view.getBigUint64(0)),
  int32: (view) => view.getInt32(0),
  uint32: (view) => view.getUint32(0),
  int16: (view) => view.getInt16(0),
  uint16: (view) => view.getUint16(0),
  int8: (view) => view.getInt8(0),
  uint8: (view) => view.getUint8(0),
  bool: (view) => Math.min(view.getUint8(0), 1),
};

/** Bits of an integer that a double may have rounded are not known. */
const wholeNumber = (value: number): bigint =>
  Number.isSafeInteger(value) ? BigInt(value) : fail(`the bits of ${value} are not known exactly`);

/** A whole number of any size as a double that holds it. */
const exactly = (value: bigint): number =>
  BigInt(Number(value)) === value
    ? Number(value)
    : fail(`the number ${value} is beyond what can be computed with exactly`);

const pow: Rule = (operation) => {
  const [a, b] = pairOf(operation);
  return zip(a.type, [a, b], (x, y) => (isFloat(a.type) ? x ** y : Math.trunc(x ** y)));
};

const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

const where: Rule = (operation) => {
  const [condition, a, b] = [operand(operation, 0), operand(operation, 1), operand(operation, 2)];
  return zip(a.type, [condition, a, b], (c, x, y) => (c !== 0 ? x : y));
};

const prelu: Rule = (operation) => {
  const [x, slope] = pairOf(operation);
  // Slopes are spread over the input, never the other way round.
  const shape = broadcastShape([x.shape, slope.shape]);
  if (shape.join() !== x.shape.join()) return fail(`slopes [${slope.shape}] do not fit [${x.shape}]`);
  return zip(x.type, [x, slope], (value, factor) => (value < 0 ? value * factor : value));
};

const celu: Rule = withAttributes((operation) => {
  const alpha = real(operation, 'alpha', 1);
  return (x) => Math.max(0, x) + Math.min(0, alpha * Math.expm1(x / alpha));
});

const clamp = (x: number, least: number, most: number): number => Math.min(Math.max(x, least), most);

const isInfinite: Rule = (operation) => {
  const negative = integer(operation, 'detect_negative', 1) === 1;
  const positive = integer(operation, 'detect_positive', 1) === 1;
  return test((x) => (negative && x === Number.NEGATIVE_INFINITY) || (positive && x === Number.POSITIVE_INFINITY))(
    operation,
  );
};

export const ELEMENTWISE: Rules = {
  Abs: unary(Math.abs),
  Acos: unary(Math.acos),
  Acosh: unary(Math.acosh),
  Add: binary((a, b) => a + b),
  And: comparison((a, b) => a !== 0 && b !== 0),
  Asin: unary(Math.asin),
  Asinh: unary(Math.asinh),
  Atan: unary(Math.atan),
  Atanh: unary(Math.atanh),
  BitCast: bitCast,
  BitShift: bitShift,
  BitwiseAnd: bitwise((a, b) => a & b),
  BitwiseNot: (operation) => {
    const x = operand(operation, 0);
    const [, most] = integerRange(x.type);
    return tensorOf(x.type, x.shape, (i) => (isUnsigned(x.type) ? most - x.values[i] : -x.values[i] - 1));
  },
  BitwiseOr: bitwise((a, b) => a | b),
  BitwiseXor: bitwise((a, b) => a ^ b),
  Cast: (operation) => castTo(operation, typeOfNumber(integer(operation, 'to', 1))),
  CastLike: (operation) => castTo(operation, operand(operation, 1).type),
  Ceil: unary(Math.ceil),
  Celu: celu,
  Clip: clip,
  Cos: unary(Math.cos),
  Cosh: unary(Math.cosh),
  Div: binary(divide),
  Elu: withAttributes((operation) => {
    const alpha = real(operation, 'alpha', 1);
    return (x) => (x < 0 ? alpha * Math.expm1(x) : x);
  }),
  Equal: comparison((a, b) => a === b),
  Erf: unary(erf),
  Exp: unary(Math.exp),
  Expand: (operation) => {
    const x = operand(operation, 0);
    return expanded(x, broadcastShape([x.shape, Array.from(operand(operation, 1).values)]));
  },
  Floor: unary(Math.floor),
  Gelu: (operation) => unary(text(operation, 'approximate', 'none') === 'tanh' ? geluTanh : gelu)(operation),
  Greater: comparison((a, b) => a > b),
  GreaterOrEqual: comparison((a, b) => a >= b),
  HardSigmoid: withAttributes((operation) => {
    const [alpha, beta] = [real(operation, 'alpha', 0.2), real(operation, 'beta', 0.5)];
    return (x) => clamp(alpha * x + beta, 0, 1);
  }),
  HardSwish: unary((x) => x * clamp(x / 6 + 0.5, 0, 1)),
  Identity: (operation) => operand(operation, 0),
  IsInf: isInfinite,
  IsNaN: test(Number.isNaN),
  LeakyRelu: withAttributes((operation) => {
    const alpha = real(operation, 'alpha', 0.01);
    return (x) => (x < 0 ? alpha * x : x);
  }),
  Less: comparison((a, b) => a < b),
  LessOrEqual: comparison((a, b) => a <= b),
  Log: unary(Math.log),
  Max: folded(Math.max),
  Mean: folded(
    (a, b) => a + b,
    (sum, count) => sum / count,
  ),
  Min: folded(Math.min),
  Mish: unary((x) => x * Math.tanh(softplus(x))),
  Mod: remainder,
  Mul: binary(multiply),
  Neg: unary((x) => -x),
  Not: test((x) => x === 0),
  Or: comparison((a, b) => a !== 0 || b !== 0),
  PRelu: prelu,
  Pow: pow,
  Reciprocal: unary((x) => 1 / x),
  Relu: unary((x) => Math.max(x, 0)),
  Round: unary(roundToEven),
  Selu: withAttributes((operation) => {
    // The numbers of the paper (arXiv 1706.02515), as ONNX writes them.
    const alpha = real(operation, 'alpha', 1.6732631921768188);
    const gamma = real(operation, 'gamma', 1.0507010221481323);
    return (x) => gamma * (x > 0 ? x : alpha * Math.expm1(x));
  }),
  Shrink: withAttributes((operation) => {
    const [bias, lambda] = [real(operation, 'bias', 0), real(operation, 'lambd', 0.5)];
    return (x) => (x < -lambda ? x + bias : x > lambda ? x - bias : 0);
  }),
  Sigmoid: unary(sigmoid),
  Sign: unary(Math.sign),
  Sin: unary(Math.sin),
  Sinh: unary(Math.sinh),
  Softplus: unary(softplus),
  Softsign: unary((x) => x / (1 + Math.abs(x))),
  Sqrt: unary(Math.sqrt),
  Sub: binary((a, b) => a - b),
  Sum: folded((a, b) => a + b),
  SwiGLU: (operation) => {
    const alpha = real(operation, 'alpha', 1);
    return zip(operand(operation, 0).type, pairOf(operation), (a, b) => a * sigmoid(alpha * a) * b);
  },
  Swish: withAttributes((operation) => {
    const alpha = real(operation, 'alpha', 1);
    return (x) => x * sigmoid(alpha * x);
  }),
  Tan: unary(Math.tan),
  Tanh: unary(Math.tanh),
  ThresholdedRelu: withAttributes((operation) => {
    const alpha = real(operation, 'alpha', 1);
    return (x) => (x > alpha ? x : 0);
  }),
  Where: where,
  Xor: comparison((a, b) => (a !== 0) !== (b !== 0)),
};
