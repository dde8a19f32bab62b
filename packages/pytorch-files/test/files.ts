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
}

/** The opcodes of a tensor: by default four float32 values of the storage "0". */
export const tensorOpcodes = (options: TensorOpcodes = {}): Uint8Array => {
  const { key = '0', storage = 'FloatStorage', elements = 4, offset = 0, shape = [4], strides = [1] } = options;
  const id = tuple(text('storage'), `ctorch\n${storage}\n`, text(key), text('cpu'), int(elements));
  const sizes = (list: readonly number[]): Uint8Array => tuple(...list.map(int));
  return bytesOf(
    'ctorch._utils\n_rebuild_tensor_v2\n',
    tuple(bytesOf(id, 'Q'), int(offset), sizes(shape), sizes(strides), 0x89, 'N'),
    'R',
  );
};

/** A zip file of records that are stored as they are. */
export function zipOf(
  records: Readonly<Record<string, Uint8Array>>,
  change: { readonly method?: number } = {},
): Uint8Array {
  const locals: Uint8Array[] = [];
  const entries: Uint8Array[] = [];
  let at = 0;
  for (const [name, content] of Object.entries(records)) {
    const common = bytesOf(
      ...[uint(0, 2), uint(change.method ?? 0, 2), uint(0), uint(crc32(content))],
      ...[uint(content.length), uint(content.length), uint(name.length, 2), uint(0, 2)],
    );
    const local = bytesOf('PK\x03\x04', uint(20, 2), common, name, content);
    entries.push(
      bytesOf('PK\x01\x02', uint(20, 2), uint(20, 2), common, uint(0, 2), uint(0, 4), uint(0, 4), uint(at), name),
    );
    locals.push(local);
    at += local.length;
  }
  const directory = bytesOf(...entries);
  const count = uint(entries.length, 2);
  const end = bytesOf('PK\x05\x06', uint(0), count, count, uint(directory.length), uint(at), uint(0, 2));
  return bytesOf(...locals, directory, end);
}

/** A zip file of PyTorch with a pickle and the storage "0" of four float32 values 1, 2, 3, 4. */
export const archiveOf = (pickle: Uint8Array, records: Readonly<Record<string, Uint8Array>> = {}): Uint8Array =>
  zipOf({
    'net/data.pkl': pickle,
    'net/data/0': new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer),
    ...records,
  });

export const sourceOf = (bytes: Uint8Array, name = 'net.pt') => memorySource(bytes, name);
