import '@logah/backend-ort';
import { createRandom } from '@logah/random';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { epochBatches, greyImages, type ImageSet, imageSource, subset } from '../src/index.js';

beforeAll(() => tf.setBackend('ort'));

/** Two 2×2 images whose pixels count up. */
const images: ImageSet = {
  pixels: Uint8Array.from({ length: 24 }, (_, i) => i * 10),
  labels: Uint16Array.of(3, 1),
  height: 2,
  width: 2,
  classNames: ['a', 'b', 'c', 'd'],
};
const plain = { mean: [0, 0, 0], std: [1 / 255, 1 / 255, 1 / 255] } as const;
const round = (tensor: tf.Tensor): number[] => Array.from(tensor.dataSync(), Math.round);

describe('imageSource', () => {
  it('gives images by index, channels first, with their labels', () => {
    const { inputs, labels } = imageSource(images, plain).batch([1, 0]);
    expect(inputs.shape).toEqual([2, 3, 2, 2]);
    expect(round(inputs).slice(0, 12)).toEqual([120, 130, 140, 150, 160, 170, 180, 190, 200, 210, 220, 230]);
    expect([...labels.dataSync()]).toEqual([1, 3]);
  });

  it('normalises each channel', () => {
    const { inputs } = imageSource(images, { mean: [0.5, 0, 0], std: [0.5, 1, 1] }).batch([0]);
    const values = inputs.dataSync();
    expect(values[1]).toBeCloseTo((10 / 255 - 0.5) / 0.5, 6);
    expect(values[4]).toBeCloseTo(40 / 255, 6);
  });

  it('augments only when it may draw, the same for the same seed', () => {
    const source = imageSource(images, { ...plain, cropPadding: 1, mirror: true });
    const still = round(source.batch([0]).inputs);
    expect(still).toEqual(round(imageSource(images, plain).batch([0]).inputs));
    const draw = (seed: number): number[] => round(source.batch([0, 1, 0, 1], createRandom(seed)).inputs);
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
  });

  it('mirrors and moves whole images: every channel alike, black where nothing was', () => {
    const source = imageSource(images, { ...plain, cropPadding: 1, mirror: true });
    for (let seed = 0; seed < 20; seed++) {
      const values = round(source.batch([1], createRandom(seed)).inputs);
      for (let i = 0; i < 4; i++) {
        const [r, g, b] = [values[i], values[4 + i], values[8 + i]];
        expect([g - r, b - g]).toEqual(r === 0 ? [0, 0] : [40, 40]);
      }
    }
  });

  it('refuses pixels that do not fit the labels, and an index outside', () => {
    expect(() => imageSource({ ...images, pixels: images.pixels.slice(1) })).toThrow(
      '2 labels want 24 pixels of 3x2x2, got 23',
    );
    expect(() => imageSource(images).batch([2])).toThrow('image 2 is not among the 2');
  });
});

describe('greyImages', () => {
  it('centres an image in a black square, the same in all three channels', () => {
    const pixels = greyImages(Uint8Array.of(1, 2, 3, 4), 2, 2, 4);
    const plane = [0, 0, 0, 0, 0, 1, 2, 0, 0, 3, 4, 0, 0, 0, 0, 0];
    expect([...pixels]).toEqual([...plane, ...plane, ...plane]);
  });
});

describe('epochBatches', () => {
  it('uses every sample once, but for a last incomplete batch', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 1, max: 50 }),
        fc.integer(),
        (length, size, seed) => {
          fc.pre(size <= length);
          const batches = epochBatches(length, size, createRandom(seed));
          expect(batches).toHaveLength(Math.floor(length / size));
          const used = batches.flat();
          expect(new Set(used).size).toBe(used.length);
          expect(used.every((index) => index >= 0 && index < length)).toBe(true);
        },
      ),
    );
  });

  it('refuses a batch larger than the data', () => {
    expect(() => epochBatches(3, 4, createRandom(0))).toThrow(
      'a batch of 4 wants at least as many samples, but there are 3',
    );
  });
});

it('a subset has its own indices', () => {
  const source = subset(imageSource(images, plain), [1]);
  expect(source.length).toBe(1);
  expect([...source.batch([0]).labels.dataSync()]).toEqual([1]);
});
