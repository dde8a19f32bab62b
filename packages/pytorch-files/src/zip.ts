// The directory of a zip file (PKWARE's APPNOTE 6.3.10), also of one beyond 4 GiB. PyTorch stores its records
// uncompressed, so each is a part of the file.
import { Crc32 } from '@aws-crypto/crc32';
import { PytorchFileError } from './errors.js';
import { type ByteSource, partOf, readExactly } from './source.js';

/** A record of a zip file. */
export interface ZipRecord {
  readonly byteLength: number;
  /**
   * Finds its bytes, once, and compares them with their checksum. Throws {@link PytorchFileError} when they are
   * compressed, encrypted, damaged or not in the file.
   */
  readonly open: () => Promise<ByteSource>;
}

const END = { signature: 0x06054b50, bytes: 22 };
const END_64 = { signature: 0x06064b50, bytes: 56 };
const LOCATOR_64 = { signature: 0x07064b50, bytes: 20 };
const ENTRY = { signature: 0x02014b50, bytes: 46 };
const LOCAL = { signature: 0x04034b50, bytes: 30 };

/** The longest comment behind the end of a directory. */
const LONGEST_COMMENT = 0xffff;
/** Says that a number is in the record's 64-bit part. */
const IN_64 = 0xffffffff;
const EXTRA_64 = 0x0001;
const STORED = 0;
const ENCRYPTED = 0x0001;

/** What stands there where PyTorch was told to compute none (torch.serialization.set_crc32_options). */
const NO_CHECKSUM = 0;
const PIECE_BYTES = 2 ** 20;

/** A directory of a million records has about 100 bytes for each. */
const MOST_DIRECTORY_BYTES = 2 ** 27;

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Whether a file of these first bytes is a zip file. */
export const isZip = (start: Uint8Array): boolean =>
  start.byteLength >= 4 && viewOf(start).getUint32(0, true) === LOCAL.signature;

/** All records by name. Throws {@link PytorchFileError} naming what is wrong with the directory. */
export async function readZip(source: ByteSource): Promise<Map<string, ZipRecord>> {
  const fail = (what: string): never => {
    throw new PytorchFileError(`${source.name}: ${what}; the zip file is truncated or corrupt`);
  };
  const { offset, length } = await findDirectory(source, fail);
  if (length > MOST_DIRECTORY_BYTES) fail(`its directory has ${length} bytes, ${MOST_DIRECTORY_BYTES} are allowed`);
  const bytes = await readExactly(source, offset, length, 'the directory');
  const view = viewOf(bytes);
  const records = new Map<string, ZipRecord>();
  for (let at = 0; at < length; ) {
    if (at + ENTRY.bytes > length || view.getUint32(at, true) !== ENTRY.signature)
      fail(`its directory has no entry at byte ${at}`);
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((place) => view.getUint16(at + place, true));
    const end = at + ENTRY.bytes + nameLength + extraLength + commentLength;
    if (end > length) fail(`the entry at byte ${at} of its directory is longer than the directory`);
    const name = new TextDecoder().decode(bytes.subarray(at + ENTRY.bytes, at + ENTRY.bytes + nameLength));
    const extra = bytes.subarray(at + ENTRY.bytes + nameLength, end - commentLength);
    const entry = { ...sizesOf(viewOf(bytes.subarray(at, at + ENTRY.bytes)), viewOf(extra)), name };
    if (records.has(name)) fail(`it has two records "${name}"`);
    let opened: Promise<ByteSource> | undefined;
    const open = (): Promise<ByteSource> => {
      opened ??= openRecord(source, entry);
      return opened;
    };
    records.set(name, { byteLength: entry.byteLength, open });
    at = end;
  }
  return records;
}

interface Entry {
  readonly name: string;
  readonly byteLength: number;
  readonly headerOffset: number;
  readonly method: number;
  readonly flags: number;
  readonly checksum: number;
}

