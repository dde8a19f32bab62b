// Which of the formats a file has, told by its first bytes, and what it holds.
import { loadArchive } from './archive.js';
import { PytorchFileError } from './errors.js';
import { inflate, inflatedLimit } from './inflate.js';
import { bytesLoader, isLegacy, loadLegacy } from './legacy.js';
import { OP } from './opcodes.js';
import { unpickle } from './pickle.js';
import { type ByteSource, readExactly } from './source.js';
import { ByteStream } from './stream.js';
import { describeValue, type PickleValue } from './values.js';
import { isZip } from './zip.js';

/** `zip` is PyTorch's format since 1.6, `legacy` the one before, `joblib` a dump of joblib or a plain pickle. */
export type PytorchFormat = 'zip' | 'legacy' | 'joblib';

/** What is in a file. Its tensors are read from the source when they are asked for. */
export interface PytorchFile {
  /** For errors. */
  readonly name: string;
  readonly format: PytorchFormat;
  /** Bytes of the file, unpacked where it is compressed. */
  readonly byteLength: number;
  readonly value: PickleValue;
}

export interface ReadOptions {
  /** The most that a compressed file may unpack to; by default 256 MiB, or 32 times its size where that is more. */
  readonly mostInflatedBytes?: number;
}

/** The longest signature below: that of a tar file, at byte 257. */
const START_BYTES = 264;

/** Formats that are recognised to be refused by name. */
const REFUSED: ReadonlyArray<readonly [at: number, text: string, what: string]> = [
  [0, 'BZh', 'a bz2 file; joblib.dump it again with compress=("zlib", 3)'],
  [0, '\xfd7zXZ', 'an xz file; joblib.dump it again with compress=("zlib", 3)'],
  [0, '\x5d\x00\x00', 'an lzma file; joblib.dump it again with compress=("zlib", 3)'],
  [0, '\x04\x22\x4d\x18', 'an lz4 file; joblib.dump it again with compress=("zlib", 3)'],
  [0, 'ZF', "a dump of joblib before 0.10; joblib.dump it again with today's"],
  [257, 'ustar', "a tar file, PyTorch's format before 0.1.10; torch.save it again with today's"],
];

/**
 * Reads what a file holds, but for the content of its tensors, whatever its format and however large it is.
 * Nothing that its pickle names is called. Throws {@link PytorchFileError} naming the file and what is wrong with it.
 */
export async function readPytorchFile(source: ByteSource, options: ReadOptions = {}): Promise<PytorchFile> {
  const { name } = source;
  const start = await readExactly(source, 0, Math.min(source.size, START_BYTES), 'its start');
  const of = { name, byteLength: source.size };
  if (isZip(start)) return { ...of, format: 'zip', value: await loadArchive(source) };
  if (isLegacy(start)) return { ...of, format: 'legacy', value: await loadLegacy(source) };
  const compression = compressionOf(start);
  if (compression !== undefined) {
    const { mostInflatedBytes = inflatedLimit(source.size) } = options;
    const inflated = await inflate(source, compression, mostInflatedBytes);
    return { name, byteLength: inflated.size, format: 'joblib', value: await loadPickle(inflated) };
  }
  if (start[0] === OP.PROTO) return { ...of, format: 'joblib', value: await loadPickle(source) };
  for (const [at, text, what] of REFUSED) {
    if ([...text].every((char, i) => start[at + i] === char.charCodeAt(0)))
      throw new PytorchFileError(`${name}: ${what}`);
  }
  throw new PytorchFileError(`${name}: not a file of PyTorch or joblib, neither a zip file nor a pickle`);
}

/** RFC 1950 and RFC 1952: a zlib header's two bytes are a multiple of 31, its method is 8. */
function compressionOf([first, second]: Uint8Array): 'deflate' | 'gzip' | undefined {
  if (first === 0x1f && second === 0x8b) return 'gzip';
  return (first & 0x0f) === 8 && first >> 4 <= 7 && (first * 256 + second) % 31 === 0 ? 'deflate' : undefined;
}

/** A pickle alone: PyTorch's storages are byte strings in it, numpy's arrays lie between its opcodes. */
function loadPickle(source: ByteSource): Promise<PickleValue> {
  return unpickle(new ByteStream(source), {
    persistent: (id) => {
      throw new PytorchFileError(`${source.name}: it names ${describeValue(id)}, which lies outside of the file`);
    },
    loadBytes: bytesLoader(),
  });
}
