// Whole layers and their gradients as one kernel each, under names that tfjs does not have: `@logah/tensor-ops` uses them where a backend
// offers them. Each runs its program tile by tile, so that what lies between its operators stays in the processor's cache.
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { type OrtBackend, sizeOf } from '../backend.js';
import type { Program } from '../program.js';
import { Kernel } from '../session.js';
import { areFloats, floats, HEAVY, kernelFamily, type NativeKernel, nativeKernel, node, oneNode } from './kernel.js';

const gelu = kernelFamily((approximate: 'none' | 'tanh') => oneNode('Gelu', ['float32'], { approximate }));

/**
 * dy · (Φ(x) + x · φ(x)), with the normal distribution function Φ and its density φ. Every operator is a pass over memory, so there are few:
 * HardSigmoid is ½ + ½ erf here, which never leaves [0, 1], and the density's factor is within its exponent.
 */
const geluGradExact: Program = {
  inputs: floats('dy', 'x'),
  outputs: floats('dx'),
  nodes: [
    node('Mul', ['x', 'sqrtHalf'], 'scaled'),
    node('Erf', ['scaled'], 'erf'),
    node('HardSigmoid', ['erf'], 'distribution', { alpha: { float: 0.5 }, beta: { float: 0.5 } }),
    node('Mul', ['scaled', 'scaled'], 'halfSquare'),
    node('Sub', ['logFactor', 'halfSquare'], 'exponent'),
    node('Exp', ['exponent'], 'density'),
    node('Mul', ['x', 'density'], 'slope'),
    node('Add', ['distribution', 'slope'], 'derivative'),
    node('Mul', ['dy', 'derivative'], 'dx'),
  ],
  constants: { sqrtHalf: Math.SQRT1_2, logFactor: -Math.log(2 * Math.PI) / 2 },
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

/**
 * m' = β1 m + (1 - β1) g, v' = β2 v + (1 - β2) g², p' = keep · p - stepSize · m' / (√v' · secondCorrection + ε), of a gradient that is scaled first
 * where it has to be.
 */
const adamW = kernelFamily(
  (isScaled: boolean): Program => ({
    inputs: floats(
      'p',
      'raw',
      'm',
      'v',
      'scale',
      'keep',
      'beta1',
      'rest1',
      'beta2',
      'rest2',
      'stepSize',
      'second',
      'epsilon',
    ),
    outputs: floats('newP', 'newM', 'newV'),
    nodes: [
      isScaled ? node('Mul', ['raw', 'scale'], 'g') : node('Identity', ['raw'], 'g'),
      node('Mul', ['m', 'beta1'], 'keptM'),
      node('Mul', ['g', 'rest1'], 'addedM'),
      node('Add', ['keptM', 'addedM'], 'newM'),
      node('Mul', ['v', 'beta2'], 'keptV'),
      node('Mul', ['g', 'g'], 'square'),
      node('Mul', ['square', 'rest2'], 'addedV'),
      node('Add', ['keptV', 'addedV'], 'newV'),
      node('Sqrt', ['newV'], 'root'),
      node('Mul', ['root', 'second'], 'corrected'),
      node('Add', ['corrected', 'epsilon'], 'denominator'),
      node('Mul', ['newM', 'stepSize'], 'numerator'),
      node('Div', ['numerator', 'denominator'], 'step'),
      node('Mul', ['p', 'keep'], 'keptP'),
      node('Sub', ['keptP', 'step'], 'newP'),
    ],
  }),
);

type AdamWTensors = Readonly<Record<'parameter' | 'gradient' | 'first' | 'second', TensorInfo>>;

/** Tensors of fewer elements are updated here: a program of fifteen operators is called for longer than it computes on them; measured. */
const MOST_IN_JAVASCRIPT = 2 ** 15;

function adamWStep(backend: OrtBackend, tensors: AdamWTensors, scalars: AdamWAttributes): TensorInfo[] {
  const { gradientScale, keep, beta1, beta2, stepSize, secondCorrection, epsilon } = scalars;
  const inputs = [tensors.parameter, tensors.gradient, tensors.first, tensors.second];
  const { shape } = tensors.parameter;
  if (sizeOf(shape) > MOST_IN_JAVASCRIPT)
    return backend.runTiled(adamW(gradientScale !== 1), sizeOf(shape), inputs, [shape, shape, shape], {
      scalars: [gradientScale, keep, beta1, 1 - beta1, beta2, 1 - beta2, stepSize, secondCorrection, epsilon],
    });
  const [p, g, m, v] = inputs.map((info) => backend.floats(info));
  const [newP, newM, newV] = [shape, shape, shape].map((sizes) => backend.allocate(sizes));
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
    areFloats(x)
      ? backend.runNative(gelu(approximate), [x], [{ shape: x.shape }], HEAVY * sizeOf(x.shape))[0]
      : undefined,
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
      const outputs = [{ shape: x.shape }, statistics, statistics];
      return backend.runNative(layerNorm(epsilon), [x, weight, bias], outputs, HEAVY * sizeOf(x.shape));
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
  nativeKernel<AdamWTensors, AdamWAttributes>('AdamW', (backend, tensors, scalars) =>
    areFloats(...Object.values(tensors)) ? adamWStep(backend, tensors, scalars) : undefined,
  ),
];
