// Multi-head self-attention (arXiv 1706.03762) and its gradient as one kernel each, under names that tfjs does not have
// (`@logah/tensor-ops` uses them). Shapes: qkv `[batch, time, 3 * features]`, probabilities `[batch, heads, time, time]`.
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { MICROSOFT, type Program, type ProgramNode } from '../program.js';
import { areFloats, floats, kernelFamily, type NativeKernel, nativeKernel, node } from './kernel.js';

/** Queries, keys and values of `qkv`, each `[batch, heads, time, headSize]`. */
const split: readonly ProgramNode[] = [
  node('Reshape', ['qkv', 'packedShape'], 'packed'), // [batch, time, 3, heads, headSize]
  node('Transpose', ['packed'], 'thirds', { perm: [2, 0, 3, 1, 4] }),
  { op: 'Split', inputs: ['thirds'], outputs: ['thirdQ', 'thirdK', 'thirdV'], attributes: { axis: 0, num_outputs: 3 } },
  node('Squeeze', ['thirdQ', 'first'], 'q'),
  node('Squeeze', ['thirdK', 'first'], 'k'),
  node('Squeeze', ['thirdV', 'first'], 'v'),
];

/** A product of two of them or of probabilities; `scale` is the logits' 1 / √headSize. */
const product = (
  inputs: readonly [string, string],
  output: string,
  { transA = 0, transB = 0, scale = 1 }: { transA?: number; transB?: number; scale?: number } = {},
): ProgramNode => node('FusedMatMul', inputs, output, { transA, transB, alpha: { float: scale } }, MICROSOFT);

/** In ONNX's Reshape, 0 keeps an axis and -1 is what is left. */
const shapes = (heads: number) => ({
  packedShape: [0n, 0n, 3n, BigInt(heads), -1n],
  headsShape: [0n, 0n, BigInt(heads), -1n],
  joinedShape: [0n, 0n, -1n],
  first: [0n],
  last: [-1n],
});

const selfAttention = kernelFamily((heads: number, scale: number, hasBias: boolean): Program => {
  const { packedShape, joinedShape, first } = shapes(heads);
  return {
    inputs: floats('qkv', ...(hasBias ? ['bias'] : [])),
    outputs: floats('y', 'probabilities'),
    nodes: [
      ...split,
      product(['q', 'k'], hasBias ? 'scores' : 'logits', { transB: 1, scale }),
      ...(hasBias ? [node('Add', ['scores', 'bias'], 'logits')] : []),
      node('Softmax', ['logits'], 'probabilities', { axis: -1 }),
      product(['probabilities', 'v'], 'mixed'),
      node('Transpose', ['mixed'], 'turned', { perm: [0, 2, 1, 3] }),
      node('Reshape', ['turned', 'joinedShape'], 'y'),
    ],
    constants: { packedShape, joinedShape, first },
  };
});

/** With P = softmax(Q Kᵀ / √headSize), Y = P V: dV = Pᵀ dY, dP = dY Vᵀ, dS = P · (dP - Σ dP · P), dQ = dS K / √headSize, dK = dSᵀ Q / √headSize. */
const selfAttentionGrad = kernelFamily(
  (heads: number, scale: number): Program => ({
    inputs: floats('dy', 'qkv', 'probabilities'),
    outputs: floats('dQkv'),
    nodes: [
      ...split,
      node('Reshape', ['dy', 'headsShape'], 'dyHeads'),
      node('Transpose', ['dyHeads'], 'dMixed', { perm: [0, 2, 1, 3] }),
      product(['probabilities', 'dMixed'], 'dV', { transA: 1 }),
      product(['dMixed', 'v'], 'dProbabilities', { transB: 1 }),
      node('Mul', ['dProbabilities', 'probabilities'], 'weighted'),
      node('ReduceSum', ['weighted', 'last'], 'sum', { keepdims: 1 }),
      node('Sub', ['dProbabilities', 'sum'], 'centered'),
      node('Mul', ['centered', 'probabilities'], 'dLogits'),
      product(['dLogits', 'k'], 'dQ', { scale }),
      product(['dLogits', 'q'], 'dK', { transA: 1, scale }),
      ...['dQ', 'dK', 'dV'].map((name) => node('Unsqueeze', [name, 'first'], `${name}Third`)),
      node('Concat', ['dQThird', 'dKThird', 'dVThird'], 'dThirds', { axis: 0 }),
      node('Transpose', ['dThirds'], 'dPacked', { perm: [1, 3, 0, 2, 4] }),
      node('Reshape', ['dPacked', 'joinedShape'], 'dQkv'),
    ],
    constants: shapes(heads),
  }),
);

interface Sizes {
  readonly scale: number;
  readonly probabilities: readonly number[];
  /** Operations of one of the products with probabilities. */
  readonly work: number;
}

function sizesOf({ shape }: TensorInfo, heads: number): Sizes {
  const [batch, time, packed] = shape;
  const features = packed / 3;
  return {
    scale: 1 / Math.sqrt(features / heads),
    probabilities: [batch, heads, time, time],
    work: 2 * batch * time * time * features,
  };
}

const forward = nativeKernel<{ qkv: TensorInfo; bias?: TensorInfo }, { readonly heads: number }>(
  'SelfAttention',
  (backend, { qkv, bias }, { heads }) => {
    const inputs = bias === undefined ? [qkv] : [qkv, bias];
    if (!areFloats(...inputs)) return undefined;
    const { scale, probabilities, work } = sizesOf(qkv, heads);
    const [batch, time, packed] = qkv.shape;
    const outputs = [{ shape: [batch, time, packed / 3] }, { shape: probabilities }];
    return backend.runNative(selfAttention(heads, scale, bias !== undefined), inputs, outputs, 2 * work);
  },
);

const backward = nativeKernel<Readonly<Record<'dy' | 'qkv' | 'probabilities', TensorInfo>>, { readonly heads: number }>(
  'SelfAttentionGrad',
  (backend, { dy, qkv, probabilities }, { heads }) => {
    if (!areFloats(dy, qkv, probabilities)) return undefined;
    const { scale, work } = sizesOf(qkv, heads);
    const kernel = selfAttentionGrad(heads, scale);
    return backend.runNative(kernel, [dy, qkv, probabilities], [{ shape: qkv.shape }], 4 * work)[0];
  },
);

export const selfAttentionKernels: readonly NativeKernel[] = [forward, backward];
