// What a fused kernel does after its product or convolution.
import type { backend_util } from '@tensorflow/tfjs-core';
import type { Program, ProgramNode } from '../program.js';

/** An activation with what it depends on. */
export interface Activation {
  readonly name: backend_util.Activation;
  /** Of leaky ReLU below zero. */
  readonly alpha: number;
}

/** tfjs leaves `leakyreluAlpha` out where it is not leaky ReLU's. */
export const activationOf = (name: backend_util.Activation, leakyreluAlpha: number | undefined): Activation => ({
  name,
  // The default of tf.leakyRelu, and of tfjs's own fused kernels.
  alpha: leakyreluAlpha ?? 0.2,
});

/** The input of a program that has the slopes of a PReLU. */
export const SLOPES = 'slopes';

const OPERATORS: Readonly<Record<Exclude<backend_util.Activation, 'linear' | 'relu6'>, string>> = {
  relu: 'Relu',
  elu: 'Elu',
  sigmoid: 'Sigmoid',
  leakyrelu: 'LeakyRelu',
  prelu: 'PRelu',
};

/** 6 where x is above it; NaN stays, which `Clip` and `Min` do not promise: ReLU(x) - ReLU(x - 6). */
const relu6 = (from: string): ProgramNode[] => [
  { op: 'Relu', inputs: [from], outputs: ['positive'] },
  { op: 'Sub', inputs: [from, 'six'], outputs: ['above'] },
  { op: 'Relu', inputs: ['above'], outputs: ['excess'] },
  { op: 'Sub', inputs: ['positive', 'excess'], outputs: ['y'] },
];

/** The operators from a value to the activated `y`, and the constants that they read. */
export function activationNodes(
  { name, alpha }: Activation,
  from: string,
): Required<Pick<Program, 'nodes' | 'constants'>> {
  if (name === 'relu6') return { nodes: relu6(from), constants: { six: 6 } };
  const op = name === 'linear' ? 'Identity' : OPERATORS[name];
  return {
    nodes: [
      {
        op,
        inputs: name === 'prelu' ? [from, SLOPES] : [from],
        outputs: ['y'],
        attributes: name === 'leakyrelu' ? { alpha: { float: alpha } } : {},
      },
    ],
    constants: {},
  };
}
