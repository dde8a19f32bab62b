// Whole layers and their gradients as one kernel each, under names that tfjs does not have: `@logah/tensor-ops` uses them where a backend
// offers them. Each runs its program tile by tile, so that what lies between its operators stays in the processor's cache.
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { type OrtBackend, sizeOf } from '../backend.js';
import type { Program, ProgramNode } from '../program.js';
import { Kernel } from '../session.js';
import { areFloats, kernelFamily, type NativeKernel, nativeKernel, oneNode } from './kernel.js';

const floats = (...names: string[]) => Object.fromEntries(names.map((name) => [name, 'float32' as const]));
const node = (
  op: string,
  inputs: readonly string[],
  output: string,
  attributes: ProgramNode['attributes'] = {},
): ProgramNode => ({
  op,
  inputs,
  outputs: [output],
  attributes,
});

const gelu = kernelFamily((approximate: 'none' | 'tanh') => oneNode('Gelu', ['float32'], { approximate }));

/** dy · (Φ(x) + x · φ(x)), with the normal distribution function Φ and its density φ. */
const geluGradExact: Program = {
  inputs: floats('dy', 'x'),
  outputs: floats('dx'),
  nodes: [
    node('Mul', ['x', 'sqrtHalf'], 'scaled'),
    node('Erf', ['scaled'], 'erf'),
    node('Add', ['erf', 'one'], 'twice'),
    node('Mul', ['twice', 'half'], 'distribution'),
    node('Mul', ['x', 'x'], 'square'),
    node('Mul', ['square', 'minusHalf'], 'exponent'),
    node('Exp', ['exponent'], 'bell'),
    node('Mul', ['bell', 'inverseSqrt2Pi'], 'density'),
    node('Mul', ['x', 'density'], 'slope'),
    node('Add', ['distribution', 'slope'], 'derivative'),
    node('Mul', ['dy', 'derivative'], 'dx'),
  ],
  constants: { sqrtHalf: Math.SQRT1_2, one: 1, half: 0.5, minusHalf: -0.5, inverseSqrt2Pi: 1 / Math.sqrt(2 * Math.PI) },
};

/** With t = tanh(u), u = √(2/π)(x + 0.044715 x³): dy · ½(1 + t + x · (1 - t²) · u'). */
const geluGradTanh: Program = {
  inputs: floats('dy', 'x'),
  outputs: floats('dx'),
  nodes: [
    node('Mul', ['x', 'x'], 'square'),
    node('Mul', ['square', 'cubic'], 'cubicSquare'),
    node('Add', ['cubicSquare', 'one'], 'factor'),
    node('Mul', ['x', 'sqrt2OverPi'], 'scaled'),
    node('Mul', ['scaled', 'factor'], 'u'),
    node('Tanh', ['u'], 't'),
    node('Mul', ['cubicSquare', 'three'], 'cubicSlope'),
    node('Add', ['cubicSlope', 'one'], 'slope'),
    node('Mul', ['scaled', 'slope'], 'xSlope'),
    node('Mul', ['t', 't'], 'tSquare'),
    node('Sub', ['one', 'tSquare'], 'tSlope'),
    node('Mul', ['xSlope', 'tSlope'], 'product'),
    node('Add', ['t', 'one'], 'onePlusT'),
    node('Add', ['onePlusT', 'product'], 'twice'),
    node('Mul', ['twice', 'half'], 'derivative'),
    node('Mul', ['dy', 'derivative'], 'dx'),
  ],
  constants: { cubic: 0.044715, one: 1, three: 3, half: 0.5, sqrt2OverPi: Math.sqrt(2 / Math.PI) },
};

const geluGrad = { none: new Kernel(geluGradExact), tanh: new Kernel(geluGradTanh) };

const layerNorm = kernelFamily(
  (epsilon: number): Program => ({
    inputs: floats('x', 'weight', 'bias'),
    outputs: floats('y', 'mean', 'inverse'),
    nodes: [
      {
        op: 'LayerNormalization',
        inputs: ['x', 'weight', 'bias'],
        outputs: ['y', 'mean', 'inverse'],
        attributes: { axis: -1, epsilon: { float: epsilon } },
      },
    ],
  }),
);

const layerNormGrad = new Kernel({
  inputs: floats('dy', 'x', 'mean', 'inverse', 'weight'),
  outputs: floats('dx', 'dWeight', 'dBias'),
  nodes: [
    node('Sub', ['x', 'mean'], 'centered'),
    node('Mul', ['centered', 'inverse'], 'hat'),
    node('Mul', ['dy', 'weight'], 'dHat'),
    node('ReduceMean', ['dHat', 'features'], 'meanDHat', { keepdims: 1 }),
    node('Mul', ['dHat', 'hat'], 'dHatHat'),
    node('ReduceMean', ['dHatHat', 'features'], 'meanDHatHat', { keepdims: 1 }),
    node('Mul', ['hat', 'meanDHatHat'], 'along'),
    node('Sub', ['dHat', 'meanDHat'], 'centeredDHat'),
    node('Sub', ['centeredDHat', 'along'], 'rest'),
    node('Mul', ['rest', 'inverse'], 'dx'),
    node('Mul', ['dy', 'hat'], 'dyHat'),
    node('ReduceSum', ['dyHat', 'rows'], 'dWeight', { keepdims: 0 }),
    node('ReduceSum', ['dy', 'rows'], 'dBias', { keepdims: 0 }),
  ],
  constants: { features: [1n], rows: [0n] },
});