async function findDirectory(
  source: ByteSource,
  fail: (what: string) => never,
): Promise<{ readonly offset: number; readonly length: number }> {
  const tailLength = Math.min(source.size, END.bytes + LONGEST_COMMENT);
  const tailOffset = source.size - tailLength;
  const tail = viewOf(await readExactly(source, tailOffset, tailLength, 'its end'));
  let at = tailLength - END.bytes;
  while (at >= 0 && tail.getUint32(at, true) !== END.signature) at--;
  if (at < 0) return fail('it has no directory at its end');
  const [length, offset] = [tail.getUint32(at + 12, true), tail.getUint32(at + 16, true)];
  const locatorAt = tailOffset + at - LOCATOR_64.bytes;
  if (locatorAt < 0) return { offset, length };
  const locator = viewOf(await readExactly(source, locatorAt, LOCATOR_64.bytes, 'its end'));
  if (locator.getUint32(0, true) !== LOCATOR_64.signature) return { offset, length };
  const end64 = Number(locator.getBigUint64(8, true));
  const record = viewOf(await readExactly(source, end64, END_64.bytes, 'the 64-bit end of its directory'));
  if (record.getUint32(0, true) !== END_64.signature) fail('its directory has no 64-bit end');
  return { length: Number(record.getBigUint64(40, true)), offset: Number(record.getBigUint64(48, true)) };
}

/** What a directory's entry says of a record; what does not fit into 32 bits is in the extra fields. */
function sizesOf(entry: DataView, extra: DataView): Omit<Entry, 'name'> {
  const large = field64(extra);
  // The 64-bit part holds only those numbers that are marked, in this order.
  const [byteLength, , headerOffset] = [24, 20, 42].map((place) => {
    const value = entry.getUint32(place, true);
    return value === IN_64 ? (large.shift() ?? value) : value;
  });
  return {
    byteLength,
    headerOffset,
    method: entry.getUint16(10, true),
    flags: entry.getUint16(8, true),
    checksum: entry.getUint32(16, true),
  };
}

/** The numbers of the extra field for sizes of 64 bits; none where there is no such field. */
function field64(extra: DataView): number[] {
  for (let at = 0; at + 4 <= extra.byteLength; ) {
    const [id, size] = [extra.getUint16(at, true), extra.getUint16(at + 2, true)];
    const numbers = Math.floor(Math.min(size, extra.byteLength - at - 4) / 8);
    if (id === EXTRA_64)
      return Array.from({ length: numbers }, (_, i) => Number(extra.getBigUint64(at + 4 + 8 * i, true)));
    at += 4 + size;
  }
  return [];
}

async function openRecord(source: ByteSource, entry: Entry): Promise<ByteSource> {
  const { name, byteLength, headerOffset, method, flags, checksum } = entry;
  const fail = (what: string): never => {
    throw new PytorchFileError(`${source.name}: the record "${name}" ${what}`);
  };
  if (method !== STORED) fail(`is compressed (method ${method}); PyTorch stores its records as they are`);
  if (flags & ENCRYPTED) fail('is encrypted');
  const header = viewOf(await readExactly(source, headerOffset, LOCAL.bytes, `the header of "${name}"`));
  if (header.getUint32(0, true) !== LOCAL.signature) fail('is not where the directory says: the file is corrupt');
  const begin = headerOffset + LOCAL.bytes + header.getUint16(26, true) + header.getUint16(28, true);
  const record = partOf(source, begin, byteLength, `the record "${name}"`);
  if (checksum !== NO_CHECKSUM && (await checksumOf(record)) !== checksum)
    fail('has another checksum than the directory says: the file is corrupt');
  return record;
}

async function checksumOf(record: ByteSource): Promise<number> {
  const checksum = new Crc32();
  for (let at = 0; at < record.size; at += PIECE_BYTES) {
    const length = Math.min(PIECE_BYTES, record.size - at);
    checksum.update(await readExactly(record, at, length, 'a record'));
  }
  return checksum.digest();
}
