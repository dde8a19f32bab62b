// The types of a node's results from those of its operands, by the rules of ONNX's operators.
import { addSizes, divideSizes, multiplySizes, windowCount } from '../dimensions.js';
import { ANY_SHAPE, type Dimension, elementCount, GraphError, type Shape, type TensorType } from '../graph.js';
import { isInterpreted } from '../interpreter/interpret.js';
import { rowsOfSlice } from '../interpreter/movement.js';
import { resultType } from '../interpreter/types.js';
import { integer, integers } from '../onnx-attributes.js';
import { splitSizes, unsqueezed } from './evaluate.js';
import {
  type ForeignNode,
  isAnyShape,
  isConstant,
  type Known,
  REDUCTION_OPERATORS,
  typedAs,
  typeOf,
} from './foreign.js';
import { windowOf } from './windows.js';

export interface Operand {
  readonly type: TensorType;
  readonly known?: Known;
}

type Operands = ReadonlyArray<Operand | undefined>;
type Rule = (node: ForeignNode, operands: Operands) => TensorType | readonly TensorType[] | undefined;

/**
 * The types of the results; undefined for an operator that is not known, or where they depend on values.
 * Throws {@link GraphError}, without the node's name, where operands do not fit.
 */
export function inferNode(node: ForeignNode, operands: Operands): readonly TensorType[] | undefined {
  const rule = Object.hasOwn(RULES, node.op) ? RULES[node.op] : isInterpreted(node.op) ? ofAnyShape : undefined;
  const result = rule?.(node, operands);
  if (result === undefined) return undefined;
  const types = operands.map((operand) => operand && typeOf(operand.type));
  return ('shape' in result ? [result] : result).map((type, i) => {
    const element = resultType(node.op, node.attributes, types, i);
    return element === undefined ? type : { ...typedAs(element), shape: type.shape };
  });
}

/** Of results whose shapes are not worked out; those of graphs within a node say themselves what they are. */
const ofAnyShape: Rule = (node, operands) =>
  node.bodies === undefined ? node.outputs.map(() => typed(dtype(operands), ANY_SHAPE)) : undefined;

/** Whether an operator is known here; all that are have a first operand. */
export const hasRule = (op: string): boolean => Object.hasOwn(RULES, op);

const typed = (dtype: TensorType['dtype'], shape: Shape): TensorType => ({ dtype, shape });
const dtype = (operands: Operands, place = 0): TensorType['dtype'] => operands[place]?.type.dtype ?? 'float32';
const shown = (shape: Shape): string => `[${shape.join(', ')}]`;

function shapeOf(operands: Operands, place = 0): Shape {
  const operand = operands[place];
  if (operand === undefined) throw new GraphError(`operand ${place} is missing`);
  return operand.type.shape;
}

/** The numbers of an operand, or undefined where they are not known. */
function numbers(operands: Operands, place: number): readonly number[] | undefined {
  const known = operands[place]?.known;
  return known !== undefined && isConstant(known) ? known.values : undefined;
}

const axis = (place: number, shape: Shape): number => {
  const from = place < 0 ? place + shape.length : place;
  if (from < 0 || from >= shape.length) throw new GraphError(`${shown(shape)} has no axis ${place}`);
  return from;
};

/** A rule for shapes of which the number of axes is known; others give a value of any shape. */
const ranked =
  (rule: Rule): Rule =>
  (node, operands) =>
    operands.some((operand) => operand !== undefined && isAnyShape(operand.type.shape))
      ? node.outputs.map(() => typed(dtype(operands), ANY_SHAPE))
      : rule(node, operands);

const same: Rule = (_, operands) => typed(dtype(operands), shapeOf(operands));

/** What a rule says, of integers. */
function integers32(rule: Rule): Rule {
  return (node, operands) => {
    const result = rule(node, operands);
    const [type] = result === undefined ? [] : 'shape' in result ? [result] : result;
    return type && typed('int32', type.shape);
  };
}

