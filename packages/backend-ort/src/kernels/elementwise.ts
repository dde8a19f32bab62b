// Element by element, with ONNX's broadcasting, which is tfjs's.
import {
  type BinaryInputs,
  broadcast_util,
  type ClipByValueAttrs,
  type LeakyReluAttrs,
  type SelectInputs,
  type StepAttrs,
  type TensorInfo,
  type UnaryInputs,
} from '@tensorflow/tfjs-core';
import { sizeOf } from '../backend.js';
import type { Program, ProgramNode } from '../program.js';
import { Kernel } from '../session.js';
import { type Activation, activationNodes } from './activation.js';
import {
  areFloats,
  broadcastsTo,
  HEAVY,
  kernelFamily,
  LIGHT,
  type NativeKernel,
  nativeKernel,
  oneNode,
} from './kernel.js';

function binary(name: string, program: Program, dtype: 'float32' | 'bool' = 'float32'): NativeKernel {
  const kernel = new Kernel(program);
  return nativeKernel<BinaryInputs & { a: TensorInfo; b: TensorInfo }>(name, (backend, { a, b }) => {
    if (!areFloats(a, b)) return undefined;
    const shape = broadcast_util.assertAndGetBroadcastShape(a.shape, b.shape);
    return backend.runNative(kernel, [a, b], [{ shape, dtype }], LIGHT * sizeOf(shape))[0];
  });
}

function unary(name: string, program: Program): NativeKernel {
  const kernel = new Kernel(program);
  return nativeKernel<{ x: TensorInfo }>(name, (backend, { x }) =>
    areFloats(x) ? backend.runNative(kernel, [x], [{ shape: x.shape }], HEAVY * sizeOf(x.shape))[0] : undefined,
  );
}

const two = (op: string): Program => oneNode(op, ['float32', 'float32']);
const compare = (op: string): Program => oneNode(op, ['float32', 'float32'], {}, { output: 'bool' });
const one = (op: string): Program => oneNode(op, ['float32']);
const chain = (inputs: readonly string[], ...nodes: ProgramNode[]): Program => ({
  inputs: Object.fromEntries(inputs.map((name) => [name, 'float32' as const])),
  outputs: { y: 'float32' },
  nodes,
});

const clip = kernelFamily(
  (low: number, high: number): Program => ({
    inputs: { x: 'float32' },
    outputs: { y: 'float32' },
    nodes: [{ op: 'Clip', inputs: ['x', 'low', 'high'], outputs: ['y'] }],
    constants: { low, high },
  }),
);
const leaky = kernelFamily((alpha: number) => oneNode('LeakyRelu', ['float32'], { alpha: { float: alpha } }));
/** 1 above zero, 0 below, NaN stays. */
const unitStep = new Kernel(
  chain(['x'], { op: 'Sign', inputs: ['x'], outputs: ['sign'] }, { op: 'Relu', inputs: ['sign'], outputs: ['y'] }),
);
/** An activation alone. */
const activated = (activation: Activation): Program => ({ ...chain(['x']), ...activationNodes(activation, 'x') });
const prelu = new Kernel(two('PRelu'));
/** dy · (1 + min(y, 0)), where NaN stays: min(y, 0) is -ReLU(-y). */
const eluGrad = new Kernel({
  ...chain(
    ['dy', 'y0'],
    { op: 'Neg', inputs: ['y0'], outputs: ['negated'] },
    { op: 'Relu', inputs: ['negated'], outputs: ['below'] },
    { op: 'Sub', inputs: ['one', 'below'], outputs: ['slope'] },
    { op: 'Mul', inputs: ['dy', 'slope'], outputs: ['y'] },
  ),
  constants: { one: 1 },
});
const where = new Kernel(oneNode('Where', ['bool', 'float32', 'float32']));

