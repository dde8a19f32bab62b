// TensorFlow's operators one by one: graph models of one node through our graph against TensorFlow.js' own runtime.
import '@logah/backend-ort';
import '@tensorflow/tfjs-backend-cpu';
import { elementCount } from '@logah/graph-ir';
import { graphFromTfjs } from '@logah/graph-ir/tfjs';
import { GraphModel } from '@tensorflow/tfjs-converter';
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { noise } from './noise.js';
import { expectSame, type Given, numbersOf, run, tensorOf, valuesOf } from './real-models.js';

/** A constant of the model: float32 unless it says int32. */
interface Constant {
  readonly shape: readonly number[];
  readonly values: readonly number[];
  readonly dtype?: 'int32';
}

type Attribute = number | boolean | string | readonly number[] | { readonly float: number };

interface OneNode {
  readonly op: string;
  /** Of the input "x", of noise. */
  readonly x: readonly number[];
  readonly xType?: 'int32';
  /** What the node reads: "x", or constants. */
  readonly reads?: ReadonlyArray<'x' | Constant>;
  readonly attributes?: Readonly<Record<string, Attribute>>;
  readonly outputs?: number;
}

const integers = (...values: number[]): Constant => ({ dtype: 'int32', shape: [values.length], values });
const integer = (value: number): Constant => ({ dtype: 'int32', shape: [], values: [value] });
const floats = (shape: readonly number[], seed = 3): Constant => ({
  shape,
  values: [...noise(elementCount(shape), seed, (x) => x)],
});

const IMAGE = [2, 6, 8, 4];
const NHWC = { data_format: 'NHWC' };
const window = { ...NHWC, strides: [1, 2, 2, 1], dilations: [1, 1, 1, 1], padding: 'SAME' };

