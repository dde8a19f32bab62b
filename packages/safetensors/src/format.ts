// The safetensors header: an 8-byte little-endian length, then JSON that gives every tensor's type, shape and byte range.
import { parseJson, recordOf, shortJson } from '@logah/files';

/** Bytes of one element of each data type of the format; floats of 6 and 4 bits are packed. */
export const BYTES_PER_ELEMENT = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  F8_E4M3: 1,
  F8_E5M2: 1,
  F8_E4M3FNUZ: 1,
  F8_E5M2FNUZ: 1,
  F8_E8M0: 1,
  F6_E2M3: 0.75,
  F6_E3M2: 0.75,
  F4: 0.5,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U64: 8,
  U32: 4,
  U16: 2,
  U8: 1,
  BOOL: 1,
  C64: 8,
} as const;

export type DType = keyof typeof BYTES_PER_ELEMENT;

/** What a header says of one tensor; `begin` and `end` count bytes from the start of the data section. */
export interface TensorInfo {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

export interface Header {
  readonly metadata: Readonly<Record<string, string>>;
  /** In the order of their bytes. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /** Where the data section starts, in bytes from the start of the file. */
  readonly dataOffset: number;
}

/** A file that is not what it should be: the message names the file, the field, what was found and what would be right. */
export class SafetensorsError extends Error {
  override readonly name = 'SafetensorsError';
}

export const LENGTH_BYTES = 8;

/** What a pointer of git-lfs begins with. */
const LFS_POINTER = 'version ';

/** The key of a header that is no tensor's name. */
const METADATA = '__metadata__';

/** The format's own limit for a header, in bytes: a larger length is a corrupt or hostile file. */
const MAX_HEADER_BYTES = 100_000_000;

const elementCount = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

/**
 * The length of the JSON header in bytes, from the first 8 bytes of a file of `fileSize` bytes.
 * Throws {@link SafetensorsError} when the file is too short for it; `source` names the file in the message.
 */
export function readHeaderLength(prefix: Uint8Array, fileSize: number, source: string): number {
  if (prefix.byteLength < LENGTH_BYTES) {
    throw new SafetensorsError(
      `${source}: a safetensors file starts with ${LENGTH_BYTES} bytes of header length, but it has ${prefix.byteLength} bytes`,
    );
  }
  if (new TextDecoder().decode(prefix.subarray(0, LENGTH_BYTES)) === LFS_POINTER)
    throw new SafetensorsError(
      `${source}: this is a pointer of git-lfs, not the file itself: \`git lfs pull\` fetches what it points to`,
    );
  const length = new DataView(prefix.buffer, prefix.byteOffset, LENGTH_BYTES).getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER_BYTES)) {
    throw new SafetensorsError(
      `${source}: the header claims ${length} bytes; the format allows ${MAX_HEADER_BYTES}. Is this a safetensors file?`,
    );
  }
  if (Number(length) + LENGTH_BYTES > fileSize) {
    throw new SafetensorsError(
      `${source}: the header claims ${length} bytes, but the file has only ${fileSize}: it is truncated or not a safetensors file`,
    );
  }
  return Number(length);
}

/**
 * Parses and checks a JSON header: types known, shapes whole, ranges as long as their tensors, in the file, without gap or overlap.
 * Throws {@link SafetensorsError} naming `source` and the tensor at fault.
 */
export function parseHeader(json: Uint8Array, fileSize: number, source: string): Header {
  const parsed = parseJson(decodedText(json, source), `${source}: the header`, SafetensorsError);
  if (!isRecord(parsed)) throw new SafetensorsError(`${source}: the header is not a JSON object`);
  const dataOffset = LENGTH_BYTES + json.byteLength;
  const { __metadata__: rawMetadata = {}, ...rawTensors } = parsed;
  const metadata = parseMetadata(rawMetadata, source);
  const infos = Object.entries(rawTensors)
    .map(([name, raw]) => [name, parseTensorInfo(name, raw, source)] as const)
    .sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
  let expectedBegin = 0;
  for (const [name, info] of infos) {
    if (info.begin !== expectedBegin) {
      throw new SafetensorsError(
        `${source}: tensor "${name}" starts at byte ${info.begin} of the data, but the one before it ends at ${expectedBegin}`,
      );
    }
    expectedBegin = info.end;
  }
  if (dataOffset + expectedBegin !== fileSize) {
    throw new SafetensorsError(
      `${source}: the header promises ${dataOffset + expectedBegin} bytes, but the file has ${fileSize}: it is ${dataOffset + expectedBegin > fileSize ? 'truncated' : 'followed by foreign bytes'}`,
    );
  }
  return { metadata, tensors: new Map(infos), dataOffset };
}

