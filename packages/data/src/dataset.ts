// Data sets in folders by name, as sources of samples with the augmentation that suits them.
import { join } from 'node:path';
import { type DataSource, subset } from './batch.js';
import { DataError } from './errors.js';
import { CIFAR10_MEAN, CIFAR10_STD, type ImageSet, type ImageSourceOptions, imageSource } from './images.js';
import { readCifar10, readCifar100 } from './readers/cifar.js';
import { readIdx } from './readers/idx.js';
import { readImageFolder } from './readers/image-folder.js';
import { readText } from './readers/text.js';
import { byteTokenizer, gpt2Tokenizer, textSource } from './text.js';

export const DATASET_NAMES = ['cifar10', 'cifar100', 'idx', 'folder', 'text'] as const;
export type DatasetName = (typeof DATASET_NAMES)[number];

export interface DatasetOptions {
  /** CIFAR in its binary layout, IDX files as MNIST has, folders `train` and `test` of pictures, or `train.txt` and `test.txt`. */
  readonly data: DatasetName;
  readonly dataDir: string;
  /** Of text. */
  readonly tokenizer: 'bytes' | 'gpt2';
  /** Tokens in a block of text. */
  readonly context: number;
  /** Leaves out so many training samples, the first ones; none by default. */
  readonly skipSamples?: number;
  /** At most so many samples, the first ones; all by default. */
  readonly trainSamples?: number;
  readonly testSamples?: number;
}

/** Data to train on and to evaluate on, and what networks for it must be like. */
export type Dataset =
  | {
      readonly kind: 'images';
      readonly train: DataSource;
      readonly test: DataSource;
      readonly classes: number;
      readonly image: number;
      /** Of each channel, on the scale 0..1: pixels are normalised as `(pixel / 255 - mean) / std`. */
      readonly mean: readonly number[];
      readonly std: readonly number[];
    }
  | {
      readonly kind: 'text';
      readonly train: DataSource;
      readonly test: DataSource;
      readonly vocab: number;
      readonly context: number;
    };

/** Mirroring is right for photographs, not for digits and letters. */
type Preparation = ImageSourceOptions & Required<Pick<ImageSourceOptions, 'mean' | 'std'>>;

const PHOTOGRAPHS: Preparation = { cropPadding: 4, mirror: true, mean: CIFAR10_MEAN, std: CIFAR10_STD };
const CIFAR_100: Preparation = { ...PHOTOGRAPHS, mean: [0.5071, 0.4865, 0.4409], std: [0.2673, 0.2564, 0.2762] };
const GREY: Preparation = { cropPadding: 2, mean: [0.25, 0.25, 0.25], std: [0.35, 0.35, 0.35] };

/** Reads a data set. Throws DataError naming the file at fault. */
export async function readDataset({
  data,
  dataDir,
  tokenizer,
  context,
  skipSamples = 0,
  trainSamples,
  testSamples,
}: DatasetOptions): Promise<Dataset> {
  const images = async (
    read: (split: 'train' | 'test') => Promise<ImageSet>,
    options: Preparation,
  ): Promise<Dataset> => {
    const train = await read('train');
    const test = withClassesOf(train, await read('test'), dataDir);
    if (train.classNames.length < 2)
      throw new DataError(`${dataDir}: only the class "${train.classNames.join()}"; there should be two at least`);
    return {
      kind: 'images',
      train: part(imageSource(train, options), `${dataDir}, training`, trainSamples, skipSamples),
      test: part(imageSource(test, options), `${dataDir}, test`, testSamples),
      classes: train.classNames.length,
      image: train.height,
      mean: options.mean,
      std: options.std,
    };
  };
  switch (data) {
    case 'cifar10':
      return images((split) => readCifar10(dataDir, split), PHOTOGRAPHS);
    case 'cifar100':
      return images((split) => readCifar100(dataDir, split), CIFAR_100);
    case 'idx':
      return images((split) => readIdx(dataDir, split), GREY);
    case 'folder':
      return images((split) => readImageFolder(join(dataDir, split)), PHOTOGRAPHS);
    case 'text': {
      const { vocab, encode } = tokenizer === 'gpt2' ? await gpt2Tokenizer() : byteTokenizer;
      const blocks = async (split: string, count: number | undefined, skipped = 0): Promise<DataSource> => {
        const path = join(dataDir, `${split}.txt`);
        return part(textSource(encode(await readText(path)), context, path), path, count, skipped);
      };
      return {
        kind: 'text',
        train: await blocks('train', trainSamples, skipSamples),
        test: await blocks('test', testSamples),
        vocab,
        context,
      };
    }
  }
}

/**
 * The test images with the labels that training has for the names of their classes. Throws {@link DataError} for a class
 * that training has not: its images could only be answered wrong.
 */
function withClassesOf({ classNames }: ImageSet, test: ImageSet, source: string): ImageSet {
  const places = test.classNames.map((name) => classNames.indexOf(name));
  const unknown = test.classNames.filter((_, i) => places[i] < 0);
  if (unknown.length > 0) {
    throw new DataError(
      `${source}: the test images have the class "${unknown[0]}", but those to train on are ${classNames.join(', ')}`,
    );
  }
  return { ...test, labels: test.labels.map((label) => places[label]), classNames };
}

/** At most `count` samples behind those that are skipped. Throws DataError naming `place` where there are none. */
function part(source: DataSource, place: string, count = source.length, skipped = 0): DataSource {
  const length = Math.min(count, source.length - skipped);
  if (length < 1)
    throw new DataError(
      `${place}: there are ${source.length} samples, so ${source.length - 1} at most can be left out, got ${skipped}`,
    );
  if (length === source.length) return source;
  return subset(
    source,
    Array.from({ length }, (_, i) => skipped + i),
  );
}
