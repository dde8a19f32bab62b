// Values of stored tensors as numbers.
import { type Constant, elementCount, GraphError } from '../graph.js';
import { type ElementType, type Place, type StoredTensor, seenShape, tensorDtype } from './foreign.js';

const BYTES: Readonly<Record<ElementType, number>> = {
  float32: 4,
  float64: 8,
  float16: 2,
  bfloat16: 2,
  int64: 8,
  uint64: 8,
  int32: 4,
  uint32: 4,
  int16: 2,
  uint16: 2,
  int8: 1,
  uint8: 1,
  bool: 1,
};

/** The bytes that a tensor of this type and shape takes. */
export const byteLength = (type: ElementType, shape: readonly number[]): number => BYTES[type] * elementCount(shape);

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

const READERS: Readonly<Record<ElementType, (view: DataView, at: number) => number>> = {
  float32: (view, at) => view.getFloat32(at, true),
  float64: (view, at) => view.getFloat64(at, true),
  float16: (view, at) => halfToNumber(view.getUint16(at, true)),
  bfloat16: (view, at) => bfloatToNumber(view.getUint16(at, true)),
  int64: (view, at) => saturated(Number(view.getBigInt64(at, true))),
  uint64: (view, at) => saturated(Number(view.getBigUint64(at, true))),
  int32: (view, at) => view.getInt32(at, true),
  uint32: (view, at) => saturated(view.getUint32(at, true)),
  int16: (view, at) => view.getInt16(at, true),
  uint16: (view, at) => view.getUint16(at, true),
  int8: (view, at) => view.getInt8(at),
  uint8: (view, at) => view.getUint8(at),
  bool: (view, at) => (view.getUint8(at) === 0 ? 0 : 1),
};

const MOST = 2 ** 31 - 1;

/** Integers are of 32 bits in a graph; larger ones mean "as far as there is". */
export const saturated = (value: number): number => Math.max(-MOST - 1, Math.min(MOST, value));

function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
}

const scratch = new DataView(new ArrayBuffer(4));

function bfloatToNumber(bits: number): number {
  scratch.setUint32(0, bits << 16);
  return scratch.getFloat32(0);
}

/**
 * The values of a stored tensor in the order of the parameter that it becomes; `bytes` are what its place holds.
 * Throws {@link GraphError} when they are too few or too many.
 */
export function decodeTensor(name: string, stored: StoredTensor, bytes: Uint8Array): Float32Array {
  const values = new Float32Array(elementCount(stored.shape));
  decodeInto(values, name, stored, bytes);
  return values;
}

/** A stored tensor as numbers of any kind, for what has to be known while a model is read. Throws as {@link decodeTensor} does. */
export function knownTensor(name: string, stored: StoredTensor, bytes: Uint8Array): Constant {
  const values = new Array<number>(elementCount(stored.shape));
  decodeInto(values, name, stored, bytes);
  return { dtype: tensorDtype(stored), shape: seenShape(stored), values };
}

function decodeInto(values: { [place: number]: number }, name: string, stored: StoredTensor, bytes: Uint8Array): void {
  const { type, shape, permutation, quantization: { scale, offset } = { scale: 1, offset: 0 } } = stored;
  if (bytes.length !== byteLength(type, shape))
    throw new GraphError(
      `the tensor "${name}" ${type} [${shape.join(', ')}] takes ${byteLength(type, shape)} bytes, but there are ${bytes.length}`,
    );
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const read = READERS[type];
  const size = BYTES[type];
  if (permutation === undefined) {
    const count = elementCount(shape);
    for (let i = 0; i < count; i++) values[i] = read(view, i * size) * scale + offset;
    return;
  }
  forEachPermuted(shape, permutation, (from, to) => {
    values[to] = read(view, from * size) * scale + offset;
  });
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

/** How far apart neighbours of each axis are in a row-major tensor. */
export const stridesOf = (shape: readonly number[]): number[] =>
  shape.map((_, axis) => elementCount(shape.slice(axis + 1)));
