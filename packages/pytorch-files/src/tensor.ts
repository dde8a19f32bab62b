// Tensors as views of storages: checked when they are found, read when they are asked for.
import { decodeFloats, type FloatTensor } from '@logah/safetensors';
import { type ElementType, elementBytes, isRealType } from './element-type.js';
import { PytorchFileError } from './errors.js';
import { type ByteSource, readExactly } from './source.js';

/** Memory that tensors are views of; several may share one. */
export interface StoredStorage {
  readonly kind: 'storage';
  readonly type: ElementType;
  readonly byteLength: number;
  readonly isLittleEndian: boolean;
  /** Finds its bytes. Throws {@link PytorchFileError} when the file does not have them. */
  readonly open: () => Promise<ByteSource>;
}

/** A tensor that stays in its file; {@link readTensor} reads it. */
export interface StoredTensor {
  readonly kind: 'tensor';
  readonly type: ElementType;
  readonly shape: readonly number[];
  /** Elements between neighbours along each axis. */
  readonly strides: readonly number[];
  /** Elements of the storage before the first one. */
  readonly offset: number;
  readonly storage: StoredStorage;
  /** Whether the values are those of the storage with the opposite sign (PyTorch's negative bit); false by default. */
  readonly isNegated?: boolean;
}

/** PyTorch allows no more axes (`c10::TensorIterator` and numpy have 64). */
export const MOST_AXES = 64;

/** A view that repeats elements (stride 0) may be larger than its storage, up to this. */
const MOST_REPEATED_BYTES = 2 ** 28;

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

/** The product of the sizes, 1 for none. */
const countOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

/** The bytes that a tensor takes once it is read. */
export const tensorBytes = ({ type, shape }: StoredTensor): number => countOf(shape) * elementBytes(type);

/** Strides of a tensor whose elements lie one after the other, the last axis running fastest. */
export function rowMajor(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis];
  }
  return strides;
}

/** Elements from the first to the last one of a view, both counted. */
const spanOf = (shape: readonly number[], strides: readonly number[]): number =>
  shape.reduce((span, size, axis) => span + (size - 1) * strides[axis], 1);

/**
 * A tensor, once it is certain that all its elements lie within its storage.
 * Throws {@link PytorchFileError} saying what is wrong; `source` names the file.
 */
export function viewStorage(
  storage: StoredStorage,
  view: { readonly type: ElementType; readonly shape: unknown; readonly strides: unknown; readonly offset: unknown },
  source: string,
): StoredTensor {
  const { type, shape, strides, offset } = view;
  const fail = (what: string): never => {
    throw new PytorchFileError(`${source}: a tensor ${what}`);
  };
  const isList = (value: unknown): value is number[] =>
    Array.isArray(value) && value.length <= MOST_AXES && value.every(isCount);
  if (!isList(shape) || !isList(strides) || shape.length !== strides.length || !isCount(offset))
    return fail(`has a shape, strides or an offset that are not up to ${MOST_AXES} counts each`);
  const elements = Math.floor(storage.byteLength / elementBytes(type));
  const end = countOf(shape) === 0 ? offset : offset + spanOf(shape, strides);
  const words = `${type} [${shape.join(', ')}] with strides [${strides.join(', ')}] from element ${offset}`;
  if (!(end <= elements)) fail(`${words} reaches element ${end} of a storage that has ${elements}`);
  const bytes = countOf(shape) * elementBytes(type);
  if (!(bytes <= Math.max(storage.byteLength, MOST_REPEATED_BYTES)))
    fail(
      `${words} repeats its storage of ${storage.byteLength} bytes up to ${bytes}; ${MOST_REPEATED_BYTES} are allowed`,
    );
  return { kind: 'tensor', type, shape, strides, offset, storage };
}

/**
 * The elements of a tensor, row-major and little-endian, in the type they are stored in.
 * Only the part of the storage that the tensor reads is read. Throws {@link PytorchFileError} when the file ends
 * before.
 */
export async function readTensorBytes(tensor: StoredTensor): Promise<Uint8Array> {
  const { type, shape, strides, offset, storage, isNegated = false } = tensor;
  const size = elementBytes(type);
  const count = countOf(shape);
  if (count === 0) return new Uint8Array();
  const isInOrder = rowMajor(shape).every((stride, axis) => shape[axis] === 1 || stride === strides[axis]);
  const span = isInOrder ? count : spanOf(shape, strides);
  const stored = await readExactly(await storage.open(), offset * size, span * size, 'a tensor');
  const bytes = isInOrder ? stored : gather(stored, size, shape, strides);
  // Complex numbers are two numbers, each with its own byte order.
  const numberSize = isRealType(type) ? size : size / 2;
  const ordered = storage.isLittleEndian ? bytes : reversed(bytes, numberSize);
  return isNegated ? negated(ordered, numberSize) : ordered;
}

/**
 * A tensor's values as float32, row-major; integers and double precision are rounded to it.
 * Throws {@link PytorchFileError} for complex numbers, and when the file ends before.
 */
export async function readTensor(tensor: StoredTensor): Promise<FloatTensor> {
  const { type, shape } = tensor;
  if (!isRealType(type))
    throw new PytorchFileError(`a tensor of complex numbers (${type}) has no float32 values; readTensorBytes reads it`);
  return { shape, data: decodeFloats(await readTensorBytes(tensor), type) };
}

/** Elements of `size` bytes in the order of a view. */
function gather(stored: Uint8Array, size: number, shape: readonly number[], strides: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(countOf(shape) * size);
  const index = new Array<number>(shape.length).fill(0);
  let from = 0;
  for (let to = 0; to < bytes.length; to += size) {
    for (let byte = 0; byte < size; byte++) bytes[to + byte] = stored[from + byte];
    // The next place: axes that are through go back to their start.
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis] * size;
      if (++index[axis] < shape[axis]) break;
      from -= strides[axis] * size * shape[axis];
      index[axis] = 0;
    }
  }
  return bytes;
}

/** A copy with the sign bit of every floating-point number of `size` bytes, the highest of its last byte, turned. */
function negated(bytes: Uint8Array, size: number): Uint8Array {
  const out = bytes.slice();
  for (let at = size - 1; at < out.length; at += size) out[at] ^= 0x80;
  return out;
}

/** A copy with every element's bytes turned round. */
function reversed(bytes: Uint8Array, size: number): Uint8Array {
  const out = bytes.slice();
  for (let at = 0; at < out.length; at += size) out.subarray(at, at + size).reverse();
  return out;
}
