// The file of digits: how many there are, and how it is read.

/** Height and width of a digit as it is stored. */
export const DIGIT_SIDE = 28;
export const DIGIT_PIXELS = DIGIT_SIDE * DIGIT_SIDE;
/** Digits that no hypernetwork was trained on: those that are shown, and judged by. */
export const TEST_DIGITS = 300;
export const TRAIN_DIGITS = 2000;

/** Grey digits `[digits, 28, 28]`, 0 to 255, white on black. */
export interface Digits {
  readonly pixels: Uint8Array;
  readonly labels: Uint8Array;
}

/** The test digits and the training digits of a file. Throws RangeError for one of another length. */
export function readDigits(file: Uint8Array): { readonly test: Digits; readonly train: Digits } {
  const count = TEST_DIGITS + TRAIN_DIGITS;
  if (file.length !== count * (1 + DIGIT_PIXELS)) {
    throw new RangeError(`digits.bin: ${count * (1 + DIGIT_PIXELS)} bytes are wanted, got ${file.length}`);
  }
  const part = (first: number, end: number): Digits => ({
    labels: file.subarray(first, end),
    pixels: file.subarray(count + first * DIGIT_PIXELS, count + end * DIGIT_PIXELS),
  });
  return { test: part(0, TEST_DIGITS), train: part(TEST_DIGITS, count) };
}
