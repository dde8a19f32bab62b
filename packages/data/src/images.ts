// Labelled images in memory, as bytes; batches are normalised, and augmented when asked for.
import type { Random } from '@logah/random';
import * as tf from '@tensorflow/tfjs-core';
import type { DataSource } from './batch.js';
import { DataError } from './errors.js';

/** Labelled RGB images of one size. */
export interface ImageSet {
  /** `[images, 3, height, width]`, 0 to 255. */
  readonly pixels: Uint8Array;
  /** One class number for each image. */
  readonly labels: Uint16Array;
  readonly height: number;
  readonly width: number;
  readonly classNames: readonly string[];
}

export interface ImageSourceOptions {
  /** Mean and deviation of each channel, on the scale 0..1; by default those of CIFAR-10. */
  readonly mean?: readonly [number, number, number];
  readonly std?: readonly [number, number, number];
  /** Augmentation when a batch is drawn at random: zero padding on each side before a random crop, in pixels; 0 for none. */
  readonly cropPadding?: number;
  /** Mirror half of the images; not for digits or letters. */
  readonly mirror?: boolean;
}

const CHANNELS = 3;
export const CIFAR10_MEAN = [0.4914, 0.4822, 0.4465] as const;
export const CIFAR10_STD = [0.2023, 0.1994, 0.201] as const;

/** Mini-batches of an image set: `(pixel / 255 - mean) / std`. Throws {@link DataError} when pixels and labels disagree. */
export function imageSource(images: ImageSet, options: ImageSourceOptions = {}): DataSource {
  const { mean = CIFAR10_MEAN, std = CIFAR10_STD, cropPadding = 0, mirror = false } = options;
  const { pixels, labels, height, width } = images;
  const plane = height * width;
  if (pixels.length !== labels.length * CHANNELS * plane) {
    throw new DataError(
      `${labels.length} labels want ${labels.length * CHANNELS * plane} pixels of 3x${height}x${width}, got ${pixels.length}`,
    );
  }
  const tables = mean.map((center, c) =>
    Float32Array.from({ length: 256 }, (_, value) => (value / 255 - center) / std[c]),
  );
  // Padding is black before normalisation.
  const black = tables.map((table) => table[0]);

  const writeImage = (out: Float32Array, at: number, index: number, random: Random | undefined): void => {
    const isMoved = random !== undefined && cropPadding > 0;
    const top = isMoved ? random.integer(-cropPadding, cropPadding) : 0;
    const left = isMoved ? random.integer(-cropPadding, cropPadding) : 0;
    const isMirrored = mirror && random !== undefined && random.integer(0, 1) === 1;
    for (let c = 0; c < CHANNELS; c++) {
      const table = tables[c];
      const source = (index * CHANNELS + c) * plane;
      for (let y = 0; y < height; y++) {
        const row = y + top;
        for (let x = 0; x < width; x++) {
          const column = (isMirrored ? width - 1 - x : x) + left;
          const isInside = row >= 0 && row < height && column >= 0 && column < width;
          out[at++] = isInside ? table[pixels[source + row * width + column]] : black[c];
        }
      }
    }
  };

  return {
    length: labels.length,
    batch(indices, random) {
      const values = new Float32Array(indices.length * CHANNELS * plane);
      indices.forEach((index, i) => {
        if (!(index >= 0 && index < labels.length))
          throw new RangeError(`image ${index} is not among the ${labels.length}`);
        writeImage(values, i * CHANNELS * plane, index, random);
      });
      return {
        inputs: tf.tensor4d(values, [indices.length, CHANNELS, height, width]),
        labels: tf.tensor1d(
          Int32Array.from(indices, (index) => labels[index]),
          'int32',
        ),
      };
    },
  };
}

/** Grey images `[images, height, width]`, 0 to 255, as RGB images, black around them up to `size` pixels a side. */
export function greyImages(grey: Uint8Array, height: number, width: number, size: number): Uint8Array {
  const count = grey.length / (height * width);
  const pixels = new Uint8Array(count * CHANNELS * size * size);
  const top = Math.floor((size - height) / 2);
  const left = Math.floor((size - width) / 2);
  for (let image = 0; image < count; image++) {
    for (let y = 0; y < height; y++) {
      const row = grey.subarray((image * height + y) * width, (image * height + y + 1) * width);
      for (let c = 0; c < CHANNELS; c++) pixels.set(row, ((image * CHANNELS + c) * size + y + top) * size + left);
    }
  }
  return pixels;
}
