import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { byteTokenizer, gpt2Tokenizer, textSource } from '../src/index.js';
import {
  datasetIdentity,
  readCifar10,
  readCifar100,
  readDataset,
  readIdx,
  readImageFolder,
  readText,
} from '../src/node.js';
import '@logah/backend-ort';

let folder: string;
const at = (...parts: string[]): string => join(folder, ...parts);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'logah-data-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** CIFAR records: labels, then 3072 pixels that all hold the record's number. */
const records = (labels: readonly (readonly number[])[]): Uint8Array =>
  Uint8Array.from(labels.flatMap((bytes, i) => [...bytes, ...new Array<number>(3072).fill(i)]));

describe('CIFAR', () => {
  it('is read in its binary layout, from the folder or the one around it', async () => {
    await mkdir(at('cifar-10-batches-bin'));
    await writeFile(at('cifar-10-batches-bin', 'test_batch.bin'), records([[3], [9]]));
    await writeFile(at('cifar-10-batches-bin', 'batches.meta.txt'), 'a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n');
    for (const place of [at(), at('cifar-10-batches-bin')]) {
      const images = await readCifar10(place, 'test');
      expect([...images.labels]).toEqual([3, 9]);
      expect([images.pixels[3071], images.pixels[3072]]).toEqual([0, 1]);
      expect(images.classNames).toHaveLength(10);
    }
  });

  it('of 100 classes has coarse labels that are passed over', async () => {
    await writeFile(
      at('test.bin'),
      records([
        [19, 99],
        [0, 5],
      ]),
    );
    const images = await readCifar100(at(), 'test');
    expect([...images.labels]).toEqual([99, 5]);
    expect(images.classNames).toHaveLength(100);
  });

  it('that is missing, truncated or has an impossible class is refused by file and record', async () => {
    await expect(readCifar10(at(), 'train')).rejects.toThrow(
      /cannot read .*data_batch_1\.bin \(part of cifar-10-batches-bin, CIFAR's binary version: unpack cifar-10-binary\.tar\.gz of .*\): ENOENT/,
    );
    await writeFile(at('cifar-10-batches-bin', 'test_batch.bin'), records([[3], [9]]).subarray(1));
    await expect(readCifar10(at(), 'test')).rejects.toThrow(
      /test_batch\.bin: wanted records of 3073 bytes, got 6145 bytes/,
    );
    await writeFile(at('cifar-10-batches-bin', 'test_batch.bin'), records([[3], [10]]));
    await expect(readCifar10(at(), 'test')).rejects.toThrow(/test_batch\.bin: record 1 has class 10; there are 10/);
  });
});

describe('IDX', () => {
  const header = (...shape: number[]): number[] => [
    0,
    0,
    8,
    shape.length,
    ...shape.flatMap((n) => [0, 0, n >> 8, n & 255]),
  ];

  it('is read, compressed or not', async () => {
    await writeFile(at('t10k-images-idx3-ubyte.gz'), gzipSync(Uint8Array.from([...header(2, 1, 2), 1, 2, 3, 4])));
    await writeFile(at('t10k-labels-idx1-ubyte'), Uint8Array.from([...header(2), 1, 0]));
    const images = await readIdx(at(), 'test', 2);
    expect([...images.labels]).toEqual([1, 0]);
    expect([...images.pixels.slice(0, 4)]).toEqual([1, 2, 0, 0]);
    expect(images.classNames).toEqual(['0', '1']);
  });

  it('that is something else, too short or of another count is refused by file', async () => {
    await writeFile(at('train-labels-idx1-ubyte'), Uint8Array.from([...header(2), 1, 0]));
    await writeFile(at('train-images-idx3-ubyte'), 'hello');
    await expect(readIdx(at(), 'train')).rejects.toThrow(
      /train-images-idx3-ubyte: not an IDX file of unsigned bytes with 3 axes; it starts with 104 101 108 108/,
    );
    await writeFile(at('train-images-idx3-ubyte'), Uint8Array.from([...header(2, 2, 2), 1]));
    await expect(readIdx(at(), 'train')).rejects.toThrow(/its header promises 2x2x2 = 8 bytes, but 1 follow/);
    await writeFile(at('train-images-idx3-ubyte'), Uint8Array.from([...header(1, 1, 1), 1]));
    await expect(readIdx(at(), 'train')).rejects.toThrow(/2 labels, but .* has 1 images/);
  });
});

describe('a folder of pictures', () => {
  it('has a class for each subfolder, its pictures scaled to one size', async () => {
    for (const [name, background] of [
      ['cat', '#ff0000'],
      ['dog', '#0000ff'],
    ] as const) {
      await mkdir(at('pictures', name), { recursive: true });
      await sharp({ create: { width: 6, height: 4, channels: 3, background } })
        .png()
        .toFile(at('pictures', name, '1.png'));
      await sharp({ create: { width: 4, height: 4, channels: 3, background } })
        .jpeg()
        .toFile(at('pictures', name, '2.jpg'));
    }
    const images = await readImageFolder(at('pictures'), 2);
    expect(images.classNames).toEqual(['cat', 'dog']);
    expect([...images.labels]).toEqual([0, 0, 1, 1]);
    expect([...images.pixels.slice(0, 12)]).toEqual([255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0]);
  });

  it('with a broken picture or an empty class is refused by name', async () => {
    await writeFile(at('pictures', 'dog', '3.png'), 'not a picture');
    await expect(readImageFolder(at('pictures'))).rejects.toThrow(/dog\/3\.png: not a picture that can be read/);
    await rm(at('pictures', 'dog', '3.png'));
    await mkdir(at('pictures', 'emu'));
    await expect(readImageFolder(at('pictures'))).rejects.toThrow(/emu: a class folder without a \.jpg or \.png/);
  });
});

describe('train and test', () => {
  const picture = (background: string) => sharp({ create: { width: 4, height: 4, channels: 3, background } }).png();
  const read = (data: 'folder' | 'idx', dataDir: string) =>
    readDataset({ data, dataDir, tokenizer: 'bytes', context: 4 });
  const folders = async (root: string, classes: Readonly<Record<string, readonly string[]>>): Promise<void> => {
    for (const [split, names] of Object.entries(classes)) {
      for (const name of names) {
        await mkdir(at(root, split, name), { recursive: true });
        await picture('#123456').toFile(at(root, split, name, '1.png'));
      }
    }
  };

  it('have classes by name: others than those of training are refused, missing ones keep the labels right', async () => {
    await folders('other', { train: ['cat', 'dog'], test: ['cat', 'horse'] });
    await expect(read('folder', at('other'))).rejects.toThrow(/have the class "horse", but .* are cat, dog/);
    await folders('fewer', { train: ['ant', 'bee', 'cat'], test: ['cat'] });
    const { test } = await read('folder', at('fewer'));
    expect([...test.batch([0]).labels.dataSync()]).toEqual([2]);
    await folders('single', { train: ['ant'], test: ['ant'] });
    await expect(read('folder', at('single'))).rejects.toThrow('only the class "ant"; there should be two at least');
  });

  it('may have other files beside class folders, hidden or not', async () => {
    await folders('beside', { train: ['cat', 'dog'], test: ['cat', 'dog'] });
    for (const name of ['.DS_Store', 'notes.txt']) await writeFile(at('beside', 'train', name), 'x');
    await writeFile(at('beside', 'train', 'cat', '._1.png'), 'x');
    const before = await datasetIdentity({ data: 'folder', dataDir: at('beside'), tokenizer: 'bytes', context: 4 });
    expect((await read('folder', at('beside'))).train.length).toBe(2);
    await rename(at('beside'), at('moved'));
    const options = { data: 'folder', dataDir: at('moved'), tokenizer: 'bytes', context: 4 } as const;
    expect(await datasetIdentity(options)).toBe(before);
    await rename(at('moved', 'train', 'cat'), at('moved', 'train', 'eel'));
    expect(await datasetIdentity(options)).not.toBe(before);
  });

  it('of IDX may lack the highest digit in the test part', async () => {
    await mkdir(at('digits'));
    const header = (...sizes: number[]): number[] => [0, 0, 8, sizes.length, ...sizes.flatMap((n) => [0, 0, 0, n])];
    for (const [split, labels] of [
      ['train', [0, 1, 2]],
      ['t10k', [0, 1, 1]],
    ] as const) {
      await writeFile(at('digits', `${split}-images-idx3-ubyte`), Uint8Array.from([...header(3, 1, 1), 1, 2, 3]));
      await writeFile(at('digits', `${split}-labels-idx1-ubyte`), Uint8Array.from([...header(3), ...labels]));
    }
    expect(await read('idx', at('digits'))).toMatchObject({ classes: 3 });
  });
});

describe('text', () => {
  it('is bytes, or GPT-2’s tokens', async () => {
    expect([...byteTokenizer.encode('é')]).toEqual([195, 169]);
    // From GPT-2's own vocabulary.
    expect([...(await gpt2Tokenizer()).encode('Hello world')]).toEqual([15496, 995]);
  });

  it('is cut into blocks that are their own labels', async () => {
    await writeFile(at('text.txt'), 'abcdefg');
    const source = textSource(byteTokenizer.encode(await readText(at('text.txt'))), 3);
    expect(source.length).toBe(2);
    const { inputs, labels } = source.batch([1]);
    expect([...inputs.dataSync()]).toEqual([100, 101, 102]);
    expect([...labels.dataSync()]).toEqual([100, 101, 102]);
    expect(() => source.batch([2])).toThrow('block 2 is not among the 2');
    expect(() => textSource(Int32Array.of(1), 3, 'a.txt')).toThrow('a.txt: 1 tokens are less than one block of 3');
  });

  it('that is missing is refused by file', async () => {
    await expect(readText(at('none.txt'))).rejects.toThrow(/cannot read .*none\.txt \(a text file\): ENOENT/);
  });
});
