// The data that networks are meta-trained on, by name.
import { join } from 'node:path';
import {
  byteTokenizer,
  type DataSource,
  gpt2Tokenizer,
  type ImageSet,
  type ImageSourceOptions,
  imageSource,
  subset,
  textSource,
} from '@logah/data';
import { readCifar10, readCifar100, readIdx, readImageFolder, readText } from '@logah/data/node';
import { CliError } from './errors.js';

export const DATA_NAMES = ['cifar10', 'cifar100', 'idx', 'folder', 'text'] as const;
export type DataName = (typeof DATA_NAMES)[number];

export interface DataOptions {
  readonly data: DataName;
  readonly dataDir: string;
  readonly tokenizer: 'bytes' | 'gpt2';
  /** Tokens in a block of text. */
  readonly context: number;
  /** At most so many samples to evaluate on. */
  readonly evalSamples: number;
}

/** Data to train on and to evaluate on, and what networks for it must be like. */
export type TrainingData =
  | {
      readonly kind: 'images';
      readonly train: DataSource;
      readonly test: DataSource;
      readonly classes: number;
      readonly image: number;
    }
  | {
      readonly kind: 'text';
      readonly train: DataSource;
      readonly test: DataSource;
      readonly vocab: number;
      readonly context: number;
    };

/** Mirroring is right for photographs, not for digits and letters. */
const PHOTOGRAPHS: ImageSourceOptions = { cropPadding: 4, mirror: true };
const CIFAR_100: ImageSourceOptions = { ...PHOTOGRAPHS, mean: [0.5071, 0.4865, 0.4409], std: [0.2673, 0.2564, 0.2762] };
const GREY: ImageSourceOptions = { cropPadding: 2, mean: [0.25, 0.25, 0.25], std: [0.35, 0.35, 0.35] };

/** Reads a data set. Throws DataError naming the file at fault. */
export async function readTrainingData({
  data,
  dataDir,
  tokenizer,
  context,
  evalSamples,
}: DataOptions): Promise<TrainingData> {
  const images = async (
    read: (split: 'train' | 'test') => Promise<ImageSet>,
    options: ImageSourceOptions,
  ): Promise<TrainingData> => {
    const [train, test] = [await read('train'), await read('test')];
    if (train.classNames.length !== test.classNames.length) {
      throw new CliError(
        `${dataDir}: ${train.classNames.length} classes to train on, but ${test.classNames.length} to test on`,
      );
    }
    const judged = imageSource(test, options);
    return {
      kind: 'images',
      train: imageSource(train, options),
      test: firstOf(judged, evalSamples),
      classes: train.classNames.length,
      image: train.height,
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
      const blocks = async (split: string): Promise<DataSource> =>
        textSource(encode(await readText(join(dataDir, `${split}.txt`))), context);
      return {
        kind: 'text',
        train: await blocks('train'),
        test: firstOf(await blocks('test'), evalSamples),
        vocab,
        context,
      };
    }
  }
}

const firstOf = (source: DataSource, count: number): DataSource =>
  source.length <= count
    ? source
    : subset(
        source,
        Array.from({ length: count }, (_, i) => i),
      );
