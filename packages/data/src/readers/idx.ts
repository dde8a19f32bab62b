// IDX files (MNIST, Fashion-MNIST): big-endian sizes, then bytes; gzip-compressed or not.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { constants, gunzipSync } from 'node:zlib';
import { DataError } from '../errors.js';
import { greyImages, type ImageSet } from '../images.js';
import { readBytes } from './files.js';

const UNSIGNED_BYTE = 8;
const FILES = { train: 'train', test: 't10k' } as const;

/** Pictures and labels shrink by less; what grows this much and this large is taken for a bomb. */
const MOST_GROWTH = 32;
const ALWAYS_ALLOWED_BYTES = 2 ** 28;

/**
 * Grey images of IDX files `train-images-idx3-ubyte` …, as RGB images of `size` pixels a side, black around smaller ones.
 * Throws {@link DataError} naming the file and what is wrong with it.
 */
export async function readIdx(folder: string, split: 'train' | 'test', size = 32): Promise<ImageSet> {
  const images = await readArray(join(folder, `${FILES[split]}-images-idx3-ubyte`), 3);
  const labels = await readArray(join(folder, `${FILES[split]}-labels-idx1-ubyte`), 1);
  const [count, height, width] = images.shape;
  if (labels.shape[0] !== count)
    throw new DataError(`${labels.path}: ${labels.shape[0]} labels, but ${images.path} has ${count} images`);
  if (height > size || width > size)
    throw new DataError(`${images.path}: images of ${height}x${width} do not fit into ${size}x${size}`);
  const classes = labels.values.reduce((most, label) => Math.max(most, label), 0) + 1;
  return {
    pixels: greyImages(images.values, height, width, size),
    labels: Uint16Array.from(labels.values),
    height: size,
    width: size,
    classNames: Array.from({ length: classes }, (_, label) => String(label)),
  };
}

/** The files that are read of a folder. */
export const idxFiles = (folder: string): string[] =>
  Object.values(FILES).flatMap((split) =>
    [`${split}-images-idx3-ubyte`, `${split}-labels-idx1-ubyte`].map((name) => storedPath(join(folder, name))),
  );

const storedPath = (name: string): string => (existsSync(name) ? name : `${name}.gz`);

async function readArray(name: string, rank: number) {
  const path = storedPath(name);
  const stored = await readBytes(path, 'an IDX file, .gz or not');
  const header = 4 + 4 * rank;
  const isCompressed = path.endsWith('.gz');
  const shape = shapeOf(isCompressed ? gunzipStart(stored, header, path) : stored, rank, path);
  const wanted = shape.reduce((product, size) => product * size, 1);
  const bytes = isCompressed ? gunzip(stored, header + wanted, path) : stored;
  if (bytes.length - header !== wanted) {
    throw new DataError(
      `${path}: its header promises ${shape.join('x')} = ${wanted} bytes, but ${bytes.length - header} follow`,
    );
  }
  return { path, shape, values: bytes.subarray(header) };
}

/** The sizes in a header. Throws {@link DataError} where there is none. */
function shapeOf(bytes: Uint8Array, rank: number, path: string): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const header = 4 + 4 * rank;
  if (
    bytes.length < header ||
    view.getUint16(0) !== 0 ||
    view.getUint8(2) !== UNSIGNED_BYTE ||
    view.getUint8(3) !== rank
  ) {
    throw new DataError(
      `${path}: not an IDX file of unsigned bytes with ${rank} axes; it starts with ${[...bytes.subarray(0, 4)].join(' ')}`,
    );
  }
  return Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
}

/** Compressed bytes that surely hold a header. */
const START_BYTES = 4096;

/** The first bytes of what a gzip file holds, without the rest. */
function gunzipStart(bytes: Uint8Array, length: number, path: string): Uint8Array {
  try {
    const start = bytes.subarray(0, START_BYTES);
    return gunzipSync(start, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, length);
  } catch (cause) {
    throw new DataError(`${path}: not a gzip file`, { cause });
  }
}

/** What a gzip file holds. Throws {@link DataError} for more than the header promises, before it is unpacked. */
function gunzip(bytes: Uint8Array, promised: number, path: string): Uint8Array {
  const allowed = Math.max(ALWAYS_ALLOWED_BYTES, MOST_GROWTH * bytes.length);
  if (promised > allowed)
    throw new DataError(`${path}: ${bytes.length} compressed bytes promise ${promised}; ${allowed} are allowed`);
  try {
    return gunzipSync(bytes, { maxOutputLength: promised });
  } catch (cause) {
    const isLarger = cause instanceof RangeError;
    throw new DataError(
      isLarger
        ? `${path}: its header promises ${promised} bytes in all, but more follow`
        : `${path}: the compressed data is corrupt or truncated`,
      { cause },
    );
  }
}
