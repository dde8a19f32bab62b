// Moving values without changing them: transposition, slicing, joining, repeating, look-up.
import {
  backend_util,
  type ConcatAttrs,
  type GatherV2Attrs,
  type PackAttrs,
  type PadV2Attrs,
  type SliceAttrs,
  type SplitVAttrs,
  slice_util,
  type TensorInfo,
  type TileAttrs,
  type TransposeAttrs,
  type UnpackAttrs,
  type UnsortedSegmentSumAttrs,
  util,
} from '@tensorflow/tfjs-core';
import { type OrtBackend, sizeOf } from '../backend.js';
import type { Program } from '../program.js';
import { areFloats, kernelFamily, LIGHT, type NativeKernel, nativeKernel, oneNode } from './kernel.js';

const transposed = kernelFamily((perm: readonly number[]) => oneNode('Transpose', ['float32'], { perm }));
const joined = kernelFamily((axis: number, count: number) =>
  oneNode(
    'Concat',
    Array.from({ length: count }, () => 'float32' as const),
    { axis },
  ),
);
const gathered = kernelFamily((axis: number) => oneNode('Gather', ['float32', 'int32'], { axis }));
const constantInput = (op: string, constants: Record<string, readonly bigint[] | number>): Program => ({
  inputs: { x: 'float32' },
  outputs: { y: 'float32' },
  nodes: [{ op, inputs: ['x', ...Object.keys(constants)], outputs: ['y'] }],
  constants,
});
const tiled = kernelFamily((repeats: readonly number[]) => constantInput('Tile', { repeats: repeats.map(BigInt) }));
const padded = kernelFamily((pads: readonly number[], value: number) =>
  constantInput('Pad', { pads: pads.map(BigInt), value }),
);

/** A part of a tensor, copied row by row: a row is what lies together in memory. */
function sliceOf(backend: OrtBackend, x: TensorInfo, begin: readonly number[], size: readonly number[]): TensorInfo {
  const { info, values } = backend.allocate(size);
  const source = backend.floats(x);
  const rank = size.length;
  // The last axis that is cut, and all whole axes behind it, make one run of memory.
  let inner = rank;
  while (inner > 0 && size[inner - 1] === x.shape[inner - 1]) inner--;
  const axis = Math.max(inner - 1, 0);
  const run = sizeOf(size.slice(axis));
  const strides = util.computeStrides([...x.shape, 1]);
  const index = new Array<number>(axis).fill(0);
  for (let at = 0; at < values.length; at += run) {
    let offset = rank === 0 ? 0 : begin[axis] * strides[axis];
    for (let i = 0; i < axis; i++) offset += (begin[i] + index[i]) * strides[i];
    values.set(source.subarray(offset, offset + run), at);
    for (let i = axis - 1; i >= 0 && ++index[i] === size[i]; i--) index[i] = 0;
  }
  return info;
}

const reshaped = (backend: OrtBackend, info: TensorInfo, shape: number[]): TensorInfo => {
  backend.incRef(info.dataId);
  return { ...info, shape };
};

function concat(backend: OrtBackend, tensors: readonly TensorInfo[], axis: number): TensorInfo {
  const shape = [...tensors[0].shape];
  shape[axis] = tensors.reduce((sum, tensor) => sum + tensor.shape[axis], 0);
  return backend.runNative(joined(axis, tensors.length), tensors, [{ shape }])[0];
}

/** A float tensor with its axes in another order. */
export function transpose(backend: OrtBackend, x: TensorInfo, perm: readonly number[]): TensorInfo {
  const shape = perm.map((axis) => x.shape[axis]);
  // Axes of size 1 may go anywhere, and axes that stay neighbours move as one.
  const moving = perm.filter((axis) => x.shape[axis] !== 1);
  const runs: number[][] = [];
  for (const axis of moving) {
    const run = runs.at(-1);
    const isNext = run !== undefined && x.shape.slice(run[run.length - 1] + 1, axis).every((size) => size === 1);
    if (isNext && run[run.length - 1] < axis) run.push(axis);
    else runs.push([axis]);
  }
  if (runs.length < 2) return reshaped(backend, x, shape);
  const stored = [...runs].sort((a, b) => a[0] - b[0]);
  const sizes = stored.map((run) => run.reduce((size, axis) => size * x.shape[axis], 1));
  const order = runs.map((run) => stored.indexOf(run));
  const swap = (from: TensorInfo, size: readonly number[], axes: readonly number[]): TensorInfo =>
    backend.runNative(
      transposed(axes),
      [{ ...from, shape: [...size] }],
      [{ shape: axes.map((axis) => size[axis]) }],
      LIGHT * sizeOf(shape),
    )[0];
  if (order.join() !== '2,1,0') return { ...swap(x, sizes, order), shape };
  // ONNX Runtime turns three axes around one element at a time: two moves of one axis are up to ten times faster.
  const [first, second, third] = sizes;
  const once = swap(x, sizes, [2, 0, 1]);
  const twice = swap(once, [third, first, second], [0, 2, 1]);
  backend.disposeData(once.dataId);
  return { ...twice, shape };
}