export function broadcastShapes(shapes: readonly Shape[]): Shape {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, i) => {
    const sizes = shapes.map((shape): Dimension => shape[i - rank + shape.length] ?? 1).filter((size) => size !== 1);
    const numbers = sizes.filter((size) => typeof size === 'number');
    if (new Set(numbers).size > 1) throw new GraphError(`cannot broadcast ${shapes.map(shown).join(' with ')}`);
    // Of two names one may be 1 when the network runs; a number is what the other has to be.
    return numbers[0] ?? sizes[0] ?? 1;
  });
}

const elementwise = (result?: TensorType['dtype'], first = 0): Rule =>
  ranked((_, operands) =>
    typed(
      result ?? dtype(operands, first),
      broadcastShapes(operands.flatMap((operand) => (operand === undefined ? [] : [operand.type.shape]))),
    ),
  );

const reduction: Rule = ranked((node, operands) => {
  const shape = shapeOf(operands);
  const axes = operands[1] === undefined ? [] : numbers(operands, 1);
  if (axes === undefined) return undefined;
  const all = axes.length === 0 && integer(node, 'noop_with_empty_axes', 0) === 0;
  const gone = new Set(all ? shape.map((_, i) => i) : axes.map((place) => axis(place, shape)));
  const keeps = integer(node, 'keepdims', 1) === 1;
  return typed(
    dtype(operands),
    shape.flatMap((size, i) => (gone.has(i) ? (keeps ? [1] : []) : [size])),
  );
});

const argument: Rule = ranked((node, operands) => {
  const shape = shapeOf(operands);
  const place = axis(integer(node, 'axis', 0), shape);
  const keeps = integer(node, 'keepdims', 1) === 1;
  return typed(
    'int32',
    shape.flatMap((size, i) => (i === place ? (keeps ? [1] : []) : [size])),
  );
});

const matMul: Rule = ranked((_, operands) => {
  const [a, b] = [shapeOf(operands, 0), shapeOf(operands, 1)];
  if (a.length === 0 || b.length === 0) throw new GraphError(`cannot multiply ${shown(a)} with ${shown(b)}`);
  const left = a.length === 1 ? [1, ...a] : a;
  const right = b.length === 1 ? [...b, 1] : b;
  const [inner, outer] = [left[left.length - 1], right[right.length - 2]];
  if (typeof inner === 'number' && typeof outer === 'number' && inner !== outer)
    throw new GraphError(`cannot multiply ${shown(a)} with ${shown(b)}: ${inner} is not ${outer}`);
  const batch = broadcastShapes([left.slice(0, -2), right.slice(0, -2)]);
  return typed('float32', [
    ...batch,
    ...(a.length === 1 ? [] : [left[left.length - 2]]),
    ...(b.length === 1 ? [] : [right[right.length - 1]]),
  ]);
});

const gemm: Rule = ranked((node, operands) => {
  const [a, b] = [shapeOf(operands, 0), shapeOf(operands, 1)];
  if (a.length !== 2 || b.length !== 2)
    throw new GraphError(`Gemm multiplies matrices, got ${shown(a)} and ${shown(b)}`);
  return typed('float32', [a[integer(node, 'transA', 0)], b[1 - integer(node, 'transB', 0)]]);
});

const convolution: Rule = ranked((node, operands) => {
  const [x, weight] = [shapeOf(operands, 0), shapeOf(operands, 1)];
  const kernel = weight.slice(2);
  if (x.length < 3 || weight.length !== x.length || !kernel.every((size) => typeof size === 'number'))
    throw new GraphError(`cannot convolve ${shown(x)} with a kernel ${shown(weight)}`);
  const inputs = multiplySizes(weight[1], integer(node, 'group', 1));
  if (typeof x[1] === 'number' && typeof inputs === 'number' && x[1] !== inputs)
    throw new GraphError(`a kernel ${shown(weight)} wants ${inputs} channels, but its input is ${shown(x)}`);
  return typed('float32', [x[0], weight[0], ...windows(node, x.slice(2), kernel)]);
});

