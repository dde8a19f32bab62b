// The element types of results of ONNX's operators.

import type { ElementType } from '../element-types.js';
import type { OnnxAttribute } from '../graph.js';
import { integer } from '../onnx-attributes.js';
import { elementType } from './operation.js';

type Types = ReadonlyArray<ElementType | undefined>;
type Attributes = Readonly<Record<string, OnnxAttribute>>;
type Rule = (operands: Types, attributes: Attributes) => Types;

const always =
  (...types: ElementType[]): Rule =>
  () =>
    types;

/** The type of an operand. */
const of =
  (...places: number[]): Rule =>
  (operands) =>
    places.map((place) => operands[place]);

/** The first operand's type, then these. */
const andThen =
  (...types: ElementType[]): Rule =>
  ([first]) => [first, ...types];

/** The type that an attribute names by ONNX's number. */
const named =
  (key: string, otherwise: (operands: Types) => ElementType | undefined): Rule =>
  (operands, attributes) => [elementType(integer({ attributes }, key, 0)) ?? otherwise(operands)];

const RULES: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ...['And', 'Equal', 'Greater', 'GreaterOrEqual', 'IsInf', 'IsNaN', 'Less', 'LessOrEqual', 'Not', 'Or', 'Xor'].map(
    (operator) => [operator, always('bool')] as const,
  ),
  ...['ArgMax', 'ArgMin', 'NonMaxSuppression', 'NonZero', 'Shape', 'Size'].map(
    (operator) => [operator, always('int64')] as const,
  ),
  ...['BlackmanWindow', 'HammingWindow', 'HannWindow', 'MelWeightMatrix'].map(
    (operator) => [operator, named('output_datatype', () => 'float32')] as const,
  ),
  ['Attention', of(0, 1, 2, 0)],
  ['BatchNormalization', of(0, 3, 4)],
  ['BitCast', named('to', () => undefined)],
  ['Cast', named('to', () => 'float32')],
  ['CastLike', of(1)],
  [
    'ConstantOfShape',
    (_, { value }) =>
      typeof value === 'object' && 'constant' in value ? [value.constant.element ?? value.constant.dtype] : ['float32'],
  ],
  ['ConvInteger', always('int32')],
  ['DequantizeLinear', named('output_dtype', (operands) => operands[1])],
  ['Dropout', andThen('bool')],
  ['DynamicQuantizeLinear', always('uint8', 'float32', 'uint8')],
  ['EyeLike', named('dtype', (operands) => operands[0])],
  ['LayerNormalization', andThen('float32', 'float32')],
  ['MatMulInteger', always('int32')],
  ['MaxPool', andThen('int64')],
  ['OneHot', of(2)],
  ['QLinearConv', of(7)],
  ['QLinearMatMul', of(7)],
  [
    'QuantizeLinear',
    (operands, attributes) => [operands[2] ?? elementType(integer({ attributes }, 'output_dtype', 2))],
  ],
  ['SoftmaxCrossEntropyLoss', of(0, 0)],
  ['TfIdfVectorizer', always('float32')],
  ['TopK', andThen('int64')],
  ['Unique', andThen('int64', 'int64', 'int64')],
  ['Where', of(1)],
  ['If', () => []],
  ['Loop', () => []],
  ['Scan', () => []],
]);

/** The type of a result of an operator, mostly the first operand's; undefined where that is not known. */
export function resultType(
  operator: string,
  attributes: Attributes,
  operands: Types,
  place: number,
): ElementType | undefined {
  const rule = RULES.get(operator);
  if (rule !== undefined) return rule(operands, attributes)[place];
  return operands[0];
}
