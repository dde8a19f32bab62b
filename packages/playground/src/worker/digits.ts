// Digits as networks read them.
import type { CheckpointCard } from '@logah/checkpoints';
import { type DataSource, greyImages, imageSource } from '@logah/data';
import { DIGIT_PIXELS, DIGIT_SIDE, type Digits, readDigits } from '../digit-file.js';
import { digitsCard } from '../digit-task.js';
import { fetchAsset } from './checkpoints.js';

let file: Promise<ReturnType<typeof readDigits>> | undefined;

/** All digits, fetched once. */
export function loadDigits(): Promise<ReturnType<typeof readDigits>> {
  file ??= fetchAsset('digits.bin').then(readDigits);
  return file;
}

/** The first test digits, as bytes. */
export async function shownDigits(count: number): Promise<Digits> {
  const { test } = await loadDigits();
  return { pixels: test.pixels.slice(0, count * DIGIT_PIXELS), labels: test.labels.slice(0, count) };
}

/** Digits as images of a hypernetwork's size, normalised as those that it was trained on. */
export function digitImages({ pixels, labels }: Digits, { name, task }: CheckpointCard): DataSource {
  if (task.kind !== 'images') throw new TypeError(`${name} is not for images`);
  const { image } = task;
  const channels = (values: readonly number[]): readonly [number, number, number] => [values[0], values[1], values[2]];
  return imageSource(
    {
      pixels: greyImages(pixels, DIGIT_SIDE, DIGIT_SIDE, image),
      labels: Uint16Array.from(labels),
      height: image,
      width: image,
      classNames: Array.from({ length: 10 }, (_, digit) => String(digit)),
    },
    { mean: channels(task.mean), std: channels(task.std) },
  );
}

/** The card of the hypernetwork for digits. Throws Error where none ships. */
export function requireDigitsCard(): CheckpointCard {
  const card = digitsCard();
  if (card === undefined) throw new Error('no hypernetwork for digits ships with this page');
  return card;
}
