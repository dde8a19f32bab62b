// Matrix products, with either operand transposed in place.
import { type _FusedMatMulAttrs, type BatchMatMulAttrs, broadcast_util, type TensorInfo } from '@tensorflow/tfjs-core';
import { sizeOf } from '../backend.js';
import { MICROSOFT, type Program, type ProgramNode } from '../program.js';
import { type Activation, activationNodes, activationOf, SLOPES } from './activation.js';
import { areFloats, broadcastsTo, kernelFamily, nativeKernel, oneNode } from './kernel.js';

const product = kernelFamily((transA: boolean, transB: boolean) =>
  oneNode(
    'FusedMatMul',
    ['float32', 'float32'],
    { transA: Number(transA), transB: Number(transB) },
    { domain: MICROSOFT },
  ),
);

/** a `[…, m, k]` · b `[…, k, n]`, each as stored or with its last two axes exchanged; leading axes broadcast. */
const batchMatMul = nativeKernel<{ a: TensorInfo; b: TensorInfo }, BatchMatMulAttrs>(
  'BatchMatMul',
  (backend, { a, b }, { transposeA, transposeB }) => {
    if (!areFloats(a, b)) return undefined;
    const [rows, inner] = matrixSize(a, transposeA);
    const [, columns] = matrixSize(b, transposeB);
    const batch = broadcast_util.assertAndGetBroadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
    const work = 2 * sizeOf(batch) * rows * inner * columns;
    return backend.runNative(product(transposeA, transposeB), [a, b], [{ shape: [...batch, rows, columns] }], work)[0];
  },
);

function matrixSize({ shape }: TensorInfo, isTransposed: boolean): readonly [rows: number, columns: number] {
  const [rows, columns] = shape.slice(-2);
  return isTransposed ? [columns, rows] : [rows, columns];
}

/** A product, plus a bias where there is one, and an activation. As a Gemm where both operands are single matrices. */
export const productAndActivation = kernelFamily(
  (
    transA: boolean,
    transB: boolean,
    options: { readonly hasBias: boolean; readonly isSingle: boolean; readonly activation: Activation },
  ): Program => {
    const { hasBias, isSingle, activation } = options;
    const transposed = { transA: Number(transA), transB: Number(transB) };
    const product: ProgramNode[] =
      hasBias && isSingle
        ? [{ op: 'Gemm', inputs: ['a', 'b', 'bias'], outputs: ['linear'], attributes: transposed }]
        : [
            {
              op: 'FusedMatMul',
              domain: MICROSOFT,
              inputs: ['a', 'b'],
              outputs: [hasBias ? 'product' : 'linear'],
              attributes: transposed,
            },
            ...(hasBias ? [{ op: 'Add', inputs: ['product', 'bias'], outputs: ['linear'] }] : []),
          ];
    const { nodes, constants } = activationNodes(activation, 'linear');
    const inputs = ['a', 'b', ...(hasBias ? ['bias'] : []), ...(activation.name === 'prelu' ? [SLOPES] : [])];
    return {
      inputs: Object.fromEntries(inputs.map((name) => [name, 'float32' as const])),
      outputs: { y: 'float32' },
      nodes: [...product, ...nodes],
      constants,
    };
  },
);

interface FusedMatMulInputs {
  readonly a: TensorInfo;
  readonly b: TensorInfo;
  readonly bias?: TensorInfo;
  readonly preluActivationWeights?: TensorInfo;
}

/** A dense layer: a product, a bias that broadcasts over it, and an activation. */
const fusedMatMul = nativeKernel<FusedMatMulInputs, _FusedMatMulAttrs>(
  '_FusedMatMul',
  (backend, { a, b, bias, preluActivationWeights }, { transposeA, transposeB, activation, leakyreluAlpha }) => {
    const others = [bias, activation === 'prelu' ? preluActivationWeights : undefined].filter(
      (info): info is TensorInfo => info !== undefined,
    );
    if (!areFloats(a, b, ...others)) return undefined;
    const [rows, inner] = matrixSize(a, transposeA);
    const [, columns] = matrixSize(b, transposeB);
    const batch = broadcast_util.assertAndGetBroadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
    const shape = [...batch, rows, columns];
    if (!others.every((info) => broadcastsTo(info.shape, shape))) return undefined;
    const isSingle = sizeOf(batch) === 1 && (bias === undefined || bias.shape.length < 3);
    const matrix = (info: TensorInfo): TensorInfo => (isSingle ? { ...info, shape: info.shape.slice(-2) } : info);
    const kernel = productAndActivation(transposeA, transposeB, {
      hasBias: bias !== undefined,
      isSingle,
      activation: activationOf(activation, leakyreluAlpha),
    });
    const work = 2 * sizeOf(batch) * rows * inner * columns;
    const output = isSingle ? [rows, columns] : shape;
    const [result] = backend.runNative(
      kernel,
      [matrix(a), matrix(b), ...others.map(matrix)],
      [{ shape: output }],
      work,
    );
    return { ...result, shape };
  },
);

export const matmulKernels = [batchMatMul, fusedMatMul];
