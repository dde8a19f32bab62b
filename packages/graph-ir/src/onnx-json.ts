// The attributes of kept ONNX operators, read from JSON.
import {
  type Constant,
  DTYPES,
  elementCount,
  type OnnxAttribute,
  type OnnxBody,
  type OnnxOperand,
  type OperatorAttributes,
} from './graph.js';
import { elementOf, floats, numbers, type Reader, strings, tensorType } from './json-reader.js';

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
  return { dtype: json.field('dtype').literal(...DTYPES), ...elementOf(json), shape, values };
}

function attribute(json: Reader): OnnxAttribute {
  if (typeof json.value === 'number' || typeof json.value === 'string') return json.value;
  if (Array.isArray(json.value)) return numbers(json);
  const record = json.record();
  if ('float' in record) return { float: json.field('float').float() };
  if ('floats' in record) return { floats: floats(json.field('floats')) };
  if ('strings' in record) return { strings: strings(json.field('strings')) };
  if ('body' in record) return { body: body(json.field('body')) };
  return { constant: constant(json.field('constant')) };
}

const body = (json: Reader): OnnxBody => ({
  inputs: strings(json.field('inputs')),
  outputs: strings(json.field('outputs')),
  captures: strings(json.field('captures')),
  constants: json.field('constants').list((entry) => ({
    name: entry.field('name').string(),
    constant: constant(entry.field('constant')),
  })),
  nodes: json.field('nodes').list((node) => ({
    operator: node.field('operator').string(),
    inputs: strings(node.field('inputs')),
    outputs: strings(node.field('outputs')),
    attributes: node.field('attributes').entries(attribute),
  })),
});
