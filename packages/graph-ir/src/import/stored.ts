// Values of stored tensors as numbers.

import { BITS, type ElementType, floatFromBits } from '../element-types.js';
import { type Constant, elementCount, GraphError } from '../graph.js';
import { stridesOf } from '../interpreter/tensor.js';
import { type Place, type StoredTensor, seenShape, storedType } from './foreign.js';

/** The bytes that a tensor of this type and shape takes; elements of fewer bits than a byte share one. */
export const byteLength = (type: ElementType, shape: readonly number[]): number =>
  Math.ceil((BITS[type] * elementCount(shape)) / 8);

/** Reads a piece of a file beside the model. Throws when it cannot be read. */
export type ReadPlace = (location: string, offset: number, length: number) => Uint8Array;

/** The bytes at a place; those of several pieces are put together. */
export function bytesAt(place: Place, readPlace: ReadPlace): Uint8Array {
  if (place.kind === 'bytes') return place.bytes;
  const pieces = place.parts.map(({ location, offset, length }) => readPlace(location, offset, length));
  if (pieces.length === 1) return pieces[0];
  const bytes = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** An element by its place. */
const READERS: Readonly<Record<ElementType, (view: DataView, place: number) => number>> = {
  float32: (view, i) => view.getFloat32(4 * i, true),
  float64: (view, i) => view.getFloat64(8 * i, true),
  float16: (view, i) => floatFromBits('float16', view.getUint16(2 * i, true)),
  bfloat16: (view, i) => floatFromBits('bfloat16', view.getUint16(2 * i, true)),
  float8e4m3fn: (view, i) => floatFromBits('float8e4m3fn', view.getUint8(i)),
  float8e4m3fnuz: (view, i) => floatFromBits('float8e4m3fnuz', view.getUint8(i)),
  float8e5m2: (view, i) => floatFromBits('float8e5m2', view.getUint8(i)),
  float8e5m2fnuz: (view, i) => floatFromBits('float8e5m2fnuz', view.getUint8(i)),
  float8e8m0: (view, i) => floatFromBits('float8e8m0', view.getUint8(i)),
  float4e2m1: (view, i) => floatFromBits('float4e2m1', fewBits(view, i, 4)),
  int64: (view, i) => Number(view.getBigInt64(8 * i, true)),
  uint64: (view, i) => Number(view.getBigUint64(8 * i, true)),
  int32: (view, i) => view.getInt32(4 * i, true),
  uint32: (view, i) => view.getUint32(4 * i, true),
  int16: (view, i) => view.getInt16(2 * i, true),
  uint16: (view, i) => view.getUint16(2 * i, true),
  int8: (view, i) => view.getInt8(i),
  uint8: (view, i) => view.getUint8(i),
  int4: (view, i) => (fewBits(view, i, 4) ^ 8) - 8,
  uint4: (view, i) => fewBits(view, i, 4),
  int2: (view, i) => (fewBits(view, i, 2) ^ 2) - 2,
  uint2: (view, i) => fewBits(view, i, 2),
  bool: (view, i) => (view.getUint8(i) === 0 ? 0 : 1),
};

/** The first element of a byte is in its lowest bits. */
function fewBits(view: DataView, place: number, bits: number): number {
  const perByte = 8 / bits;
  return (view.getUint8(Math.floor(place / perByte)) >> (bits * (place % perByte))) & (2 ** bits - 1);
}

/**
 * The values of a stored tensor in the order of the parameter that it becomes; `bytes` are what its place holds.
 * Throws {@link GraphError} when they are too few or too many.
 */
export function decodeTensor(name: string, stored: StoredTensor, bytes: Uint8Array): Float32Array {
  const values = new Float32Array(elementCount(stored.shape));
  decodeInto(values, name, stored, bytes);
  if (stored.type === 'float64' && values.some((value) => Math.abs(value) === Number.POSITIVE_INFINITY))
    throw new GraphError(
      `the tensor "${name}" of float64 has numbers beyond those of float32, in which graphs compute`,
    );
  return values;
}

/** A stored tensor as numbers of any kind, for what has to be known while a model is read. Throws as {@link decodeTensor} does. */
export function knownTensor(name: string, stored: StoredTensor, bytes: Uint8Array): Constant {
  const values = new Array<number>(elementCount(stored.shape));
  decodeInto(values, name, stored, bytes);
  return { ...storedType(stored, seenShape(stored)), shape: seenShape(stored), values };
}

function decodeInto(values: { [place: number]: number }, name: string, stored: StoredTensor, bytes: Uint8Array): void {
  const { type, shape, permutation, quantization = { scale: 1, offset: 0 } } = stored;
  if (bytes.length !== byteLength(type, shape))
    throw new GraphError(
      `the tensor "${name}" ${type} [${shape.join(', ')}] takes ${byteLength(type, shape)} bytes, but there are ${bytes.length}`,
    );
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (type === 'int64' || type === 'uint64') refuseInexact(name, type, view);
  const read = READERS[type];
  const meaning = meaningOf(quantization);
  if (permutation === undefined) {
    const count = elementCount(shape);
    for (let i = 0; i < count; i++) values[i] = meaning(read(view, i));
    return;
  }
  forEachPermuted(shape, permutation, (from, to) => {
    values[to] = meaning(read(view, from));
  });
}

/** What a stored number means. Integers are rounded as `Math.round` does, which is what TensorFlow.js does. */
const meaningOf = ({ scale, offset, meant }: NonNullable<StoredTensor['quantization']>): ((value: number) => number) =>
  meant === 'int32' ? (value) => Math.round(value * scale + offset) : (value) => value * scale + offset;

/** The ends of the types mean "as far as there is", and become the nearest number: 2^63 or 2^64. */
const ENDS = { int64: 2n ** 63n - 1024n, uint64: 2n ** 64n - 2048n } as const;

/** Throws {@link GraphError} for an integer that no number holds, rather than to go on with its neighbour. */
function refuseInexact(name: string, type: 'int64' | 'uint64', view: DataView): void {
  for (let at = 0; at < view.byteLength; at += 8) {
    const value = type === 'int64' ? view.getBigInt64(at, true) : view.getBigUint64(at, true);
    const size = value < 0n ? -value : value;
    if (size < ENDS[type] && BigInt(Number(value)) !== value)
      throw new GraphError(`the tensor "${name}" of ${type} has ${value}, which cannot be computed with exactly`);
  }
}

/** Calls `visit` with the place of each element before and after the axes of a row-major tensor are put in another order. */
export function forEachPermuted(
  shape: readonly number[],
  permutation: readonly number[],
  visit: (from: number, to: number) => void,
): void {
  const strides = stridesOf(shape);
  const sizes = permutation.map((axis) => shape[axis]);
  const steps = permutation.map((axis) => strides[axis]);
  const count = elementCount(shape);
  const index = sizes.map(() => 0);
  let from = 0;
  for (let to = 0; to < count; to++) {
    visit(from, to);
    for (let axis = sizes.length - 1; axis >= 0; axis--) {
      from += steps[axis];
      if (++index[axis] < sizes[axis]) break;
      from -= steps[axis] * sizes[axis];
      index[axis] = 0;
    }
  }
}