/** Sizes of what windows over these axes give. */
function windows(node: ForeignNode, sizes: Shape, kernel: readonly number[]): Dimension[] {
  const { stride, dilation, before, after } = windowOf(node, sizes, kernel);
  return sizes.map((size, i) => windowCount(size, before[i] + after[i], dilation[i] * (kernel[i] - 1) + 1, stride[i]));
}

const pooling: Rule = ranked((node, operands) => {
  const x = shapeOf(operands);
  const kernel = integers(node, 'kernel_shape');
  if (kernel === undefined || x.length !== kernel.length + 2)
    throw new GraphError(`pooling wants a kernel_shape for ${x.length - 2} axes, got ${shown(kernel ?? [])}`);
  const pooled = typed('float32', [x[0], x[1], ...windows(node, x.slice(2), kernel)]);
  return node.outputs.map((_, i) => (i === 0 ? pooled : typed('int32', pooled.shape)));
});

const transposedConvolution: Rule = ranked((node, operands) => {
  const [x, weight] = [shapeOf(operands, 0), shapeOf(operands, 1)];
  const kernel = weight.slice(2);
  if (!kernel.every((size) => typeof size === 'number')) return undefined;
  const fixed = integers(node, 'output_shape');
  const { stride, dilation, before, after } = windowOf(node, x.slice(2), kernel);
  const extra = integers(node, 'output_padding') ?? kernel.map(() => 0);
  const isSame = ['SAME_UPPER', 'SAME_LOWER'].includes(String(node.attributes.auto_pad ?? ''));
  const sizes = x.slice(2).map((size, i) => {
    if (fixed !== undefined) return fixed[i];
    const whole = multiplySizes(size, stride[i]);
    return isSame
      ? whole
      : addSizes(whole, dilation[i] * (kernel[i] - 1) + 1 - stride[i] + extra[i] - before[i] - after[i]);
  });
  return typed('float32', [x[0], multiplySizes(weight[1], integer(node, 'group', 1)), ...sizes]);
});

const reshape: Rule = (node, operands) => {
  const wanted = operands[1]?.known?.values;
  if (wanted === undefined) {
    const rank = operands[1]?.type.shape[0];
    return typeof rank === 'number'
      ? typed(dtype(operands), unknownSizes(node, rank))
      : typed(dtype(operands), ANY_SHAPE);
  }
  const from = shapeOf(operands);
  const isAny = isAnyShape(from);
  const to = wanted.map(
    (size, i): Dimension => (size === 0 && !isAny && integer(node, 'allowzero', 0) === 0 ? (from[i] ?? 0) : size),
  );
  const rest = to.indexOf(-1);
  const [count, taken] = [from, to.filter((_, i) => i !== rest)].map((sizes) =>
    sizes.every((size) => typeof size === 'number') ? elementCount(sizes) : undefined,
  );
  if (count !== undefined && taken !== undefined && (rest === -1 ? count !== taken : count % taken !== 0))
    throw new GraphError(`cannot reshape ${shown(from)} to ${shown(wanted)}`);
  if (rest === -1) return typed(dtype(operands), to);
  if (isAny)
    return typed(
      dtype(operands),
      to.map((size, i) => (i === rest ? unknownSize(node, i) : size)),
    );
  // Sizes that stand on both sides cancel.
  const left = [...from];
  const right = to.filter((_, i) => i !== rest);
  for (const size of [...right]) {
    const match = left.indexOf(size);
    if (match === -1) continue;
    left.splice(match, 1);
    right.splice(right.indexOf(size), 1);
  }
  const product = (sizes: Shape): Dimension => sizes.reduce(multiplySizes, 1);
  const size = divideSizes(product(left), product(right));
  return typed(
    dtype(operands),
    to.map((other, i) => (i === rest ? size : other)),
  );
};

const unknownSize = (node: ForeignNode, place: number): string => `${node.outputs[0]}_${place}`;
const unknownSizes = (node: ForeignNode, rank: number): string[] =>
  Array.from({ length: Math.min(rank, 16) }, (_, i) => unknownSize(node, i));

