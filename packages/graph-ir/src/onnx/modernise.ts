// Operators of older opsets in today's form: what was an attribute became an operand, names and defaults changed.

import { recordOf } from '@logah/files';
import { type Constant, GraphError, type OnnxAttribute } from '../graph.js';
import { ALIGNED, FLATTENED, type ForeignNode, REDUCTION_OPERATORS, ROUNDS_BY_SCALE } from '../import/foreign.js';
import { integer, integers, real, text } from '../onnx-attributes.js';

/** Adds a constant and gives its name. */
type AddConstant = (constant: Constant) => string;

const vector = (dtype: 'float32' | 'int32', values: readonly number[]): Constant => ({
  dtype,
  shape: [values.length],
  values,
});
const scalar = (value: number): Constant => ({ dtype: 'float32', shape: [], values: [value] });

/**
 * A node in the form of ONNX's latest opset. Versions in which an attribute became an operand are told from the attribute being there.
 * Throws {@link GraphError} for what has no such form.
 */
export function modernise(node: ForeignNode, opset: number, add: AddConstant): ForeignNode[] {
  return (opset < 7 ? beforeSeven(node, opset, add) : [node]).flatMap((newer) => sinceSeven(newer, opset, add));
}

/** Operators that broadcast only from an axis on that they named, up to opset 6. */
const ALIGNING: ReadonlySet<string> = new Set([
  ...['Add', 'And', 'Div', 'Equal', 'Greater', 'Less', 'Mul', 'Or', 'Pow', 'Sub', 'Xor'],
]);

/** A node of opset 1 to 6 as opset 7 has it. */
function beforeSeven(original: ForeignNode, opset: number, add: AddConstant): ForeignNode[] {
  const { op, inputs, outputs } = original;
  const node = { ...original, attributes: without(original.attributes, 'consumed_inputs') };
  const refuse = (why: string): never => {
    throw new GraphError(`${op} "${node.name || outputs[0]}" of opset ${opset} ${why}, which cannot be read`);
  };
  if (ALIGNING.has(op)) {
    const plain = { ...node, attributes: without(node.attributes, 'broadcast', 'axis') };
    if (integer(node, 'broadcast', 0) === 0 || !('axis' in node.attributes)) return [plain];
    return aligned(plain, 1, integer(node, 'axis', 0));
  }
  switch (op) {
    case 'PRelu':
      return aligned(node, 1, 1);
    case 'Gemm':
      return [{ ...node, attributes: without(node.attributes, 'broadcast') }];
    case 'BatchNormalization':
      if (integer(node, 'spatial', 1) === 0) return refuse('has statistics for every pixel');
      if (integer(node, 'is_test', 0) === 0 && outputs.filter((output) => output !== '').length > 1)
        return refuse('trains');
      return [node];
    case 'Dropout':
      return [{ ...node, attributes: without(node.attributes, 'is_test') }];
    case 'Reshape': {
      const shape = integers(node, 'shape');
      if (shape === undefined) return [node];
      return [{ ...node, inputs: [inputs[0], add(vector('int32', shape))], attributes: {} }];
    }
    case 'Cast': {
      const to = text(node, 'to', '');
      return to === '' ? [node] : [{ ...node, attributes: { to: NAMED_TYPES.get(to) ?? refuse(`casts to ${to}`) } }];
    }
    case 'Concat':
      return ['axis' in node.attributes ? node : { ...node, attributes: { axis: 1 } }];
    case 'Pad': {
      const { paddings } = node.attributes;
      return paddings === undefined
        ? [node]
        : [{ ...node, attributes: { ...without(node.attributes, 'paddings'), pads: paddings } }];
    }
    case 'Selu':
      if (opset >= 6) return [node];
      return [{ ...node, attributes: { alpha: { float: 1.6732 }, gamma: { float: 1.0507 }, ...node.attributes } }];
    case 'Upsample': {
      const [height, width] = [real(node, 'height_scale', 1), real(node, 'width_scale', 1)];
      if (!('height_scale' in node.attributes)) return [node];
      const mode = text(node, 'mode', 'nearest');
      return [
        { ...node, attributes: { mode: LATER_MODES.get(mode) ?? mode, scales: { floats: [1, 1, height, width] } } },
      ];
    }
    case 'Tile':
      return opset < 6 ? refuse('repeats one axis') : [node];
    case 'GRU':
    case 'LSTM':
    case 'RNN':
      return 'output_sequence' in node.attributes && opset < 7
        ? [{ ...node, attributes: without(node.attributes, 'output_sequence') }]
        : [node];
    case 'LpPool':
    case 'GlobalLpPool': {
      const { p } = node.attributes;
      return [
        typeof p === 'object' && 'float' in p ? { ...node, attributes: { ...node.attributes, p: p.float } } : node,
      ];
    }
    default:
      return EXPERIMENTAL.has(op) ? refuse('was an experiment that no later opset has') : [node];
  }
}

const EXPERIMENTAL: ReadonlySet<string> = new Set([
  ...[
    'Affine',
    'ConstantFill',
    'Crop',
    'DynamicSlice',
    'GRUUnit',
    'GivenTensorFill',
    'ImageScaler',
    'ParametricSoftplus',
  ],
  ...['Scale', 'ScaledTanh'],
]);

