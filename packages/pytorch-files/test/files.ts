// Files made by hand, as no program would write them.
import { crc32 } from 'node:zlib';
import { memorySource } from '../src/index.js';

/** Bytes from numbers, text and other bytes. */
export const bytesOf = (...parts: ReadonlyArray<number | string | Uint8Array>): Uint8Array =>
  Buffer.concat(
    parts.map((part) =>
      typeof part === 'number' ? Uint8Array.of(part) : typeof part === 'string' ? Buffer.from(part, 'latin1') : part,
    ),
  );

/** A pickle of protocol 2, put around opcodes. */
export const pickleOf = (...opcodes: ReadonlyArray<number | string | Uint8Array>): Uint8Array =>
  bytesOf(0x80, 2, ...opcodes, '.');

/** An unsigned number of 4 or 8 bytes. */
export const uint = (value: number, size: 2 | 4 | 8 = 4): Uint8Array => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes.subarray(0, size);
};

/** The opcode of an integer. */
export const int = (value: number): Uint8Array => {
  const long = Buffer.alloc(8);
  long.writeBigInt64LE(BigInt(value));
  return bytesOf(0x8a, 8, long);
};

/** The opcode of a text. */
export const text = (value: string): Uint8Array => bytesOf('X', uint(value.length), value);

/** The opcodes of a tuple of these opcodes. */
export const tuple = (...items: ReadonlyArray<Uint8Array | string | number>): Uint8Array => bytesOf('(', ...items, 't');

export interface TensorOpcodes {
  readonly key?: string;
  readonly storage?: string;
  readonly elements?: number;
  readonly offset?: number;
  readonly shape?: readonly number[];
  readonly strides?: readonly number[];
  /** Opcodes of the last argument, which PyTorch leaves out where it has nothing to say. */
  readonly metadata?: Uint8Array;
}

/** The opcodes of a tensor: by default four float32 values of the storage "0". */
export const tensorOpcodes = (options: TensorOpcodes = {}): Uint8Array => {
  const {
    key = '0',
    storage = 'FloatStorage',
    elements = 4,
    offset = 0,
    shape = [4],
    strides = [1],
    metadata,
  } = options;
  const id = tuple(text('storage'), `ctorch\n${storage}\n`, text(key), text('cpu'), int(elements));
  const sizes = (list: readonly number[]): Uint8Array => tuple(...list.map(int));
  return bytesOf(
    'ctorch._utils\n_rebuild_tensor_v2\n',
    tuple(bytesOf(id, 'Q'), int(offset), sizes(shape), sizes(strides), 0x89, 'N', metadata ?? ''),
    'R',
  );
};

/** Says that a number is in the 64-bit part. */
const IN_64 = uint(0xffffffff);

/** A zip file of records that are stored as they are; `is64` has its numbers in 64 bits, as files beyond 4 GiB have. */
export function zipOf(
  records: Readonly<Record<string, Uint8Array>>,
  change: { readonly method?: number; readonly is64?: boolean } = {},
): Uint8Array {
  const { method = 0, is64 = false } = change;
  const locals: Uint8Array[] = [];
  const entries: Uint8Array[] = [];
  let at = 0;
  for (const [name, content] of Object.entries(records)) {
    const common = bytesOf(
      ...[uint(0, 2), uint(method, 2), uint(0), uint(crc32(content))],
      ...[uint(content.length), uint(content.length), uint(name.length, 2), uint(0, 2)],
    );
    const local = bytesOf('PK\x03\x04', uint(20, 2), common, name, content);
    const sizes = bytesOf(uint(1, 2), uint(24, 2), uint(content.length, 8), uint(content.length, 8), uint(at, 8));
    const large = bytesOf(common.subarray(0, 12), IN_64, IN_64, uint(name.length, 2), uint(sizes.length, 2));
    const [described, place, extra] = is64 ? [large, IN_64, sizes] : [common, uint(at), new Uint8Array()];
    entries.push(
      bytesOf('PK\x01\x02', uint(20, 2), uint(20, 2), described, uint(0, 2), uint(0, 8), place, name, extra),
    );
    locals.push(local);
    at += local.length;
  }
  const directory = bytesOf(...entries);
  const count = uint(entries.length, 2);
  if (!is64) {
    const end = bytesOf('PK\x05\x06', uint(0), count, count, uint(directory.length), uint(at), uint(0, 2));
    return bytesOf(...locals, directory, end);
  }
  // The versions, the disks, and how many records there are, which nobody needs.
  const ignored = bytesOf(uint(0), uint(0, 8), uint(0, 8), uint(0, 8));
  const end64 = bytesOf('PK\x06\x06', uint(44, 8), ignored, uint(directory.length, 8), uint(at, 8));
  const locator = bytesOf('PK\x06\x07', uint(0), uint(at + directory.length, 8), uint(1));
  const end = bytesOf('PK\x05\x06', uint(0), count, count, IN_64, IN_64, uint(0, 2));
  return bytesOf(...locals, directory, end64, locator, end);
}

/** A zip file of PyTorch with a pickle and the storage "0" of four float32 values 1, 2, 3, 4. */
export const archiveOf = (pickle: Uint8Array, records: Readonly<Record<string, Uint8Array>> = {}): Uint8Array =>
  zipOf({
    'net/data.pkl': pickle,
    'net/data/0': new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer),
    ...records,
  });

export const sourceOf = (bytes: Uint8Array, name = 'net.pt') => memorySource(bytes, name);
