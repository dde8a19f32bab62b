// Which element types the operands of a written operator have: a graph has one kind of floats, ONNX wants integers of the right size.
import { BITS, type ElementType, isFloat } from '../element-types.js';
import { QUANTISED_OPERATORS, REDUCTION_OPERATORS } from '../import/foreign.js';

/**
 * What values of a type are written as: floats of fewer than 32 bits as float32, integers of fewer bits than a byte as int32, since runtimes take no others from
 * outside, and ONNX Runtime 1.30 loses those that it casts to bytes; the rest as it is. Between nodes that compute with a narrower type there are casts.
 */
export function writtenType(type: ElementType): ElementType {
  if (isFloat(type)) return type === 'float64' ? type : 'float32';
  return BITS[type] < 8 ? 'int32' : type;
}

/** Floats of 8 bits and fewer, and integers of fewer: operators of quantisation read them as they are. */
export const isNarrow = (type: ElementType): boolean => (isFloat(type) ? BITS[type] <= 8 : BITS[type] < 8);

/** Operands that are of 64-bit integers, by their places. */
const WIDE_OPERANDS: Readonly<Record<string, readonly number[]>> = {
  ...Object.fromEntries(REDUCTION_OPERATORS.map((operator) => [operator, [1]])),
  AffineGrid: [1],
  CenterCropPad: [1],
  Col2Im: [1, 2],
  ConstantOfShape: [0],
  DFT: [1, 2],
  Expand: [1],
  GatherND: [1],
  Loop: [0],
  MaxUnpool: [1, 2],
  NonMaxSuppression: [2],
  Pad: [1, 3],
  Reshape: [1],
  Resize: [3],
  ReverseSequence: [1],
  RoiAlign: [2],
  RotaryEmbedding: [3],
  ScatterND: [1],
  Slice: [1, 2, 3, 4],
  Split: [1],
  Squeeze: [1],
  TensorScatter: [2],
  Tile: [1],
  TopK: [1],
  Trilu: [1],
  Unsqueeze: [1],
};

/** Operators whose operands at these places, or all where none are said, have one type. */
const ALIKE: ReadonlyMap<string, readonly number[] | undefined> = new Map<string, readonly number[] | undefined>([
  ...[
    ...['Add', 'BitShift', 'BitwiseAnd', 'BitwiseOr', 'BitwiseXor', 'Clip', 'Concat', 'Div', 'Equal', 'Greater'],
    ...['GreaterOrEqual', 'Less', 'LessOrEqual', 'Max', 'Mean', 'Min', 'Mod', 'Mul', 'PRelu', 'Range', 'Sub', 'Sum'],
  ].map((operator) => [operator, undefined] as const),
  ['Pad', [0, 2]],
  ['ScatterElements', [0, 2]],
  ['ScatterND', [0, 2]],
  ['Where', [1, 2]],
]);

/** Operators that compute with narrow types themselves. */
const READS_NARROW: ReadonlySet<string> = new Set([...QUANTISED_OPERATORS, 'BitCast']);

/** The types that an operator's operands are to be written in; `own` are those that the graph says they have. */
export function operandTypes(
  operator: string,
  own: ReadonlyArray<ElementType | undefined>,
): ReadonlyArray<ElementType | undefined> {
  const wide = WIDE_OPERANDS[operator] ?? [];
  const alike = ALIKE.get(operator);
  const places = alike ?? (ALIKE.has(operator) ? own.map((_, i) => i) : []);
  const common = own[places[0] ?? 0];
  return own.map((type, place) => {
    if (type === undefined) return undefined;
    if (wide.includes(place)) return 'int64';
    if (isNarrow(type) && READS_NARROW.has(operator)) return type;
    return places.includes(place) && common !== undefined ? writtenType(common) : writtenType(type);
  });
}

/** Where the zero point is that tells the type of an integer parameter. */
const ZERO_POINTS: ReadonlyMap<string, ReadonlyMap<number, number>> = new Map([
  [
    'ConvInteger',
    new Map([
      [0, 2],
      [1, 3],
    ]),
  ],
  ['DequantizeLinear', new Map([[0, 2]])],
  [
    'MatMulInteger',
    new Map([
      [0, 2],
      [1, 3],
    ]),
  ],
  [
    'QLinearConv',
    new Map([
      [0, 2],
      [3, 5],
    ]),
  ],
  [
    'QLinearMatMul',
    new Map([
      [0, 2],
      [3, 5],
    ]),
  ],
]);

/** The place of the operand that has the type of a parameter, where that is of integers; undefined for a parameter of floats. */
export const zeroPointOf = (operator: string, place: number): number | undefined =>
  QUANTISED_OPERATORS.has(operator) ? ZERO_POINTS.get(operator)?.get(place) : undefined;
