// TensorFlow's operators, each in ONNX's words.
import { GraphError } from '../graph.js';
import { SWAPPED } from '../import/foreign.js';
import type { NodeDef } from './node-def.js';
import { stridedSlice } from './strided-slice.js';
import {
  activate,
  batchNorm,
  channelsFirstly,
  convolution,
  type DataFormat,
  depthwiseConvolution,
  MOST,
  pooling,
  resize,
  resizeMode,
  type Translation,
  transposedConvolution,
  type WindowOptions,
} from './translation.js';

/** Adds nodes that give the outputs. False where an operator is used in a way that has no counterpart: it is kept then. */
export type Translate = (t: Translation, node: NodeDef, outputs: readonly string[]) => boolean;

const done = (_result: string): boolean => true;

/** One node of ONNX with the same operands. */
const plain =
  (op: string): Translate =>
  (t, node, outputs) =>
    done(t.node(op, node.inputs, {}, outputs.slice(0, 1)));

/** What `run` makes of the operands is the result. */
const made =
  (run: (t: Translation, node: NodeDef, inputs: readonly string[]) => string | undefined): Translate =>
  (t, node, outputs) => {
    const result = run(t, node, node.inputs);
    return result !== undefined && done(t.node('Identity', [result], {}, outputs.slice(0, 1)));
  };

/** A function of Keras' and TensorFlow's, by name. */
const activation =
  (name: string, alphaOf: (node: NodeDef) => number | undefined = () => undefined): Translate =>
  (t, node, outputs) => {
    const alpha = alphaOf(node);
    return activate(t, name, node.input(0), outputs, alpha === undefined ? {} : { alpha });
  };

const format = (node: NodeDef): DataFormat =>
  node.text('data_format', 'NHWC') === 'NCHW' ? 'channels_first' : 'channels_last';

/** The values of an operand that must be stored with the model. */
function argument(t: Translation, node: NodeDef, place: number, what: string): readonly number[] {
  const values = t.known(node.input(place));
  if (values === undefined) throw new GraphError(`${what} "${node.input(place)}" is not a constant of the model`);
  return values;
}

const last = (node: NodeDef): number => node.inputs.length - 1;

function kernelShape(t: Translation, name: string): readonly number[] {
  const shape = t.tensors.get(name)?.shape;
  if (shape?.length !== 4)
    throw new GraphError(
      `the kernel "${name}" should be a weight of 4 axes, got ${shape ? `[${shape.join(', ')}]` : 'a value that is computed'}`,
    );
  return shape;
}

function windowOf(node: NodeDef): WindowOptions {
  const layout = format(node);
  const spatial = (values: readonly number[] | undefined): number[] =>
    values?.length === 4 ? [...(layout === 'channels_last' ? values.slice(1, 3) : values.slice(2))] : [1, 1];
  const padding = node.text('padding', 'VALID');
  const explicit = node.integers('explicit_paddings') ?? [];
  const first = layout === 'channels_last' ? 2 : 4;
  return {
    strides: spatial(node.integers('strides')),
    dilations: spatial(node.integers('dilations')),
    padding:
      padding === 'EXPLICIT'
        ? { before: [explicit[first], explicit[first + 2]], after: [explicit[first + 1], explicit[first + 3]] }
        : padding === 'SAME'
          ? 'SAME'
          : 'VALID',
    format: layout,
  };
}

type Convolve = (t: Translation, node: NodeDef, bias: string | undefined) => string;

const convolve: Convolve = (t, node, bias) =>
  convolution(t, node.input(0), { name: node.input(1), spatial: 2 }, { ...windowOf(node), groups: 1 }, bias);

const convolveEach: Convolve = (t, node, bias) =>
  depthwiseConvolution(
    t,
    node.input(0),
    { name: node.input(1), shape: kernelShape(t, node.input(1)) },
    windowOf(node),
    bias,
  );

/** A product of matrices, of which attributes of these names say whether they are transposed. */
const multiply =
  (first: string, second: string): Convolve =>
  (t, node, bias) => {
    const product = t.node('MatMul', [
      swapped(t, node.input(0), node.flag(first)),
      swapped(t, node.input(1), node.flag(second)),
    ]);
    return bias === undefined ? product : t.node('Add', [product, bias]);
  };

