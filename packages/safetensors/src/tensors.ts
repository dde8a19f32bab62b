// Tensors in memory: from and to the bytes of a safetensors file.
import {
  BYTES_PER_ELEMENT,
  buildHeader,
  type DType,
  type Header,
  LENGTH_BYTES,
  parseHeader,
  readHeaderLength,
  SafetensorsError,
  type TensorInfo,
} from './format.js';
import {
  fromBFloat16,
  fromFloat4,
  fromFloat8E4M3,
  fromFloat8E5M2,
  fromFloat8E8M0,
  fromFloat8Fnuz,
  fromFloat16,
  toBFloat16,
  toFloat16,
} from './half.js';

/** A float32 tensor, row-major. */
export interface FloatTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** The floating-point types a float32 tensor can be stored as. */
export type FloatDType = 'F32' | 'F16' | 'BF16';

/** Bytes of `values` in the given type, little-endian. An F32 result shares the memory of `values`. */
export function encodeFloats(values: Float32Array, dtype: FloatDType): Uint8Array {
  const stored = dtype === 'F32' ? values : dtype === 'F16' ? toFloat16(values) : toBFloat16(values);
  return new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength);
}

/** The largest finite value of each type. */
const LARGEST = { F32: 3.4028234663852886e38, F16: 65504, BF16: 3.3895313892515355e38 } as const;

/** Throws {@link SafetensorsError} for a finite value that the type would make infinite; `what` names the tensor. */
export function checkRange(values: Float32Array, dtype: FloatDType, what: string): void {
  if (dtype === 'F32') return;
  const at = values.findIndex((value) => Math.abs(value) > LARGEST[dtype] && Number.isFinite(value));
  if (at >= 0) throw new SafetensorsError(`${what} holds ${values[at]}, but ${dtype} ends at ${LARGEST[dtype]}`);
}

/**
 * The values of stored bytes as float32; F64 and integers are rounded to it.
 * Throws {@link SafetensorsError} when the byte count is not a whole number of elements, and for types whose values are no float32 ({@link isReadable}).
 */
export function decodeFloats(bytes: Uint8Array, dtype: DType): Float32Array {
  const size = BYTES_PER_ELEMENT[dtype];
  if (bytes.byteLength % size !== 0) {
    throw new SafetensorsError(
      `${bytes.byteLength} bytes are not a whole number of ${dtype} elements of ${size} bytes`,
    );
  }
  // A copy: aligned for the typed array, and independent of the file's buffer.
  const { buffer } = Uint8Array.from(bytes);
  switch (dtype) {
    case 'F32':
      return new Float32Array(buffer);
    case 'F64':
      return Float32Array.from(new Float64Array(buffer));
    case 'F16':
      return fromFloat16(new Uint16Array(buffer));
    case 'BF16':
      return fromBFloat16(new Uint16Array(buffer));
    case 'F8_E4M3':
      return fromFloat8E4M3(new Uint8Array(buffer));
    case 'F8_E5M2':
      return fromFloat8E5M2(new Uint8Array(buffer));
    case 'F8_E4M3FNUZ':
      return fromFloat8Fnuz(new Uint8Array(buffer), 3, 8);
    case 'F8_E5M2FNUZ':
      return fromFloat8Fnuz(new Uint8Array(buffer), 2, 16);
    case 'F8_E8M0':
      return fromFloat8E8M0(new Uint8Array(buffer));
    case 'F4':
      return fromFloat4(new Uint8Array(buffer));
    case 'I64':
      return Float32Array.from(new BigInt64Array(buffer), Number);
    case 'I32':
      return Float32Array.from(new Int32Array(buffer));
    case 'I16':
      return Float32Array.from(new Int16Array(buffer));
    case 'I8':
      return Float32Array.from(new Int8Array(buffer));
    case 'U64':
      return Float32Array.from(new BigUint64Array(buffer), Number);
    case 'U32':
      return Float32Array.from(new Uint32Array(buffer));
    case 'U16':
      return Float32Array.from(new Uint16Array(buffer));
    case 'U8':
    case 'BOOL':
      return Float32Array.from(new Uint8Array(buffer));
    case 'C64':
    case 'F6_E2M3':
    case 'F6_E3M2':
      throw new SafetensorsError(`elements of type ${dtype} cannot be read as float32`);
  }
}

/** Whether elements of a type can be read as float32: complex numbers cannot, and floats of 6 bits are not. */
export const isReadable = (dtype: DType): boolean => dtype !== 'C64' && !dtype.startsWith('F6');

/** A safetensors file as bytes, its tensors stored as F32 in the given order. Throws {@link SafetensorsError} when a shape does not fit its data. */
export function encodeSafetensors(
  tensors: Iterable<readonly [name: string, tensor: FloatTensor]>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const list = [...tensors];
  const { bytes, header } = buildHeader(
    list.map(([name, { shape }]) => [name, { dtype: 'F32', shape }] as const),
    metadata,
  );
  let end = 0;
  for (const info of header.tensors.values()) end = info.end;
  const file = new Uint8Array(header.dataOffset + end);
  file.set(bytes);
  for (const [name, tensor] of list)
    file.set(checkedBytes(name, tensor, header), header.dataOffset + infoOf(header, name).begin);
  return file;
}

/** What a file holds, and the names of tensors whose elements cannot be read as float32. */
export interface DecodedSafetensors {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: Map<string, FloatTensor>;
  readonly skipped: readonly string[];
}

/**
 * Reads a whole safetensors file: its metadata and its tensors as float32; those that cannot be ({@link isReadable}) are named instead.
 * Throws {@link SafetensorsError} for anything but a well-formed file; `source` names it in the message.
 */
export function decodeSafetensors(file: Uint8Array, source = 'safetensors data'): DecodedSafetensors {
  const length = readHeaderLength(file.subarray(0, LENGTH_BYTES), file.byteLength, source);
  const header = parseHeader(file.subarray(LENGTH_BYTES, LENGTH_BYTES + length), file.byteLength, source);
  const tensors = new Map<string, FloatTensor>();
  const skipped: string[] = [];
  for (const [name, { dtype, shape, begin, end }] of header.tensors) {
    if (!isReadable(dtype)) {
      skipped.push(name);
      continue;
    }
    tensors.set(name, {
      shape,
      data: decodeFloats(file.subarray(header.dataOffset + begin, header.dataOffset + end), dtype),
    });
  }
  return { metadata: header.metadata, tensors, skipped };
}

function infoOf(header: Header, name: string): TensorInfo {
  const info = header.tensors.get(name);
  if (!info)
    throw new SafetensorsError(`there is no tensor "${name}"; the file has ${[...header.tensors.keys()].join(', ')}`);
  return info;
}

function checkedBytes(name: string, tensor: FloatTensor, header: Header): Uint8Array {
  const { begin, end } = infoOf(header, name);
  if (tensor.data.byteLength !== end - begin) {
    throw new SafetensorsError(
      `tensor "${name}" of shape [${tensor.shape.join(', ')}] wants ${(end - begin) / 4} values, but has ${tensor.data.length}`,
    );
  }
  return encodeFloats(tensor.data, 'F32');
}
