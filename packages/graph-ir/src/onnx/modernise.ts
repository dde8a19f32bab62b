// Operators of older opsets in the form that opset 20 has: what was an attribute became an operand, names and defaults changed.

import type { Constant, OnnxAttribute } from '../graph.js';
import { castType } from '../import/evaluate.js';
import { FLATTENED, type ForeignNode, REDUCTION_OPERATORS } from '../import/foreign.js';
import { integer, integers, real, text } from '../onnx-attributes.js';

/** Adds a constant and gives its name. */
type AddConstant = (constant: Constant) => string;

const vector = (dtype: 'float32' | 'int32', values: readonly number[]): Constant => ({
  dtype,
  shape: [values.length],
  values,
});
const scalar = (value: number): Constant => ({ dtype: 'float32', shape: [], values: [value] });

/** Versions in which an attribute became an operand are told from the attribute being there. */
export function modernise(node: ForeignNode, opset: number, add: AddConstant): ForeignNode[] {
  const { op, inputs, attributes } = node;
  const [x] = inputs;
  if (REDUCTION_OPERATORS.includes(op) || op === 'Squeeze' || op === 'Unsqueeze')
    return [withOperands(node, ['axes'], add)];
  switch (op) {
    // At inference nothing is dropped.
    case 'Dropout':
      return [{ ...node, op: 'Identity', inputs: [x], outputs: node.outputs.slice(0, 1), attributes: {} }];
    case 'BatchNormalization':
      return [
        {
          ...node,
          outputs: node.outputs.slice(0, 1),
          attributes: without(attributes, 'momentum', 'spatial', 'is_test', 'consumed_inputs'),
        },
      ];
    // A graph has one kind of floats and one of whole numbers.
    case 'Cast':
      return [{ ...node, attributes: { to: CASTS[castType(integer(node, 'to', 1))] } }];
    case 'Slice':
      return [withOperands(node, ['starts', 'ends', 'axes'], add)];
    case 'Pad':
      return [withOperands(node, ['pads', 'value'], add)];
    case 'Clip':
      return [withOperands(node, ['min', 'max'], add)];
    case 'TopK':
      return [withOperands(node, ['k'], add)];
    case 'Split': {
      const split = withOperands(node, ['split'], add);
      const isEven = split.inputs.length < 2 && !('num_outputs' in attributes);
      return [isEven ? { ...split, attributes: { ...split.attributes, num_outputs: node.outputs.length } } : split];
    }
    case 'Upsample': {
      const scales = inputs[1] ?? add(vector('float32', floatsOf(attributes.scales)));
      return [
        {
          ...node,
          op: 'Resize',
          inputs: [x, '', scales],
          attributes: { ...ASYMMETRIC, mode: text(node, 'mode', 'nearest') },
        },
      ];
    }
    case 'Resize':
      if (opset > 10) return [node];
      return [
        { ...node, inputs: [x, '', inputs[1]], attributes: { ...ASYMMETRIC, mode: text(node, 'mode', 'nearest') } },
      ];
    case 'Softmax':
    case 'LogSoftmax':
    case 'Hardmax': {
      if (opset >= 13) return [node];
      // Before opset 13 all axes from this one on were taken as one.
      const axis = integer(node, 'axis', 1);
      return [{ ...node, attributes: axis === -1 ? { axis } : { axis, [FLATTENED]: 1 } }];
    }
    case 'com.microsoft.Gelu':
      return [{ ...node, op: 'Gelu', attributes: { approximate: 'none' } }];
    case 'com.microsoft.QuickGelu': {
      const scaled = `${node.outputs[0]}/scaled`;
      const gate = `${node.outputs[0]}/gate`;
      return [
        {
          ...node,
          name: '',
          op: 'Mul',
          inputs: [x, add(scalar(real(node, 'alpha', 1.702)))],
          outputs: [scaled],
          attributes: {},
        },
        { ...node, name: '', op: 'Sigmoid', inputs: [scaled], outputs: [gate], attributes: {} },
        { ...node, op: 'Mul', inputs: [x, gate], attributes: {} },
      ];
    }
    case 'com.microsoft.SimplifiedLayerNormalization':
    case 'SimplifiedLayerNormalization':
      return [{ ...node, op: 'RMSNormalization', outputs: node.outputs.slice(0, 1) }];
    default:
      return [node];
  }
}

/** ONNX's numbers for the element types of a graph. */
const CASTS = { float32: 1, int32: 6, bool: 9 } as const;

const ASYMMETRIC: ForeignNode['attributes'] = { coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' };

/** The node with attributes turned into operands after those that it has. */
function withOperands(node: ForeignNode, keys: readonly string[], add: AddConstant): ForeignNode {
  if (!keys.some((key) => key in node.attributes)) return node;
  const operands = keys.map((key) => {
    const value = node.attributes[key];
    if (value === undefined) return '';
    if (typeof value === 'object' && 'float' in value) return add(scalar(value.float));
    return add(vector('int32', typeof value === 'number' ? [value] : (integers(node, key) ?? [])));
  });
  while (operands.at(-1) === '') operands.pop();
  return { ...node, inputs: [node.inputs[0], ...operands], attributes: without(node.attributes, ...keys) };
}

const floatsOf = (value: OnnxAttribute | undefined): readonly number[] =>
  typeof value === 'object' && 'floats' in value ? value.floats : [];

const without = (attributes: ForeignNode['attributes'], ...keys: readonly string[]): ForeignNode['attributes'] =>
  Object.fromEntries(Object.entries(attributes).filter(([key]) => !keys.includes(key)));