function decodedText(json: Uint8Array, source: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(json);
  } catch (cause) {
    throw new SafetensorsError(`${source}: the header is not JSON: it is not UTF-8`, { cause });
  }
}

/** Reads `length` bytes from `offset` of a file, wherever it is: on disk, behind HTTP range requests, in memory. */
export type RandomAccess = (offset: number, length: number) => Promise<Uint8Array>;

/** The header of a file of `fileSize` bytes, in two reads, however large the file is. Throws {@link SafetensorsError} naming `source`. */
export async function readHeader(read: RandomAccess, fileSize: number, source: string): Promise<Header> {
  const prefix = await read(0, Math.min(fileSize, LENGTH_BYTES));
  const json = await read(LENGTH_BYTES, readHeaderLength(prefix, fileSize, source));
  return parseHeader(json, fileSize, source);
}

/** The bytes before the data section for these tensors, and the layout that they describe. Tensors lie in the given order. */
export function buildHeader(
  tensors: Iterable<readonly [name: string, info: { readonly dtype: DType; readonly shape: readonly number[] }]>,
  metadata: Readonly<Record<string, string>> = {},
): { bytes: Uint8Array; header: Header } {
  const infos = new Map<string, TensorInfo>();
  // A name such as "__proto__" is a name like any other: entries, not assignments.
  const json: Array<[string, unknown]> = Object.keys(metadata).length > 0 ? [[METADATA, metadata]] : [];
  let begin = 0;
  for (const [name, { dtype, shape }] of tensors) {
    if (name === METADATA)
      throw new SafetensorsError(`no tensor can be named "${METADATA}": the format keeps its metadata there`);
    if (infos.has(name)) throw new SafetensorsError(`two tensors are named "${name}"; names must differ`);
    const end = begin + elementCount(shape) * BYTES_PER_ELEMENT[dtype];
    infos.set(name, { dtype, shape, begin, end });
    json.push([name, { dtype, shape, data_offsets: [begin, end] }]);
    begin = end;
  }
  const text = JSON.stringify(Object.fromEntries(json));
  const unpadded = new TextEncoder().encode(text);
  // Spaces bring the data section to a multiple of 8 bytes, so that typed arrays can view it in place.
  const padded = Math.ceil(unpadded.byteLength / 8) * 8;
  const bytes = new Uint8Array(LENGTH_BYTES + padded).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(padded), true);
  bytes.set(unpadded, LENGTH_BYTES);
  return { bytes, header: { metadata, tensors: infos, dataOffset: bytes.byteLength } };
}

function parseMetadata(raw: unknown, source: string): Record<string, string> {
  if (!isRecord(raw)) throw new SafetensorsError(`${source}: __metadata__ is not an object`);
  const metadata = recordOf<string>();
  for (const [key, value] of Object.entries(raw)) {
    if (typeof value !== 'string') throw new SafetensorsError(`${source}: __metadata__ "${key}" is not a string`);
    metadata[key] = value;
  }
  return metadata;
}

function parseTensorInfo(name: string, raw: unknown, source: string): TensorInfo {
  const fail = (what: string): never => {
    throw new SafetensorsError(`${source}: tensor "${name}" ${what}`);
  };
  if (!isRecord(raw)) return fail('is not described by an object');
  const { dtype, shape, data_offsets: offsets } = raw;
  if (!isDType(dtype))
    return fail(`has dtype ${shortJson(dtype)}; known are ${Object.keys(BYTES_PER_ELEMENT).join(', ')}`);
  if (!isSizes(shape)) return fail(`has shape ${shortJson(shape)}; wanted a list of non-negative integers`);
  if (!isSizes(offsets) || offsets.length !== 2)
    return fail(`has data_offsets ${shortJson(offsets)}; wanted [begin, end]`);
  const [begin, end] = offsets;
  const bytes = elementCount(shape) * BYTES_PER_ELEMENT[dtype];
  if (end - begin !== bytes)
    return fail(
      `of shape [${shape.join(', ')}] and type ${dtype} wants ${bytes} bytes, but its range has ${end - begin}`,
    );
  return { dtype, shape, begin, end };
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isDType = (value: unknown): value is DType =>
  typeof value === 'string' && Object.hasOwn(BYTES_PER_ELEMENT, value);
const isSizes = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