const NODES: Readonly<Record<string, OneNode>> = {
  'Conv2D, padded by numbers': {
    op: 'Conv2D',
    x: IMAGE,
    reads: ['x', floats([3, 3, 4, 5])],
    attributes: { ...window, padding: 'EXPLICIT', explicit_paddings: [0, 0, 1, 2, 0, 1, 0, 0] },
  },
  'Conv2D, dilated': {
    op: 'Conv2D',
    x: IMAGE,
    reads: ['x', floats([3, 3, 4, 5])],
    attributes: { ...NHWC, strides: [1, 1, 1, 1], dilations: [1, 2, 2, 1], padding: 'VALID' },
  },
  DepthwiseConv2dNative: {
    op: 'DepthwiseConv2dNative',
    x: IMAGE,
    reads: ['x', floats([3, 3, 4, 2])],
    attributes: window,
  },
  Conv2DBackpropInput: {
    op: 'Conv2DBackpropInput',
    x: [2, 3, 4, 5],
    reads: [integers(2, 6, 8, 4), floats([3, 3, 4, 5]), 'x'],
    attributes: window,
  },
  MatMul: { op: 'MatMul', x: [5, 6], reads: ['x', floats([5, 7])], attributes: { transpose_a: true } },
  BatchMatMulV2: { op: 'BatchMatMulV2', x: [2, 5, 6], reads: ['x', floats([2, 7, 6])], attributes: { adj_y: true } },
  Einsum: { op: 'Einsum', x: [2, 5, 6], reads: ['x', floats([6, 7])], attributes: { equation: 'bij,jk->bik' } },
  FusedBatchNormV3: {
    op: 'FusedBatchNormV3',
    x: IMAGE,
    reads: ['x', floats([4]), floats([4], 4), floats([4], 5), { shape: [4], values: [1, 2, 3, 4] }],
    attributes: { epsilon: { float: 0.01 }, is_training: false, ...NHWC },
  },
  AvgPool: { op: 'AvgPool', x: IMAGE, attributes: { ...window, ksize: [1, 3, 3, 1] } },
  MaxPool: { op: 'MaxPool', x: IMAGE, attributes: { ...window, ksize: [1, 2, 2, 1], padding: 'VALID' } },
  'ResizeBilinear, half pixels': {
    op: 'ResizeBilinear',
    x: IMAGE,
    reads: ['x', integers(9, 5)],
    attributes: { half_pixel_centers: true, align_corners: false },
  },
  'ResizeBilinear, corners': {
    op: 'ResizeBilinear',
    x: IMAGE,
    reads: ['x', integers(9, 5)],
    attributes: { half_pixel_centers: false, align_corners: true },
  },
  'ResizeNearestNeighbor, half pixels': {
    op: 'ResizeNearestNeighbor',
    x: IMAGE,
    reads: ['x', integers(9, 12)],
    attributes: { half_pixel_centers: true, align_corners: false },
  },
  ResizeNearestNeighbor: {
    op: 'ResizeNearestNeighbor',
    x: IMAGE,
    reads: ['x', integers(9, 12)],
    attributes: { half_pixel_centers: false, align_corners: false },
  },
  DepthToSpace: { op: 'DepthToSpace', x: [2, 3, 4, 8], attributes: { block_size: 2, ...NHWC } },
  'a bias': { op: 'BiasAdd', x: IMAGE, reads: ['x', floats([4])], attributes: NHWC },
  AddN: { op: 'AddN', x: [3, 4], reads: ['x', 'x', floats([3, 4])] },
  DivNoNan: { op: 'DivNoNan', x: [3], reads: ['x', { shape: [3], values: [2, 0, -1] }] },
  FloorDiv: {
    op: 'FloorDiv',
    x: [7],
    xType: 'int32',
    reads: ['x', integers(3, -3, 2, 5, 7, -2, 4)],
    attributes: { T: 'DT_INT32' },
  },
  FloorMod: { op: 'FloorMod', x: [7], reads: ['x', floats([7])], attributes: { T: 'DT_FLOAT' } },
  SquaredDifference: { op: 'SquaredDifference', x: [3, 4], reads: ['x', floats([4])] },
  Expm1: { op: 'Expm1', x: [9] },
  Softplus: { op: 'Softplus', x: [9] },
  Selu: { op: 'Selu', x: [9] },
  Elu: { op: 'Elu', x: [9] },
  LeakyRelu: { op: 'LeakyRelu', x: [9], attributes: { alpha: { float: 0.1 } } },
  Prelu: { op: 'Prelu', x: IMAGE, reads: ['x', floats([4])] },
  ClipByValue: {
    op: 'ClipByValue',
    x: [9],
    reads: ['x', { shape: [], values: [-0.5] }, { shape: [], values: [0.25] }],
  },
  LogSoftmax: { op: 'LogSoftmax', x: [3, 9] },
  NotEqual: { op: 'NotEqual', x: [9], xType: 'int32', reads: ['x', integers(1, 1, 1, 2, 2, 2, 0, 0, 0)] },
  'Mean of images': { op: 'Mean', x: IMAGE, reads: ['x', integers(1, 2)], attributes: { keep_dims: false } },
  'Max, one axis': { op: 'Max', x: IMAGE, reads: ['x', integer(-1)], attributes: { keep_dims: true } },
  Prod: { op: 'Prod', x: [3, 4], reads: ['x', integers(1)], attributes: { keep_dims: false } },
  ArgMax: { op: 'ArgMax', x: [3, 9], reads: ['x', integer(1)] },
  ExpandDims: { op: 'ExpandDims', x: [3, 9], reads: ['x', integer(-1)] },
  Pack: { op: 'Pack', x: [3, 4], reads: ['x', floats([3, 4])], attributes: { axis: 1 } },
  Unpack: { op: 'Unpack', x: [3, 2, 4], attributes: { axis: 1, num: 2 }, outputs: 2 },
  Split: { op: 'Split', x: [3, 6], reads: [integer(1), 'x'], attributes: { num_split: 3 }, outputs: 3 },
  SplitV: { op: 'SplitV', x: [3, 6], reads: ['x', integers(1, 5), integer(1)], outputs: 2 },
  Slice: { op: 'Slice', x: [3, 6], reads: ['x', integers(1, 2), integers(-1, 3)] },
  ReverseV2: { op: 'ReverseV2', x: [3, 6], reads: ['x', integers(1)] },
  GatherV2: { op: 'GatherV2', x: [3, 6], reads: ['x', integers(5, 0, 2), integer(1)], attributes: { batch_dims: 0 } },
  GatherNd: { op: 'GatherNd', x: [3, 6], reads: ['x', { dtype: 'int32', shape: [2, 2], values: [0, 5, 2, 1] }] },
  Tile: { op: 'Tile', x: [3, 2], reads: ['x', integers(2, 3)] },
  Fill: { op: 'Fill', x: [], reads: [integers(3, 2), 'x'] },
  OnesLike: { op: 'OnesLike', x: [3, 2], attributes: { T: 'DT_FLOAT' } },
  OneHot: {
    op: 'OneHot',
    x: [4],
    xType: 'int32',
    reads: ['x', integer(5), { shape: [], values: [2] }, { shape: [], values: [-1] }],
    attributes: { axis: -1 },
  },
  TopKV2: { op: 'TopKV2', x: [3, 9], reads: ['x', integer(4)], attributes: { sorted: true }, outputs: 2 },
  Cumsum: { op: 'Cumsum', x: [3, 5], reads: ['x', integer(1)], attributes: { exclusive: true, reverse: true } },
  PadV2: {
    op: 'PadV2',
    x: [3, 4],
    reads: ['x', { ...integers(1, 0, 2, 1), shape: [2, 2] }, { shape: [], values: [7] }],
  },
  MirrorPad: {
    op: 'MirrorPad',
    x: [3, 4],
    reads: ['x', { ...integers(1, 0, 2, 1), shape: [2, 2] }],
    attributes: { mode: 'REFLECT' },
  },
};