/** A matrix, or matrices in a batch, with the last two axes in the other order. */
const swapped = (t: Translation, x: string, isSwapped: boolean): string =>
  isSwapped ? t.node('Transpose', [x], { [SWAPPED]: 1 }) : x;

/** An operator that was fused with a bias and an activation function. */
const fused =
  (run: Convolve): Translate =>
  (t, node, outputs) => {
    const steps = node.texts('fused_ops');
    const bias = steps[0] === 'BiasAdd' ? node.input(2) : undefined;
    const rest = bias === undefined ? steps : steps.slice(1);
    if (rest.length > 1) return false;
    const result = run(t, node, bias);
    const [name] = rest;
    if (name === undefined) return done(t.node('Identity', [result], {}, outputs));
    if (name === 'Prelu') return done(t.node('PRelu', [result, node.input(last(node))], {}, outputs));
    return activate(t, name, result, outputs, name === 'LeakyRelu' ? { alpha: node.real('leakyrelu_alpha', 0.2) } : {});
  };

const unfused = (run: Convolve): Translate => made((t, node) => run(t, node, undefined));

const pool =
  (op: 'MaxPool' | 'AveragePool'): Translate =>
  (t, node, outputs) => {
    const window = windowOf(node);
    const sizes = node.integers('ksize') ?? [];
    const kernel = window.format === 'channels_last' ? sizes.slice(1, 3) : sizes.slice(2);
    return done(pooling(t, op, node.input(0), kernel, window, outputs.slice(0, 1)));
  };

/** Axes as the vector that ONNX wants. */
const vector = (t: Translation, name: string): string => {
  const values = t.known(name);
  return values ? t.integers(values) : t.reshape(name, [-1]);
};

const reduction =
  (op: string): Translate =>
  (t, node, outputs) =>
    done(t.node(op, [node.input(0), vector(t, node.input(1))], { keepdims: node.flag('keep_dims') ? 1 : 0 }, outputs));

const extreme =
  (op: 'ArgMax' | 'ArgMin'): Translate =>
  (t, node, outputs) => {
    const [axis] = node.inputs.length > 1 ? argument(t, node, 1, 'the axis') : [0];
    return done(t.node(op, [node.input(0)], { axis, keepdims: 0 }, outputs));
  };

const pads = (t: Translation, name: string): string => {
  const values = t.known(name);
  if (values === undefined) return t.reshape(t.transpose(name, [1, 0]), [-1]);
  return t.integers([...values.filter((_, i) => i % 2 === 0), ...values.filter((_, i) => i % 2 === 1)]);
};

const concat =
  (axisPlace: 'first' | 'last'): Translate =>
  (t, node, outputs) => {
    const place = axisPlace === 'first' ? 0 : last(node);
    const [axis] = argument(t, node, place, 'the axis');
    return done(
      t.node(
        'Concat',
        node.inputs.filter((_, i) => i !== place),
        { axis },
        outputs,
      ),
    );
  };

const ONNX_TYPES = { float32: 1, int32: 6, bool: 9 } as const;

const filled = (value: number): Translate =>
  made((t, node, [x]) => {
    const dtype = node.dtype('T') === 'float32' ? 'float32' : 'int32';
    return t.node('ConstantOfShape', [t.node('Shape', [x])], {
      value: { constant: { dtype, shape: [1], values: [value] } },
    });
  });

const resized =
  (mode: 'linear' | 'nearest'): Translate =>
  (t, node, outputs) =>
    done(
      resize(
        t,
        node.input(0),
        { sizes: node.input(1) },
        resizeMode(mode, node.flag('align_corners'), node.flag('half_pixel_centers')),
        'channels_last',
        outputs,
      ),
    );

const blocks =
  (op: 'DepthToSpace' | 'SpaceToDepth'): Translate =>
  (t, node, outputs) =>
    done(
      channelsFirstly(
        t,
        node.input(0),
        2,
        format(node),
        (image) => t.node(op, [image], { blocksize: node.integer('block_size', 2) }),
        outputs,
      ),
    );

