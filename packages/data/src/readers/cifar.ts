// CIFAR in its official binary layout: records of label bytes and 3072 pixels, channel-first RGB.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DataError } from '../errors.js';
import type { ImageSet } from '../images.js';
import { readBytes } from './files.js';

const SIDE = 32;
const PIXELS = 3 * SIDE * SIDE;

interface Layout {
  readonly folder: string;
  readonly files: Readonly<Record<'train' | 'test', readonly string[]>>;
  readonly namesFile: string;
  /** Label bytes before the pixels; the last one is the class. */
  readonly labelBytes: number;
  readonly classes: number;
  /** What its authors publish. */
  readonly archive: string;
}

/** Where its authors publish it. */
const HOME = 'https://www.cs.toronto.edu/~kriz/cifar.html';

const CIFAR_10: Layout = {
  folder: 'cifar-10-batches-bin',
  files: { train: [1, 2, 3, 4, 5].map((i) => `data_batch_${i}.bin`), test: ['test_batch.bin'] },
  namesFile: 'batches.meta.txt',
  labelBytes: 1,
  classes: 10,
  archive: 'cifar-10-binary.tar.gz',
};

const CIFAR_100: Layout = {
  folder: 'cifar-100-binary',
  files: { train: ['train.bin'], test: ['test.bin'] },
  namesFile: 'fine_label_names.txt',
  labelBytes: 2,
  classes: 100,
  archive: 'cifar-100-binary.tar.gz',
};

/** What one of its files is, and where to get it. */
const partOf = ({ folder, archive }: Layout): string =>
  `part of ${folder}, CIFAR's binary version: unpack ${archive} of ${HOME} and give its folder with --data-dir`;

/** What a file of CIFAR is, for messages, and where to get it. */
export const cifarPart = (data: 'cifar10' | 'cifar100'): string => partOf(data === 'cifar10' ? CIFAR_10 : CIFAR_100);

/** CIFAR-10 from a folder that holds `data_batch_1.bin` …, or holds `cifar-10-batches-bin` that does. Throws {@link DataError} naming file and field. */
export const readCifar10 = (folder: string, split: 'train' | 'test'): Promise<ImageSet> =>
  readCifar(folder, split, CIFAR_10);

/** CIFAR-100 with its fine labels, from a folder that holds `train.bin` …, or holds `cifar-100-binary` that does. Throws {@link DataError}. */
export const readCifar100 = (folder: string, split: 'train' | 'test'): Promise<ImageSet> =>
  readCifar(folder, split, CIFAR_100);

async function readCifar(root: string, split: 'train' | 'test', layout: Layout): Promise<ImageSet> {
  const folder = folderOf(root, layout);
  const record = layout.labelBytes + PIXELS;
  const pixels: Uint8Array[] = [];
  const labels: number[] = [];
  for (const name of layout.files[split]) {
    const path = join(folder, name);
    const bytes = await readBytes(path, partOf(layout));
    if (bytes.length === 0 || bytes.length % record !== 0) {
      throw new DataError(
        `${path}: wanted records of ${record} bytes, got ${bytes.length} bytes, ${bytes.length % record} too many or a truncated record`,
      );
    }
    for (let at = 0; at < bytes.length; at += record) {
      const label = bytes[at + layout.labelBytes - 1];
      if (label >= layout.classes)
        throw new DataError(`${path}: record ${at / record} has class ${label}; there are ${layout.classes}`);
      labels.push(label);
      pixels.push(bytes.subarray(at + layout.labelBytes, at + record));
    }
  }
  return {
    pixels: joined(pixels),
    labels: Uint16Array.from(labels),
    height: SIDE,
    width: SIDE,
    classNames: await classNames(folder, layout),
  };
}

const folderOf = (root: string, { folder }: Layout): string =>
  existsSync(join(root, folder)) ? join(root, folder) : root;

/** The files that are read of CIFAR-10 or CIFAR-100. */
export function cifarFiles(root: string, data: 'cifar10' | 'cifar100'): string[] {
  const layout = data === 'cifar10' ? CIFAR_10 : CIFAR_100;
  const folder = folderOf(root, layout);
  const names = [...layout.files.train, ...layout.files.test, layout.namesFile].map((name) => join(folder, name));
  return names.filter((path) => path !== join(folder, layout.namesFile) || existsSync(path));
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.length * PIXELS);
  parts.forEach((part, i) => all.set(part, i * PIXELS));
  return all;
}

/** The names file is a convenience: without it classes are numbers. */
async function classNames(folder: string, { namesFile, classes }: Layout): Promise<string[]> {
  const path = join(folder, namesFile);
  if (!existsSync(path)) return Array.from({ length: classes }, (_, label) => String(label));
  const lines = new TextDecoder().decode(await readBytes(path, 'class names')).split('\n');
  const names = lines.map((line) => line.trim()).filter((line) => line !== '');
  if (names.length !== classes) throw new DataError(`${path}: ${names.length} names, but there are ${classes} classes`);
  return names;
}