/** y · (dy - Σ dy · y) over the last axis. */
const softmaxGrad = new Kernel({
  inputs: floats('dy', 'y'),
  outputs: floats('dx'),
  nodes: [
    node('Mul', ['dy', 'y'], 'product'),
    node('ReduceSum', ['product', 'last'], 'sum', { keepdims: 1 }),
    node('Sub', ['dy', 'sum'], 'centered'),
    node('Mul', ['centered', 'y'], 'dx'),
  ],
  constants: { last: [-1n] },
});

/** A gradient from two tensors of one shape, in tiles of their last axis. */
const pair = (backend: OrtBackend, kernel: Kernel, dy: TensorInfo, x: TensorInfo): TensorInfo =>
  backend.runTiled(kernel, sizeOf(x.shape.slice(0, -1)), [dy, x], [x.shape])[0];

type Approximation = { readonly approximate: 'none' | 'tanh' };

const sumOfSquares = new Kernel({
  inputs: floats('x'),
  outputs: floats('y'),
  nodes: [node('ReduceSumSquare', ['x'], 'y', { keepdims: 0 })],
});

type AdamWAttributes = Readonly<
  Record<'gradientScale' | 'keep' | 'beta1' | 'beta2' | 'stepSize' | 'secondCorrection' | 'epsilon', number>
>;

/** One pass over memory in plain JavaScript: a program of some fourteen operators would be called more often than it computes. */
function adamW(
  backend: OrtBackend,
  inputs: Record<'parameter' | 'gradient' | 'first' | 'second', TensorInfo>,
  scalars: AdamWAttributes,
): TensorInfo[] {
  const { gradientScale, keep, beta1, beta2, stepSize, secondCorrection, epsilon } = scalars;
  const [p, g, m, v] = [inputs.parameter, inputs.gradient, inputs.first, inputs.second].map((info) =>
    backend.floats(info),
  );
  const [newP, newM, newV] = [inputs.parameter, inputs.first, inputs.second].map(({ shape }) =>
    backend.allocate(shape),
  );
  for (let i = 0; i < p.length; i++) {
    const gradient = g[i] * gradientScale;
    const first = beta1 * m[i] + (1 - beta1) * gradient;
    const second = beta2 * v[i] + (1 - beta2) * gradient * gradient;
    newM.values[i] = first;
    newV.values[i] = second;
    newP.values[i] = p[i] * keep - (stepSize * first) / (Math.sqrt(second) * secondCorrection + epsilon);
  }
  return [newP.info, newM.info, newV.info];
}

export const layerKernels: readonly NativeKernel[] = [
  nativeKernel<{ x: TensorInfo }, Approximation>('Gelu', (backend, { x }, { approximate }) =>
    areFloats(x) ? backend.runNative(gelu(approximate), [x], [{ shape: x.shape }])[0] : undefined,
  ),
  nativeKernel<{ dy: TensorInfo; x: TensorInfo }, Approximation>('GeluGrad', (backend, { dy, x }, { approximate }) =>
    areFloats(dy, x) ? pair(backend, geluGrad[approximate], dy, x) : undefined,
  ),
  nativeKernel<{ dy: TensorInfo; y: TensorInfo }>('SoftmaxGrad', (backend, { dy, y }) =>
    areFloats(dy, y) ? pair(backend, softmaxGrad, dy, y) : undefined,
  ),
  nativeKernel<{ x: TensorInfo; weight: TensorInfo; bias: TensorInfo }, { readonly epsilon: number }>(
    'LayerNorm',
    (backend, { x, weight, bias }, { epsilon }) => {
      if (!areFloats(x, weight, bias)) return undefined;
      const statistics = { shape: [x.shape[0], 1] };
      return backend.runNative(layerNorm(epsilon), [x, weight, bias], [{ shape: x.shape }, statistics, statistics]);
    },
  ),
  nativeKernel<Record<'dy' | 'x' | 'mean' | 'inverse' | 'weight', TensorInfo>>(
    'LayerNormGrad',
    (backend, { dy, x, mean, inverse, weight }) =>
      areFloats(dy, x, mean, inverse, weight)
        ? backend.runTiled(layerNormGrad, x.shape[0], [dy, x, mean, inverse], [x.shape], {
            shared: [weight],
            summed: [weight.shape, weight.shape],
          })
        : undefined,
  ),
  nativeKernel<{ x: TensorInfo }>('SumOfSquares', (backend, { x }) =>
    areFloats(x) ? backend.runNative(sumOfSquares, [x], [{ shape: [] }])[0] : undefined,
  ),
  nativeKernel<Record<'parameter' | 'gradient' | 'first' | 'second', TensorInfo>, AdamWAttributes>(
    'AdamW',
    (backend, inputs, scalars) => (areFloats(...Object.values(inputs)) ? adamW(backend, inputs, scalars) : undefined),
  ),
];