function attributeOf(value: Attribute): object {
  if (typeof value === 'number') return { i: `${value}` };
  if (typeof value === 'boolean') return { b: value };
  if (typeof value === 'string') return value.startsWith('DT_') ? { type: value } : { s: btoa(value) };
  return 'float' in value ? { f: value.float } : { list: { i: value.map(String) } };
}

it.each(Object.keys(NODES))('%s computes what TensorFlow.js does', async (name) => {
  const { op, x, xType, reads = ['x'], attributes = {}, outputs = 1 } = NODES[name];
  const constants = reads.flatMap((read, i) => (read === 'x' ? [] : [{ name: `c${i}`, ...read }]));
  const shape = { dim: x.map((size) => ({ size: `${size}` })) };
  const attr = Object.fromEntries(Object.entries(attributes).map(([key, value]) => [key, attributeOf(value)]));
  const dtype = { type: xType === 'int32' ? 'DT_INT32' : 'DT_FLOAT' };
  const node = [
    { name: 'x', op: 'Placeholder', attr: { dtype, shape: { shape } } },
    ...constants.map((constant) => ({ name: constant.name, op: 'Const' })),
    { name: 'y', op, input: reads.map((read, i) => (read === 'x' ? 'x' : `c${i}`)), attr },
  ];
  const names = Array.from({ length: outputs }, (_, i) => (i === 0 ? 'y' : `y:${i}`));
  const signature = {
    inputs: { x: { name: 'x:0' } },
    outputs: Object.fromEntries(names.map((key) => [key, { name: key }])),
  };
  const weights = constants.map((constant) => ({
    name: constant.name,
    shape: [...constant.shape],
    dtype: constant.dtype ?? ('float32' as const),
  }));
  const parts = constants.map(({ values, dtype: type }) =>
    Buffer.from((type === 'int32' ? Int32Array.from(values) : Float32Array.from(values)).buffer),
  );
  const bytes = Uint8Array.from(Buffer.concat(parts));

  const input: Given = {
    dims: [...x],
    data: noise(elementCount(x), 1, (value) => (xType ? Math.floor(3 * value) : value)),
    dtype: xType ?? 'float32',
  };
  await tf.setBackend('cpu');
  const theirs = new GraphModel(
    tf.io.fromMemory({
      modelTopology: { node, versions: {} },
      format: 'graph-model',
      signature,
      weightSpecs: weights,
      weightData: bytes.buffer,
    }),
  );
  await theirs.load();
  const executed = theirs.execute({ x: tensorOf(input) }, names);
  const wanted = (Array.isArray(executed) ? executed : [executed]).map(numbersOf);

  await tf.setBackend('ort');
  const text = JSON.stringify({
    modelTopology: { node, versions: {} },
    signature,
    weightsManifest: [{ paths: ['w'], weights }],
  });
  const readPlace = (_: string, offset: number, length: number) => bytes.subarray(offset, offset + length);
  const { graph, tensors } = graphFromTfjs(text, 'one.json', { readPlace });
  expect(
    graph.operators.some((operator) => operator.type === 'onnx' && operator.attributes.operator.includes('.')),
  ).toBe(false);
  const values = valuesOf(tensors, readPlace);
  run(graph, values, new Map([['x', input]])).forEach((found, i) => {
    expectSame(found, wanted[i]);
  });
});