/** Element types by the names that casts had up to opset 5. */
const NAMED_TYPES: ReadonlyMap<string, number> = new Map([
  ['FLOAT', 1],
  ['UINT8', 2],
  ['INT8', 3],
  ['UINT16', 4],
  ['INT16', 5],
  ['INT32', 6],
  ['INT64', 7],
  ['BOOL', 9],
  ['FLOAT16', 10],
  ['DOUBLE', 11],
]);

/** The node with an operand that begins at an axis of the first one. */
function aligned(node: ForeignNode, place: number, axis: number): ForeignNode[] {
  const [first] = node.inputs;
  const operand = node.inputs[place];
  const spread = `${node.outputs[0]}/aligned`;
  return [
    { name: '', op: 'Unsqueeze', inputs: [operand, first], outputs: [spread], attributes: { [ALIGNED]: axis } },
    { ...node, inputs: node.inputs.map((input, i) => (i === place ? spread : input)) },
  ];
}

function sinceSeven(node: ForeignNode, opset: number, add: AddConstant): ForeignNode[] {
  const { op, inputs, attributes } = node;
  const [x] = inputs;
  if (REDUCTION_OPERATORS.includes(op) || op === 'Squeeze' || op === 'Unsqueeze')
    return [ALIGNED in attributes ? node : withOperands(node, ['axes'], add)];
  switch (op) {
    case 'Dropout': {
      // At inference nothing is dropped; an operand says whether this is training. What the mask is then was left open before opset 12.
      const [, mask = ''] = node.outputs;
      if (inputs[2]) return [node];
      if (mask !== '' && opset >= 12) return [{ ...node, inputs: [x], attributes: {} }];
      return [{ ...node, op: 'Identity', inputs: [x], outputs: node.outputs.slice(0, 1), attributes: {} }];
    }
    case 'BatchNormalization': {
      if (opset < 14 && integer(node, 'spatial', 1) === 0)
        throw new GraphError(
          `BatchNormalization "${node.name || node.outputs[0]}" has statistics for every pixel, which cannot be read`,
        );
      const trains =
        opset >= 14 ? integer(node, 'training_mode', 0) === 1 : node.outputs.slice(1).some((output) => output !== '');
      if (trains && opset < 14)
        throw new GraphError(
          `BatchNormalization "${node.name || node.outputs[0]}" of opset ${opset} trains, which cannot be read`,
        );
      const names = trains ? ['spatial', 'is_test'] : ['momentum', 'spatial', 'is_test', 'training_mode'];
      return [
        {
          ...node,
          outputs: trains ? node.outputs : node.outputs.slice(0, 1),
          attributes: without(attributes, ...names),
        },
      ];
    }
    case 'Scatter':
      return [{ ...node, op: 'ScatterElements' }];
    case 'Scan':
      if (opset < 9)
        throw new GraphError(
          `Scan "${node.name || node.outputs[0]}" of opset ${opset} runs over batches, which cannot be read`,
        );
      return [node];
    case 'DFT': {
      if (opset >= 20) return [node];
      const axis = add({ dtype: 'int32', shape: [], values: [integer(node, 'axis', 1)] });
      return [{ ...node, inputs: [x, inputs[1] ?? '', axis], attributes: without(attributes, 'axis') }];
    }
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
        {
          ...node,
          inputs: [x, '', inputs[1]],
          attributes: { ...ASYMMETRIC, mode: text(node, 'mode', 'nearest'), [ROUNDS_BY_SCALE]: 1 },
        },
      ];
    case 'GridSample': {
      const mode = LATER_MODES.get(text(node, 'mode', ''));
      return [mode === undefined ? node : { ...node, attributes: { ...attributes, mode } }];
    }
    case 'RoiAlign':
      // The corners of pixels were the only way before it had a name.
      if (opset >= 16) return [node];
      return [{ ...node, attributes: { ...attributes, coordinate_transformation_mode: 'output_half_pixel' } }];
    case 'GroupNormalization':
      return opset < 21 ? groupNormalised(node, add) : [node];
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

/** Ways of interpolation by the names that they had before more than images could be sampled. */
const LATER_MODES: ReadonlyMap<string, string> = new Map([
  ['bilinear', 'linear'],
  ['bicubic', 'cubic'],
]);

/** A norm of groups with a scale for each group, as it was up to opset 20: groups are the channels of another norm. */
function groupNormalised(node: ForeignNode, add: AddConstant): ForeignNode[] {
  const { inputs, outputs, attributes } = node;
  const [x, scale, shift] = inputs;
  const [grouped, normal, shape] = ['grouped', 'normal', 'shape'].map((part) => `${outputs[0]}/${part}`);
  const sizes = add(vector('int32', [0, integer(node, 'num_groups', 0), -1]));
  const plain = { name: '', attributes: {} };
  return [
    { ...plain, op: 'Reshape', inputs: [x, sizes], outputs: [grouped] },
    {
      ...node,
      op: 'InstanceNormalization',
      inputs: [grouped, scale, shift],
      outputs: [normal],
      attributes: without(attributes, 'num_groups'),
    },
    { ...plain, op: 'Shape', inputs: [x], outputs: [shape] },
    { ...plain, op: 'Reshape', inputs: [normal, shape], outputs },
  ];
}

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
  recordOf(Object.entries(attributes).filter(([key]) => !keys.includes(key)));
