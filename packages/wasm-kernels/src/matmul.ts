// Matrix products on the wasm backend's fast path. XNNPACK serves only a single product of operands as they are stored: transposed operands are
// transposed first, and batches run one entry at a time, unless their matrices are so small that this costs more than it saves.
import {
  type _FusedMatMulAttrs,
  type BatchMatMulAttrs,
  broadcast_util,
  type KernelFunc,
  type NamedTensorInfoMap,
  type TensorInfo,
} from '@tensorflow/tfjs-core';
import { runKernel, sizeOf, type WasmBackend, withIntermediates } from './kernel.js';

/**
 * Products of a batch with fewer multiplications than this are left to the backend's plain loop: XNNPACK prepares an operator for every
 * entry. At 17·12·17, the scores of a small attention, the loop is 20 times faster, at 65·64·65 still 4 times.
 */
const SMALL_PRODUCT = 2 ** 19;

/** The kernel for `BatchMatMul`, on top of the backend's own. */
export function fastBatchMatMul(original: KernelFunc): KernelFunc {
  return ({ inputs, attrs, backend }) => {
    const { a, b } = inputs as { a: TensorInfo; b: TensorInfo };
    const { transposeA, transposeB } = attrs as unknown as BatchMatMulAttrs;
    const batch = broadcast_util.assertAndGetBroadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
    const count = sizeOf(batch);
    const isSimple = [a, b].every(({ shape }) => [1, count].includes(sizeOf(shape.slice(0, -2))));
    const inner = a.shape[a.shape.length - (transposeA ? 2 : 1)];
    const isSmall = count > 1 && (sizeOf(a.shape.slice(-2)) * sizeOf(b.shape.slice(-2))) / inner < SMALL_PRODUCT;
    // Both operands repeat along some axis: rare, and the slow path is right.
    if (!isSimple || isSmall) return original({ inputs, attrs: attrs ?? {}, backend });
    return withIntermediates(backend, (keep) => {
      const stored = (x: TensorInfo, isTransposed: boolean): TensorInfo => {
        const matrices = asMatrices(x);
        return isTransposed ? keep(runKernel(backend, 'Transpose', { x: matrices }, { perm: [0, 2, 1] })) : matrices;
      };
      const [left, right] = [stored(a, transposeA), stored(b, transposeB)];
      const shape = [...batch, left.shape[1], right.shape[2]];
      const product = (x: TensorInfo, y: TensorInfo): TensorInfo => {
        const result = original({ inputs: { a: x, b: y }, attrs: { transposeA: false, transposeB: false }, backend });
        return Array.isArray(result) ? result[0] : result;
      };
      if (count === 1) return { ...product(left, right), shape };
      const entry = (x: TensorInfo, i: number): TensorInfo =>
        x.shape[0] === 1
          ? x
          : keep(runKernel(backend, 'Slice', { x }, { begin: [i, 0, 0], size: [1, x.shape[1], x.shape[2]] }));
      const products = Array.from({ length: count }, (_, i) => keep(product(entry(left, i), entry(right, i))));
      // Concat takes its inputs as a list, which tfjs's own type for kernels does not say.
      const joined = runKernel(backend, 'Concat', products as unknown as NamedTensorInfoMap, { axis: 0 });
      return { ...joined, shape };
    });
  };
}

/** `[…, rows, columns]` as `[matrices, rows, columns]`: the same memory under another shape. */
const asMatrices = (x: TensorInfo): TensorInfo => ({
  ...x,
  shape: [sizeOf(x.shape.slice(0, -2)), ...x.shape.slice(-2)],
});

/**
 * The kernel for `_FusedMatMul`, on top of the backend's own, whose result is wrong for transposed operands with a bias (tfjs 4.22): they are
 * transposed first here as well. It also refuses a bias that was not made as a vector but reshaped to one: that is copied.
 */
export function fastFusedMatMul(original: KernelFunc): KernelFunc {
  return ({ inputs, attrs, backend }) => {
    const { a, b, bias } = inputs as { a: TensorInfo; b: TensorInfo; bias?: TensorInfo };
    const { transposeA, transposeB } = attrs as unknown as _FusedMatMulAttrs;
    return withIntermediates(backend, (keep) => {
      const stored = (x: TensorInfo, isTransposed: boolean): TensorInfo =>
        isTransposed ? keep(runKernel(backend, 'Transpose', { x }, { perm: [0, 2, 1] })) : x;
      const vector = (x: TensorInfo): TensorInfo =>
        (backend as WasmBackend).dataIdMap.get(x.dataId).shape.length === 1
          ? x
          : keep(runKernel(backend, 'Slice', { x }, { begin: [0], size: x.shape }));
      const withBias = bias === undefined ? {} : { bias: vector(bias) };
      const operands = { ...inputs, ...withBias, a: stored(a, transposeA), b: stored(b, transposeB) };
      const result = original({ inputs: operands, attrs: { ...attrs, transposeA: false, transposeB: false }, backend });
      return Array.isArray(result) ? result[0] : result;
    });
  };
}