export const elementwiseKernels: readonly NativeKernel[] = [
  binary('Add', two('Add')),
  binary('Sub', two('Sub')),
  binary('Multiply', two('Mul')),
  binary('RealDiv', two('Div')),
  binary('Maximum', two('Max')),
  binary('Minimum', two('Min')),
  binary('Pow', two('Pow')),
  binary(
    'SquaredDifference',
    chain(
      ['a', 'b'],
      { op: 'Sub', inputs: ['a', 'b'], outputs: ['d'] },
      { op: 'Mul', inputs: ['d', 'd'], outputs: ['y'] },
    ),
  ),
  binary('Greater', compare('Greater'), 'bool'),
  binary('GreaterEqual', compare('GreaterOrEqual'), 'bool'),
  binary('Less', compare('Less'), 'bool'),
  binary('LessEqual', compare('LessOrEqual'), 'bool'),
  binary('Equal', compare('Equal'), 'bool'),
  unary('Abs', one('Abs')),
  unary('Ceil', one('Ceil')),
  unary('Cos', one('Cos')),
  unary('Erf', one('Erf')),
  unary('Exp', one('Exp')),
  unary('Floor', one('Floor')),
  unary('Log', one('Log')),
  unary('Neg', one('Neg')),
  unary('Reciprocal', one('Reciprocal')),
  unary('Relu', one('Relu')),
  unary('Sigmoid', one('Sigmoid')),
  unary('Sin', one('Sin')),
  unary('Sqrt', one('Sqrt')),
  unary('Tanh', one('Tanh')),
  unary('Elu', one('Elu')),
  unary('Selu', one('Selu')),
  unary('Softplus', one('Softplus')),
  unary('Relu6', activated({ name: 'relu6', alpha: 0 })),
  nativeKernel<{ x: TensorInfo; alpha: TensorInfo }>('Prelu', (backend, { x, alpha }) =>
    areFloats(x, alpha) && broadcastsTo(alpha.shape, x.shape)
      ? backend.runNative(prelu, [x, alpha], [{ shape: x.shape }])[0]
      : undefined,
  ),
  nativeKernel<{ dy: TensorInfo; y: TensorInfo }>('EluGrad', (backend, { dy, y }) =>
    areFloats(dy, y) ? backend.runNative(eluGrad, [dy, y], [{ shape: y.shape }])[0] : undefined,
  ),
  unary('Square', chain(['x'], { op: 'Mul', inputs: ['x', 'x'], outputs: ['y'] })),
  unary(
    'Rsqrt',
    chain(['x'], { op: 'Sqrt', inputs: ['x'], outputs: ['r'] }, { op: 'Reciprocal', inputs: ['r'], outputs: ['y'] }),
  ),
  nativeKernel<UnaryInputs & { x: TensorInfo }, StepAttrs>('Step', (backend, { x }, { alpha }) =>
    areFloats(x) && alpha === 0 ? backend.runNative(unitStep, [x], [{ shape: x.shape }])[0] : undefined,
  ),
  nativeKernel<UnaryInputs & { x: TensorInfo }, LeakyReluAttrs>('LeakyRelu', (backend, { x }, { alpha }) =>
    areFloats(x) ? backend.runNative(leaky(alpha), [x], [{ shape: x.shape }])[0] : undefined,
  ),
  nativeKernel<UnaryInputs & { x: TensorInfo }, ClipByValueAttrs>(
    'ClipByValue',
    (backend, { x }, { clipValueMin, clipValueMax }) =>
      areFloats(x) ? backend.runNative(clip(clipValueMin, clipValueMax), [x], [{ shape: x.shape }])[0] : undefined,
  ),
  nativeKernel<Required<SelectInputs> & { condition: TensorInfo; t: TensorInfo; e: TensorInfo }>(
    'Select',
    (backend, { condition, t, e }) =>
      // A condition of lower rank selects rows, which is not broadcasting.
      condition.dtype === 'bool' && areFloats(t, e) && condition.shape.length === t.shape.length
        ? backend.runNative(where, [condition, t, e], [{ shape: t.shape }])[0]
        : undefined,
  ),
  nativeKernel<readonly TensorInfo[]>('AddN', (backend, tensors) =>
    areFloats(...tensors)
      ? backend.runNative(sumOf(tensors.length), tensors, [{ shape: tensors[0].shape }])[0]
      : undefined,
  ),
];

const sumOf = kernelFamily((count: number) =>
  oneNode(
    'Sum',
    Array.from({ length: count }, () => 'float32' as const),
  ),
);
