// Matrix products, with either operand transposed in place.
import { type _FusedMatMulAttrs, type BatchMatMulAttrs, broadcast_util, type TensorInfo } from '@tensorflow/tfjs-core';
import { sizeOf } from '../backend.js';
import { MICROSOFT } from '../program.js';
import { areFloats, kernelFamily, nativeKernel, oneNode } from './kernel.js';

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

const productAndBias = kernelFamily((transA: boolean, transB: boolean) =>
  oneNode('Gemm', ['float32', 'float32', 'float32'], { transA: Number(transA), transB: Number(transB) }),
);

/** One matrix times another plus a bias `[columns]`, without activation: what a linear layer is. */
const fusedMatMul = nativeKernel<{ a: TensorInfo; b: TensorInfo; bias?: TensorInfo }, _FusedMatMulAttrs>(
  '_FusedMatMul',
  (backend, { a, b, bias }, { transposeA, transposeB, activation }) => {
    const isSingle = sizeOf(a.shape.slice(0, -2)) === 1 && sizeOf(b.shape.slice(0, -2)) === 1;
    if (bias === undefined || bias.shape.length > 1 || activation !== 'linear' || !isSingle || !areFloats(a, b, bias))
      return undefined;
    const [rows, inner] = matrixSize(a, transposeA);
    const [, columns] = matrixSize(b, transposeB);
    const operands = [{ ...a, shape: a.shape.slice(-2) }, { ...b, shape: b.shape.slice(-2) }, bias];
    const work = 2 * rows * inner * columns;
    const [result] = backend.runNative(
      productAndBias(transposeA, transposeB),
      operands,
      [{ shape: [rows, columns] }],
      work,
    );
    return { ...result, shape: [...a.shape.slice(0, -2), rows, columns] };
  },
);

export const matmulKernels = [batchMatMul, fusedMatMul];
