// IDX files (MNIST, Fashion-MNIST): big-endian sizes, then bytes; gzip-compressed or not.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { DataError, greyImages, type ImageSet } from '../images.js';
import { readBytes } from './files.js';

const UNSIGNED_BYTE = 8;
const FILES = { train: 'train', test: 't10k' } as const;

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

async function readArray(name: string, rank: number) {
  const path = existsSync(name) ? name : `${name}.gz`;
  const stored = await readBytes(path, 'an IDX file, .gz or not');
  const bytes = path.endsWith('.gz') ? gunzip(stored, path) : stored;
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
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
  const wanted = shape.reduce((product, size) => product * size, 1);
  if (bytes.length - header !== wanted) {
    throw new DataError(
      `${path}: its header promises ${shape.join('x')} = ${wanted} bytes, but ${bytes.length - header} follow`,
    );
  }
  return { path, shape, values: bytes.subarray(header) };
}

function gunzip(bytes: Uint8Array, path: string): Uint8Array {
  try {
    return gunzipSync(bytes);
  } catch (cause) {
    throw new DataError(`${path}: not a gzip file`, { cause });
  }
}