export const movementKernels: readonly NativeKernel[] = [
  nativeKernel<{ x: TensorInfo }, TransposeAttrs>('Transpose', (backend, { x }, { perm }) =>
    areFloats(x) ? transpose(backend, x, perm) : undefined,
  ),
  nativeKernel<{ x: TensorInfo }, SliceAttrs>('Slice', (backend, { x }, { begin, size }) => {
    if (!areFloats(x)) return undefined;
    const [from, extent] = slice_util.parseSliceParams(
      x as Parameters<typeof slice_util.parseSliceParams>[0],
      begin,
      size,
    );
    slice_util.assertParamsValid(x as Parameters<typeof slice_util.assertParamsValid>[0], from, extent);
    return sizeOf(extent) === 0 ? undefined : sliceOf(backend, x, from, extent);
  }),
  nativeKernel<{ x: TensorInfo }, SplitVAttrs>('SplitV', (backend, { x }, { numOrSizeSplits, axis }) => {
    if (!areFloats(x)) return undefined;
    const [along] = util.parseAxisParam(axis, x.shape);
    const sizes = backend_util.prepareSplitSize(
      x as Parameters<typeof backend_util.prepareSplitSize>[0],
      numOrSizeSplits,
      along,
    );
    if (sizes.some((size) => size === 0)) return undefined;
    let start = 0;
    return sizes.map((size) => {
      const begin = x.shape.map((_, i) => (i === along ? start : 0));
      start += size;
      return sliceOf(
        backend,
        x,
        begin,
        x.shape.map((whole, i) => (i === along ? size : whole)),
      );
    });
  }),
  nativeKernel<{ value: TensorInfo }, UnpackAttrs>('Unpack', (backend, { value }, { axis }) => {
    if (!areFloats(value)) return undefined;
    const [along] = util.parseAxisParam(axis, value.shape);
    const rest = value.shape.filter((_, i) => i !== along);
    return Array.from({ length: value.shape[along] }, (_, index) => {
      const begin = value.shape.map((_size, i) => (i === along ? index : 0));
      const part = sliceOf(
        backend,
        value,
        begin,
        value.shape.map((whole, i) => (i === along ? 1 : whole)),
      );
      return { ...part, shape: rest };
    });
  }),
  nativeKernel<readonly TensorInfo[], ConcatAttrs>('Concat', (backend, tensors, { axis }) => {
    const [along] = util.parseAxisParam(axis, tensors[0].shape);
    return areFloats(...tensors) ? concat(backend, tensors, along) : undefined;
  }),
  nativeKernel<readonly TensorInfo[], PackAttrs>('Pack', (backend, tensors, { axis }) => {
    if (!areFloats(...tensors)) return undefined;
    const rank = tensors[0].shape.length + 1;
    const along = axis < 0 ? axis + rank : axis;
    const widened = tensors.map((tensor) => ({
      ...tensor,
      shape: [...tensor.shape.slice(0, along), 1, ...tensor.shape.slice(along)],
    }));
    return concat(backend, widened, along);
  }),
  nativeKernel<{ x: TensorInfo }, TileAttrs>('Tile', (backend, { x }, { reps }) =>
    areFloats(x) && reps.length === x.shape.length
      ? backend.runNative(tiled(reps), [x], [{ shape: x.shape.map((size, i) => size * reps[i]) }])[0]
      : undefined,
  ),
  nativeKernel<{ x: TensorInfo }, PadV2Attrs>('PadV2', (backend, { x }, { paddings, constantValue }) => {
    if (!areFloats(x)) return undefined;
    const pads = [...paddings.map(([before]) => before), ...paddings.map(([, after]) => after)];
    const shape = x.shape.map((size, i) => size + paddings[i][0] + paddings[i][1]);
    return backend.runNative(padded(pads, constantValue), [x], [{ shape }])[0];
  }),
  nativeKernel<{ x: TensorInfo; indices: TensorInfo }, GatherV2Attrs>(
    'GatherV2',
    (backend, { x, indices }, { axis, batchDims }) => {
      if (!areFloats(x) || indices.dtype !== 'int32' || batchDims !== 0 || sizeOf(indices.shape) === 0)
        return undefined;
      const [along] = util.parseAxisParam(axis, x.shape);
      const size = x.shape[along];
      // ONNX counts negative indices from the end; tfjs refuses them.
      const outside = (backend.values(indices) as Int32Array).find((index) => index < 0 || index >= size);
      if (outside !== undefined) throw new Error(`GatherV2: the index value ${outside} is not in [0, ${size - 1}]`);
      const shape = [...x.shape.slice(0, along), ...indices.shape, ...x.shape.slice(along + 1)];
      return backend.runNative(gathered(along), [x, indices], [{ shape }])[0];
    },
  ),
  nativeKernel<{ x: TensorInfo; segmentIds: TensorInfo }, UnsortedSegmentSumAttrs>(
    'UnsortedSegmentSum',
    (backend, { x, segmentIds }, { numSegments }) => {
      if (!areFloats(x) || segmentIds.shape.length !== 1) return undefined;
      const rowShape = x.shape.slice(1);
      const row = sizeOf(rowShape);
      const { info, values } = backend.allocate([numSegments, ...rowShape]);
      values.fill(0);
      const source = backend.floats(x);
      const ids = backend.values(segmentIds) as Int32Array;
      for (let i = 0; i < ids.length; i++) {
        if (ids[i] < 0 || ids[i] >= numSegments) continue;
        const to = ids[i] * row;
        for (let j = 0; j < row; j++) values[to + j] += source[i * row + j];
      }
      return info;
    },
  ),
];