const slice: Rule = ranked((node, operands) => {
  const shape = [...shapeOf(operands)];
  const [starts, ends] = [numbers(operands, 1), numbers(operands, 2)];
  const count = operands[1]?.type.shape[0];
  const axes = operands[3] === undefined ? Array.from({ length: Number(count) }, (_, i) => i) : numbers(operands, 3);
  if (axes === undefined) return typed(dtype(operands), unknownSizes(node, shape.length));
  const steps = operands[4] === undefined ? axes.map(() => 1) : numbers(operands, 4);
  axes.forEach((place, i) => {
    const along = axis(place, shape);
    const size = shape[along];
    const [start, end, step] = [starts?.[i], ends?.[i], steps?.[i]];
    const isRest = start !== undefined && start >= 0 && step === 1 && end !== undefined && end >= 2 ** 31 - 1;
    if (start === undefined || end === undefined || step === undefined)
      shape[along] = knownEnd(operands, i, start, step) ?? unknownSize(node, along);
    else if (typeof size === 'number') shape[along] = rowsOfSlice(start, end, step, size).length;
    else if (isRest) shape[along] = addSizes(size, -start);
    else if (start === 0 && end < 0 && step === 1) shape[along] = addSizes(size, end);
    else shape[along] = unknownSize(node, along);
  });
  return typed(dtype(operands), shape);
});

/** A slice from 0 up to a size that has a name. */
function knownEnd(
  operands: Operands,
  i: number,
  start: number | undefined,
  step: number | undefined,
): Dimension | undefined {
  return start === 0 && step === 1 ? operands[2]?.known?.values[i] : undefined;
}

const recurrent =
  (results: number): Rule =>
  (node, operands) => {
    const [time, batch] = shapeOf(operands);
    const recurrence = shapeOf(operands, 2);
    const [directions, hidden] = [recurrence[0], recurrence[2]];
    const all = [
      typed('float32', [time, directions, batch, hidden]),
      typed('float32', [directions, batch, hidden]),
      typed('float32', [directions, batch, hidden]),
    ];
    return node.outputs.map((_, i) => all[Math.min(i, results - 1)]);
  };

const resize: Rule = ranked((node, operands) => {
  const shape = shapeOf(operands);
  const [scales, sizes] = [numbers(operands, 2), operands[3]?.known?.values];
  const axes = integers(node, 'axes') ?? shape.map((_, i) => i);
  const result = [...shape];
  if (sizes !== undefined && sizes.length === axes.length)
    axes.forEach((place, i) => {
      result[place] = sizes[i];
    });
  else if (scales !== undefined && scales.length === axes.length)
    axes.forEach((place, i) => {
      const size = shape[place];
      result[place] =
        typeof size === 'number'
          ? Math.floor(size * scales[i])
          : Number.isInteger(scales[i])
            ? multiplySizes(size, scales[i])
            : unknownSize(node, place);
    });
  else return typed(dtype(operands), unknownSizes(node, shape.length));
  return typed(dtype(operands), result);
});

const einsum: Rule = ranked((node, operands) => {
  const equation = String(node.attributes.equation ?? '').replaceAll(' ', '');
  const [terms, result] = equation.split('->');
  if (result === undefined || equation.includes('.')) return undefined;
  const sizes = new Map<string, Dimension>();
  terms.split(',').forEach((term, i) => {
    [...term].forEach((letter, place) => {
      sizes.set(letter, shapeOf(operands, i)[place] ?? 1);
    });
  });
  return typed(
    dtype(operands),
    [...result].map((letter) => sizes.get(letter) ?? 1),
  );
});

const layerNorm: Rule = ranked((node, operands) => {
  const shape = shapeOf(operands);
  const from = axis(integer(node, 'axis', -1), shape);
  const statistics = shape.map((size, i) => (i < from ? size : 1));
  return node.outputs.map((_, i) => typed('float32', i === 0 ? shape : statistics));
});

