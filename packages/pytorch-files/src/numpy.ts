// numpy's arrays, types and scalars, as numpy and joblib pickle them.
import { decodeFloats } from '@logah/safetensors';
import { type ElementType, elementBytes, isRealType, NUMPY_TYPES } from './element-type.js';
import { PytorchFileError } from './errors.js';
import { type ByteSource, latin1Source } from './source.js';
import type { ByteStream } from './stream.js';
import { MOST_AXES, readTensorBytes, rowMajor, type StoredTensor, viewStorage } from './tensor.js';
import {
  describeValue,
  integerValue,
  isKind,
  type NumpyArray,
  type NumpyType,
  opaqueObject,
  type PickleValue,
} from './values.js';

/** `numpy.dtype(code, …)`; its byte order comes as its state. */
export function numpyType([code]: readonly PickleValue[]): NumpyType {
  const text = typeof code === 'string' ? code : '';
  return { kind: 'numpy-type', code: text.replace(/^[<>=|]/, ''), isLittleEndian: !text.startsWith('>') };
}

/** The state of a dtype is `(version, byte order, …)`. */
export function setByteOrder(type: NumpyType, state: PickleValue): void {
  if (Array.isArray(state)) type.isLittleEndian = state[1] !== '>';
}

/**
 * The state of an array is `(version, shape, dtype, is in Fortran order, elements)`. An array of anything but numbers
 * stays without a tensor.
 */
export function setArrayState(array: NumpyArray, state: PickleValue, source: string): void {
  const [shape, dtype, isFortran, elements] = Array.isArray(state) ? state.slice(-4) : [];
  const bytes = bytesOf(elements, source);
  const type = elementTypeOf(dtype);
  if (bytes === undefined || type === undefined) return;
  array.tensor = arrayTensor({ type, shape, isFortran: isFortran === true, bytes }, source);
}

/** `_frombuffer(elements, dtype, shape, order)`, as protocol 5 has arrays. */
export function arrayFromBuffer([elements, dtype, shape, order]: readonly PickleValue[], source: string): PickleValue {
  const type = elementTypeOf(dtype);
  const bytes = bytesOf(elements, source);
  if (type === undefined || bytes === undefined) return opaqueObject('numpy.ndarray', []);
  return arrayTensor({ type, shape, isFortran: order === 'F', bytes }, source);
}

/**
 * The array whose joblib wrapper has this state: its elements follow in the stream, which is moved on behind them.
 * Throws {@link PytorchFileError} for an array of anything but numbers, since where it ends is not known.
 */
export async function inlineArray(state: PickleValue, stream: ByteStream): Promise<StoredTensor> {
  const field = (name: string): PickleValue | undefined => (state instanceof Map ? state.get(name) : undefined);
  const { name } = stream.source;
  const [dtype, shape] = [field('dtype'), field('shape')];
  const type = elementTypeOf(dtype);
  if (type === undefined || !isSizes(shape))
    throw new PytorchFileError(
      `${name}: a joblib array should have numbers and a shape, ` +
        `got ${describeValue(dtype)} and ${describeValue(shape)}`,
    );
  // Newer versions align the elements: one byte says how many follow that do not count.
  if (typeof field('numpy_array_alignment_bytes') === 'number') {
    if (!stream.has(1)) await stream.fill(1);
    stream.skip(stream.uint8(), 'the padding before an array');
  }
  const count = shape.reduce((product, size) => product * size, 1);
  const bytes = stream.skip(count * elementBytes(type.element), 'an array');
  return arrayTensor({ type, shape, isFortran: field('order') === 'F', bytes }, name);
}

/**
 * `scalar(dtype, bytes)`: a number, exactly; an opaque object for what is none.
 * Throws {@link PytorchFileError} when the bytes are not those of one element.
 */
export async function numpyScalar([dtype, bytes]: readonly PickleValue[], source: string): Promise<PickleValue> {
  const type = elementTypeOf(dtype);
  const place = bytesOf(bytes, source);
  if (type === undefined || place === undefined || !isRealType(type.element)) return opaqueObject('numpy.generic', []);
  const tensor = arrayTensor({ type, shape: [], isFortran: false, bytes: place }, source);
  const element = await readTensorBytes(tensor);
  const view = new DataView(element.buffer, element.byteOffset, element.byteLength);
  switch (type.element) {
    case 'F64':
      return view.getFloat64(0, true);
    case 'I64':
      return integerValue(view.getBigInt64(0, true));
    case 'U64':
      return integerValue(view.getBigUint64(0, true));
    case 'I32':
      return view.getInt32(0, true);
    case 'U32':
      return view.getUint32(0, true);
    case 'BOOL':
      return view.getUint8(0) !== 0;
    default:
      return decodeFloats(element, type.element)[0];
  }
}

/** A byte string, also one that Python 2 pickled as a text. */
function bytesOf(value: PickleValue | undefined, source: string): ByteSource | undefined {
  if (typeof value === 'string') return latin1Source(value, source);
  return isKind(value, 'bytes') ? value.source : undefined;
}

interface KnownType {
  readonly element: ElementType;
  readonly isLittleEndian: boolean;
}

function elementTypeOf(dtype: PickleValue | undefined): KnownType | undefined {
  if (!isKind(dtype, 'numpy-type')) return undefined;
  const element = NUMPY_TYPES.get(dtype.code);
  return element === undefined ? undefined : { element, isLittleEndian: dtype.isLittleEndian };
}

const isSizes = (value: PickleValue | undefined): value is number[] =>
  Array.isArray(value) &&
  value.length <= MOST_AXES &&
  value.every((size) => Number.isSafeInteger(size) && Number(size) >= 0);

function arrayTensor(
  array: {
    readonly type: KnownType;
    readonly shape: PickleValue | undefined;
    readonly isFortran: boolean;
    readonly bytes: ByteSource;
  },
  source: string,
): StoredTensor {
  const { type, shape, isFortran, bytes } = array;
  if (!isSizes(shape)) throw new PytorchFileError(`${source}: an array has the shape ${describeValue(shape)}`);
  // Fortran's order is that of the axes turned round.
  const strides = isFortran ? rowMajor([...shape].reverse()).reverse() : rowMajor(shape);
  const storage = {
    kind: 'storage',
    type: type.element,
    byteLength: bytes.size,
    isLittleEndian: type.isLittleEndian,
    open: async () => bytes,
  } as const;
  return viewStorage(storage, { type: type.element, shape, strides, offset: 0 }, source);
}
