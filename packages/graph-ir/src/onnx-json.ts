// The attributes of kept ONNX operators, read from JSON.
import {
  type Constant,
  DTYPES,
  elementCount,
  type OnnxAttribute,
  type OnnxOperand,
  type OperatorAttributes,
} from './graph.js';
import { floats, numbers, type Reader, strings, tensorType } from './json-reader.js';

export const onnxAttributes = (json: Reader): OperatorAttributes['onnx'] => ({
  operator: json.field('operator').string(),
  operands: json.field('operands').list(operand),
  attributes: json.field('attributes').entries(attribute),
  results: json.field('results').list(tensorType),
});

const operand = (json: Reader): OnnxOperand =>
  typeof json.value === 'string' ? json.literal('input', 'parameter', 'none') : constant(json);

function constant(json: Reader): Constant {
  const shape = numbers(json.field('shape'));
  const values = floats(json.field('values'));
  if (values.length !== elementCount(shape)) return json.fail(`a constant of ${elementCount(shape)} values`);
  return { dtype: json.field('dtype').literal(...DTYPES), shape, values };
}

function attribute(json: Reader): OnnxAttribute {
  if (typeof json.value === 'number' || typeof json.value === 'string') return json.value;
  if (Array.isArray(json.value)) return numbers(json);
  const record = json.record();
  if ('float' in record) return { float: json.field('float').float() };
  if ('floats' in record) return { floats: floats(json.field('floats')) };
  if ('strings' in record) return { strings: strings(json.field('strings')) };
  return { constant: constant(json.field('constant')) };
}