const normalise: Translate = (t, node, outputs) => {
  if (node.flag('is_training')) return false;
  const options = { epsilon: node.real('epsilon', 1e-3), spatial: 2, format: format(node) };
  return done(
    t.node('Identity', [batchNorm(t, node.input(0), node.inputs.slice(1), options)], {}, outputs.slice(0, 1)),
  );
};

const gathered =
  (axisOf: (t: Translation, node: NodeDef) => number): Translate =>
  (t, node, outputs) =>
    node.integer('batch_dims', 0) === 0 &&
    done(t.node('Gather', [node.input(0), node.input(1)], { axis: axisOf(t, node) }, outputs));

const identity = plain('Identity');
const batchProduct = unfused(multiply('adj_x', 'adj_y'));

/** By TensorFlow's name. */
export const OPERATORS: Readonly<Record<string, Translate>> = {
  Identity: identity,
  StopGradient: identity,
  PreventGradient: identity,
  Snapshot: identity,
  CheckNumerics: identity,
  IdentityN: (t, node) => {
    const names = node.results(node.inputs.length);
    node.inputs.forEach((input, i) => {
      t.node('Identity', [input], {}, [names[i]]);
    });
    return true;
  },

  Conv2D: unfused(convolve),
  DepthwiseConv2dNative: unfused(convolveEach),
  MatMul: unfused(multiply('transpose_a', 'transpose_b')),
  _FusedConv2D: fused(convolve),
  FusedDepthwiseConv2dNative: fused(convolveEach),
  _FusedMatMul: fused(multiply('transpose_a', 'transpose_b')),
  Conv2DBackpropInput: made((t, node) =>
    transposedConvolution(
      t,
      node.input(2),
      { name: node.input(1), shape: kernelShape(t, node.input(1)) },
      windowOf(node),
    ),
  ),
  BatchMatMul: batchProduct,
  BatchMatMulV2: batchProduct,
  Einsum: (t, node, outputs) => done(t.node('Einsum', node.inputs, { equation: node.text('equation', '') }, outputs)),
  BiasAdd: (t, node, outputs) => format(node) === 'channels_last' && plain('Add')(t, node, outputs),
  FusedBatchNorm: normalise,
  FusedBatchNormV2: normalise,
  FusedBatchNormV3: normalise,
  MaxPool: pool('MaxPool'),
  AvgPool: pool('AveragePool'),
  ResizeBilinear: resized('linear'),
  ResizeNearestNeighbor: resized('nearest'),
  DepthToSpace: blocks('DepthToSpace'),
  SpaceToDepth: blocks('SpaceToDepth'),

  Add: plain('Add'),
  AddV2: plain('Add'),
  AddN: made((t, _, [first, ...rest]) => rest.reduce((sum, x) => t.node('Add', [sum, x]), first)),
  Sub: plain('Sub'),
  Mul: plain('Mul'),
  Div: plain('Div'),
  RealDiv: plain('Div'),
  DivNoNan: made((t, _, [a, b]) =>
    t.node('Where', [t.node('Equal', [b, t.floats([0])]), t.floats([0]), t.node('Div', [a, b])]),
  ),
  FloorDiv: made((t, node, [a, b]) =>
    node.dtype('T') === 'float32'
      ? t.node('Floor', [t.node('Div', [a, b])])
      : t.node('Div', [t.node('Sub', [a, t.node('Mod', [a, b])]), b]),
  ),
  FloorMod: made((t, node, [a, b]) =>
    node.dtype('T') === 'float32'
      ? t.node('Sub', [a, t.node('Mul', [t.node('Floor', [t.node('Div', [a, b])]), b])])
      : t.node('Mod', [a, b]),
  ),
  Maximum: plain('Max'),
  Minimum: plain('Min'),
  Pow: plain('Pow'),
  SquaredDifference: made((t, _, inputs) => {
    const difference = t.node('Sub', inputs);
    return t.node('Mul', [difference, difference]);
  }),
  Square: (t, node, outputs) => done(t.node('Mul', [node.input(0), node.input(0)], {}, outputs)),
  Rsqrt: (t, node, outputs) => done(t.node('Reciprocal', [t.node('Sqrt', node.inputs)], {}, outputs)),
  Sqrt: plain('Sqrt'),
  Exp: plain('Exp'),
  Expm1: made((t, _, [x]) => t.node('Sub', [t.node('Exp', [x]), t.floats([1])])),
  Log: plain('Log'),
  Log1p: made((t, _, [x]) => t.node('Log', [t.node('Add', [x, t.floats([1])])])),
  Abs: plain('Abs'),
  Neg: plain('Neg'),
  Sign: plain('Sign'),
  Floor: plain('Floor'),
  Ceil: plain('Ceil'),
  Round: plain('Round'),
  Reciprocal: plain('Reciprocal'),
  Erf: plain('Erf'),
  Sin: plain('Sin'),
  Cos: plain('Cos'),
  Tan: plain('Tan'),
  Asin: plain('Asin'),
  Acos: plain('Acos'),
  Atan: plain('Atan'),
  Sinh: plain('Sinh'),
  Cosh: plain('Cosh'),
  Relu: activation('relu'),
  Relu6: activation('relu6'),
  LeakyRelu: activation('leakyrelu', (node) => node.real('alpha', 0.2)),
  Elu: activation('elu'),
  Selu: activation('selu'),
  Sigmoid: activation('sigmoid'),
  Tanh: activation('tanh'),
  Softplus: activation('softplus'),
  Softsign: activation('softsign'),
  Softmax: activation('softmax'),
  LogSoftmax: (t, node, outputs) => done(t.node('LogSoftmax', node.inputs, { axis: -1 }, outputs)),
  Prelu: plain('PRelu'),
  ClipByValue: plain('Clip'),

  Equal: plain('Equal'),
  NotEqual: (t, node, outputs) => done(t.node('Not', [t.node('Equal', node.inputs)], {}, outputs)),
  Greater: plain('Greater'),
  GreaterEqual: plain('GreaterOrEqual'),
  Less: plain('Less'),
  LessEqual: plain('LessOrEqual'),
  LogicalAnd: plain('And'),
  LogicalOr: plain('Or'),
  LogicalNot: plain('Not'),
  Select: plain('Where'),
  SelectV2: plain('Where'),

  Mean: reduction('ReduceMean'),
  Sum: reduction('ReduceSum'),
  Max: reduction('ReduceMax'),
  Min: reduction('ReduceMin'),
  Prod: reduction('ReduceProd'),
  ArgMax: extreme('ArgMax'),
  ArgMin: extreme('ArgMin'),

  Reshape: (t, node, outputs) => done(t.node('Reshape', [node.input(0), node.input(1)], {}, outputs)),
  Squeeze: (t, node, outputs) => {
    const axes = node.integers('squeeze_dims') ?? node.integers('axis') ?? [];
    return done(t.node('Squeeze', axes.length > 0 ? [node.input(0), t.integers(axes)] : [node.input(0)], {}, outputs));
  },
  ExpandDims: (t, node, outputs) => done(t.node('Unsqueeze', [node.input(0), vector(t, node.input(1))], {}, outputs)),
  Transpose: (t, node, outputs) => done(t.transpose(node.input(0), argument(t, node, 1, 'the order of axes'), outputs)),
  Concat: concat('first'),
  ConcatV2: concat('last'),
  Pack: (t, node, outputs) => {
    const axis = node.integer('axis', 0);
    const parts = node.inputs.map((input) => t.node('Unsqueeze', [input, t.integers([axis])]));
    return done(t.node('Concat', parts, { axis }, outputs));
  },
  Unpack: (t, node) => {
    const axis = node.integer('axis', 0);
    const names = node.results(node.integer('num', 1));
    const parts = names.map((name) => `${name}/part`);
    t.node('Split', [node.input(0)], { axis, num_outputs: names.length }, parts);
    names.forEach((name, i) => {
      t.node('Squeeze', [parts[i], t.integers([axis])], {}, [name]);
    });
    return true;
  },
  Split: (t, node) => {
    const [axis] = argument(t, node, 0, 'the axis');
    const names = node.results(node.integer('num_split', 1));
    return done(t.node('Split', [node.input(1)], { axis, num_outputs: names.length }, names));
  },
  SplitV: (t, node) => {
    const [axis] = argument(t, node, 2, 'the axis');
    const sizes = argument(t, node, 1, 'the sizes');
    if (sizes.includes(-1)) return false;
    return done(t.node('Split', [node.input(0), t.integers(sizes)], { axis }, node.results(sizes.length)));
  },
  Slice: (t, node, outputs) => {
    const [begin, size] = [t.known(node.input(1)), t.known(node.input(2))];
    const count = begin?.length ?? size?.length;
    if (count === undefined) return false;
    const ends =
      begin && size
        ? t.integers(size.map((length, i) => (length === -1 ? MOST : begin[i] + length)))
        : t.node('Add', [node.input(1), node.input(2)]);
    // A computed start with a size of -1 would end where it starts.
    if (size?.includes(-1) && !begin) return false;
    const axes = t.integers(Array.from({ length: count }, (_, i) => i));
    return done(t.node('Slice', [node.input(0), begin ? t.integers(begin) : node.input(1), ends, axes], {}, outputs));
  },
  StridedSlice: stridedSlice,
  ReverseV2: (t, node, outputs) => {
    const axes = argument(t, node, 1, 'the axes');
    const every = (value: number): string => t.integers(axes.map(() => value));
    return done(
      t.node('Slice', [node.input(0), every(-1), every(-MOST - 1), t.integers(axes), every(-1)], {}, outputs),
    );
  },
  Gather: gathered(() => 0),
  GatherV2: gathered((t, node) => argument(t, node, 2, 'the axis')[0]),
  GatherNd: plain('GatherND'),
  Tile: plain('Tile'),
  BroadcastTo: plain('Expand'),
  Fill: (t, node, outputs) => done(t.node('Expand', [node.input(1), node.input(0)], {}, outputs)),
  ZerosLike: filled(0),
  OnesLike: filled(1),
  Range: plain('Range'),
  Shape: plain('Shape'),
  Size: plain('Size'),
  Rank: made((t, _, [x]) => t.reshape(t.node('Shape', [t.node('Shape', [x])]), [])),
  Cast: (t, node, outputs) => done(t.node('Cast', node.inputs, { to: ONNX_TYPES[node.dtype('DstT')] }, outputs)),
  OneHot: (t, node, outputs) => {
    const values = t.node('Concat', [t.reshape(node.input(3), [1]), t.reshape(node.input(2), [1])], { axis: 0 });
    const [indices, depth] = [node.input(0), node.input(1)];
    // ONNX counts a negative index from the end; TensorFlow has no such class, so it becomes one past the last. The 0 is of the indices' own type.
    const isNegative = t.node('Less', [indices, t.node('Sub', [indices, indices])]);
    const classes = t.node('Where', [isNegative, depth, indices]);
    return done(t.node('OneHot', [classes, depth, values], { axis: node.integer('axis', -1) }, outputs));
  },
  TopKV2: (t, node) =>
    done(t.node('TopK', [node.input(0), t.reshape(node.input(1), [1])], { axis: -1 }, node.results(2))),
  Cumsum: (t, node, outputs) =>
    done(
      t.node(
        'CumSum',
        node.inputs,
        { exclusive: node.flag('exclusive') ? 1 : 0, reverse: node.flag('reverse') ? 1 : 0 },
        outputs,
      ),
    ),
  Pad: (t, node, outputs) => done(t.node('Pad', [node.input(0), pads(t, node.input(1))], {}, outputs)),
  PadV2: (t, node, outputs) => done(t.node('Pad', [node.input(0), pads(t, node.input(1)), node.input(2)], {}, outputs)),
  MirrorPad: (t, node, outputs) =>
    node.text('mode', 'REFLECT') === 'REFLECT' &&
    done(t.node('Pad', [node.input(0), pads(t, node.input(1))], { mode: 'reflect' }, outputs)),
  Where: (t, node, outputs) =>
    node.inputs.length === 1 && done(t.transpose(t.node('NonZero', node.inputs), [1, 0], outputs)),
};