/** Statistics that training gathers have the shapes that they had. */
const batchNorm: Rule = (node, operands) =>
  node.outputs.map((_, i) => typed('float32', i === 0 ? shapeOf(operands) : shapeOf(operands, i + 2)));

const sameTwice: Rule = (node, operands) => node.outputs.map(() => typed(dtype(operands), shapeOf(operands)));

type Arithmetic = (a: Dimension, b: Dimension) => Dimension;

/** Blocks of pixels that become channels, or the other way round. */
const blocks = (channelsBy: Arithmetic, sidesBy: Arithmetic): Rule =>
  ranked((node, operands) => {
    const [batch, channels, height, width] = shapeOf(operands);
    const block = integer(node, 'blocksize', 1);
    return typed(dtype(operands), [
      batch,
      channelsBy(channels, block * block),
      sidesBy(height, block),
      sidesBy(width, block),
    ]);
  });

const RULES: Readonly<Record<string, Rule>> = {
  ...Object.fromEntries(
    [
      'Abs',
      'Acos',
      'Acosh',
      'Asin',
      'Asinh',
      'Atan',
      'Atanh',
      'BitCast',
      'BitwiseNot',
      'CumProd',
      'GroupNormalization',
      'InstanceNormalization',
      'LRN',
      'LpNormalization',
      'MeanVarianceNormalization',
      'RMSNormalization',
      'RotaryEmbedding',
      'Scatter',
      'SwiGLU',
      'Swish',
      'TensorScatter',
      'Ceil',
      'Celu',
      'Cos',
      'Cosh',
      'CumSum',
      'Elu',
      'Erf',
      'Exp',
      'Floor',
      'Gelu',
      'HardSigmoid',
      'HardSwish',
      'Hardmax',
      'Identity',
      'InstanceNormalization',
      'GroupNormalization',
      'LRN',
      'LeakyRelu',
      'Log',
      'LogSoftmax',
      'LpNormalization',
      'MeanVarianceNormalization',
      'Mish',
      'Neg',
      'Not',
      'PRelu',
      'RMSNormalization',
      'Reciprocal',
      'Relu',
      'ReverseSequence',
      'Round',
      'ScatterElements',
      'ScatterND',
      'Selu',
      'Shrink',
      'Sigmoid',
      'Sign',
      'Sin',
      'Sinh',
      'Softmax',
      'Softplus',
      'Softsign',
      'Sqrt',
      'Tan',
      'Tanh',
      'ThresholdedRelu',
      'Trilu',
      'Clip',
    ].map((op) => [op, same]),
  ),
  ...Object.fromEntries(
    [
      'Add',
      'BitShift',
      'BitwiseAnd',
      'BitwiseOr',
      'BitwiseXor',
      'Sub',
      'Mul',
      'Div',
      'Pow',
      'Mod',
      'Min',
      'Max',
      'Sum',
      'Mean',
    ].map((op) => [op, elementwise()]),
  ),
  ...Object.fromEntries(
    ['Equal', 'Greater', 'GreaterOrEqual', 'Less', 'LessOrEqual', 'And', 'Or', 'Xor'].map((op) => [
      op,
      elementwise('bool'),
    ]),
  ),
  ...Object.fromEntries(REDUCTION_OPERATORS.map((op) => [op, reduction])),
  ArgMax: argument,
  ArgMin: argument,
  AveragePool: pooling,
  MaxPool: pooling,
  LpPool: pooling,
  BatchNormalization: batchNorm,
  Dropout: sameTwice,
  LayerNormalization: layerNorm,
  IsNaN: (_, operands) => typed('bool', shapeOf(operands)),
  IsInf: (_, operands) => typed('bool', shapeOf(operands)),
  Cast: same,
  CastLike: (_, operands) => typed(dtype(operands, 1), shapeOf(operands)),
  Concat: ranked((node, operands) => {
    const [first, ...others] = operands.map((_, i) => shapeOf(operands, i));
    const along = axis(integer(node, 'axis', 0), first);
    const total = others.reduce((sum, shape) => addSizes(sum, shape[along]), first[along]);
    return typed(
      dtype(operands),
      first.map((size, i) => (i === along ? total : size)),
    );
  }),
  ConstantOfShape: (node, operands) => {
    const value = node.attributes.value;
    const type = typeof value === 'object' && 'constant' in value ? value.constant.dtype : 'float32';
    const sizes = operands[0]?.known?.values;
    const rank = operands[0]?.type.shape[0];
    return typed(type, sizes ?? (typeof rank === 'number' ? unknownSizes(node, rank) : ANY_SHAPE));
  },
  Conv: convolution,
  ConvInteger: integers32(convolution),
  ConvTranspose: transposedConvolution,
  DequantizeLinear: (_, operands) => typed('float32', shapeOf(operands)),
  DynamicQuantizeLinear: (_, operands) => [typed('int32', shapeOf(operands)), typed('float32', []), typed('int32', [])],
  DepthToSpace: blocks(divideSizes, multiplySizes),
  SpaceToDepth: blocks(multiplySizes, divideSizes),
  Einsum: einsum,
  Expand: ranked((node, operands) => {
    const sizes = operands[1]?.known?.values;
    const rank = operands[1]?.type.shape[0];
    if (sizes === undefined)
      return typed(
        dtype(operands),
        typeof rank === 'number' ? unknownSizes(node, Math.max(rank, shapeOf(operands).length)) : ANY_SHAPE,
      );
    return typed(dtype(operands), broadcastShapes([shapeOf(operands), sizes]));
  }),
  EyeLike: same,
  Flatten: ranked((node, operands) => {
    const shape = shapeOf(operands);
    const place = integer(node, 'axis', 1);
    const from = place < 0 ? place + shape.length : place;
    return typed(dtype(operands), [
      shape.slice(0, from).reduce(multiplySizes, 1),
      shape.slice(from).reduce(multiplySizes, 1),
    ]);
  }),
  Gather: ranked((node, operands) => {
    const [shape, indices] = [shapeOf(operands, 0), shapeOf(operands, 1)];
    const along = axis(integer(node, 'axis', 0), shape);
    return typed(dtype(operands), [...shape.slice(0, along), ...indices, ...shape.slice(along + 1)]);
  }),
  GatherElements: ranked((_, operands) => typed(dtype(operands), shapeOf(operands, 1))),
  GatherND: ranked((_, operands) => {
    const [shape, indices] = [shapeOf(operands, 0), shapeOf(operands, 1)];
    const depth = indices.at(-1);
    return typeof depth === 'number'
      ? typed(dtype(operands), [...indices.slice(0, -1), ...shape.slice(depth)])
      : undefined;
  }),
  Gemm: gemm,
  GlobalAveragePool: ranked((_, operands) =>
    typed(
      'float32',
      shapeOf(operands).map((size, i) => (i < 2 ? size : 1)),
    ),
  ),
  GlobalMaxPool: ranked((_, operands) =>
    typed(
      'float32',
      shapeOf(operands).map((size, i) => (i < 2 ? size : 1)),
    ),
  ),
  GRU: recurrent(2),
  LSTM: recurrent(3),
  RNN: recurrent(2),
  MatMul: matMul,
  MatMulInteger: integers32(matMul),
  NonMaxSuppression: (node) => typed('int32', [unknownSize(node, 0), 3]),
  NonZero: (node, operands) =>
    typed('int32', [
      isAnyShape(shapeOf(operands)) ? unknownSize(node, 0) : shapeOf(operands).length,
      unknownSize(node, 1),
    ]),
  OneHot: ranked((node, operands) => {
    const indices = shapeOf(operands, 0);
    const depth = numbers(operands, 1)?.[0] ?? unknownSize(node, indices.length);
    const place = integer(node, 'axis', -1);
    const along = place < 0 ? place + indices.length + 1 : place;
    return typed(dtype(operands, 2), [...indices.slice(0, along), depth, ...indices.slice(along)]);
  }),
  Pad: ranked((node, operands) => {
    const shape = shapeOf(operands);
    const pads = numbers(operands, 1);
    const axes = operands[3] === undefined ? shape.map((_, i) => i) : numbers(operands, 3);
    if (pads === undefined || axes === undefined) return typed(dtype(operands), unknownSizes(node, shape.length));
    const result = [...shape];
    axes.forEach((place, i) => {
      const along = axis(place, shape);
      result[along] = addSizes(shape[along], pads[i] + pads[i + axes.length]);
    });
    return typed(dtype(operands), result);
  }),
  QuantizeLinear: (_, operands) => typed('int32', shapeOf(operands)),
  Range: (node, operands) => {
    const [start, , delta] = [0, 1, 2].map((i) => operands[i]?.known?.values[0]);
    const limit = operands[1]?.known?.values[0];
    return typed(dtype(operands), [start === 0 && delta === 1 && limit !== undefined ? limit : unknownSize(node, 0)]);
  },
  Reshape: reshape,
  Resize: resize,
  Shape: (node, operands) => {
    const shape = shapeOf(operands);
    if (isAnyShape(shape)) return typed('int32', [unknownSize(node, 0)]);
    return typed('int32', [
      rowsOfSlice(integer(node, 'start', 0), integer(node, 'end', shape.length), 1, shape.length).length,
    ]);
  },
  Size: () => typed('int32', []),
  Slice: slice,
  Split: ranked((node, operands) => {
    const shape = shapeOf(operands);
    const along = axis(integer(node, 'axis', 0), shape);
    const size = shape[along];
    const sizes = operands[1] === undefined ? undefined : numbers(operands, 1);
    return node.outputs.map((_, i) => {
      const part =
        sizes?.[i] ??
        (typeof size === 'number' && operands[1] === undefined
          ? splitSizes(size, undefined, node.outputs.length)[i]
          : `${unknownSize(node, along)}_${i}`);
      return typed(
        dtype(operands),
        shape.map((other, place) => (place === along ? part : other)),
      );
    });
  }),
  Squeeze: ranked((_, operands) => {
    const shape = shapeOf(operands);
    // A size with a name may be 1 when the network runs: then its axis goes, too.
    if (operands[1] === undefined && shape.some((size) => typeof size === 'string'))
      return typed(dtype(operands), ANY_SHAPE);
    const axes = operands[1] === undefined ? shape.flatMap((size, i) => (size === 1 ? [i] : [])) : numbers(operands, 1);
    if (axes === undefined) return undefined;
    const gone = axes.map((place) => axis(place, shape));
    return typed(
      dtype(operands),
      shape.filter((_, i) => !gone.includes(i)),
    );
  }),
  Tile: ranked((node, operands) => {
    const repeats = operands[1]?.known?.values;
    return typed(
      dtype(operands),
      repeats === undefined
        ? unknownSizes(node, shapeOf(operands).length)
        : shapeOf(operands).map((size, i) => multiplySizes(size, repeats[i] ?? 1)),
    );
  }),
  TopK: ranked((node, operands) => {
    const shape = shapeOf(operands);
    const along = axis(integer(node, 'axis', -1), shape);
    const k = operands[1]?.known?.values[0] ?? unknownSize(node, along);
    const chosen = shape.map((size, i) => (i === along ? k : size));
    return [typed(dtype(operands), chosen), typed('int32', chosen)];
  }),
  Transpose: ranked((node, operands) => {
    const shape = shapeOf(operands);
    const order = integers(node, 'perm') ?? shape.map((_, i) => shape.length - 1 - i);
    if ([...order].sort((a, b) => a - b).join() !== shape.map((_, i) => i).join())
      throw new GraphError(`${shown(order)} is not a permutation of the axes of ${shown(shape)}`);
    return typed(
      dtype(operands),
      order.map((place) => shape[place]),
    );
  }),
  Unsqueeze: ranked((_, operands) => {
    const axes = numbers(operands, 1);
    return axes === undefined ? undefined : typed(dtype(operands), unsqueezed<Dimension>(shapeOf(operands), axes, 1));
  }),
  Where: elementwise(undefined, 1),
};
