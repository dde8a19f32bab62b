// Numbers on the command line: each has a range, which its help and its error state.
import { InvalidArgumentError, Option } from 'commander';

/** Numbers from one to another, ends included but where they are said to be open. */
export interface Range {
  readonly from: number;
  readonly to: number;
  /** The first number itself is outside. */
  readonly isAbove?: true;
  /** The last number itself is outside. */
  readonly isBelow?: true;
}

/** Of axes and of counts that memory bounds long before: no tensor of any backend has a larger axis. */
const LARGEST_COUNT = 2 ** 31 - 1;

/** How many of something there are, of which there is at least one. */
export const COUNT: Range = { from: 1, to: LARGEST_COUNT };
/** How many of something there are, of which there may be none. */
export const COUNT_FROM_ZERO: Range = { from: 0, to: LARGEST_COUNT };
/** Steps and epochs, whose product is counted. */
export const STEPS: Range = { from: 1, to: 1_000_000_000 };
export const EPOCHS: Range = { from: 1, to: 1_000_000 };
/** Processes and threads. */
export const WORKERS: Range = { from: 1, to: 1024 };
export const SEED: Range = { from: Number.MIN_SAFE_INTEGER, to: Number.MAX_SAFE_INTEGER };
/** Rates of learning: whatever is larger ends in numbers that are not finite. */
export const RATE: Range = { from: 0, to: 1000, isAbove: true };
/** Of a decay, such as weight decay, or the weight of a term of the loss. */
export const WEIGHT: Range = { from: 0, to: 1000 };
export const NORM: Range = { from: 0, to: 1_000_000, isAbove: true };
/** A share that is not the whole, such as a momentum. */
export const SHARE: Range = { from: 0, to: 1, isBelow: true };

/** A range in words, such as "1 to 1024" or "above 0 to 1000". */
const words = ({ from, to, isAbove, isBelow }: Range): string =>
  `${isAbove ? 'above ' : ''}${from} to ${isBelow ? 'below ' : ''}${to}`;

const contains = ({ from, to, isAbove, isBelow }: Range, value: number): boolean =>
  (isAbove ? value > from : value >= from) && (isBelow ? value < to : value <= to);

/** The parser of an integer in a range, 1 and more by default. */
export const integerIn =
  (range: Range = COUNT) =>
  (text: string): number => {
    const value = Number(text);
    if (text.trim() !== '' && Number.isSafeInteger(value) && contains(range, value)) return value;
    const kind = range.from === 1 ? 'A positive integer' : range.from === 0 ? 'An integer of at least 0' : 'An integer';
    throw new InvalidArgumentError(`${kind} was wanted. The range is ${words(range)}.`);
  };

/** The parser of a number in a range. */
export const numberIn =
  (range: Range) =>
  (text: string): number => {
    const value = Number(text);
    if (text.trim() !== '' && Number.isFinite(value) && contains(range, value)) return value;
    throw new InvalidArgumentError(`A number was wanted. The range is ${words(range)}.`);
  };

/** An option that is an integer in a range. */
export const integerOption = (flags: string, what: string, range: Range = COUNT, byDefault?: number): Option =>
  new Option(flags, `${what} (${words(range)})`).argParser(integerIn(range)).default(byDefault);

/** An option that is a number in a range. */
export const numberOption = (flags: string, what: string, range: Range, byDefault?: number): Option =>
  new Option(flags, `${what} (${words(range)})`).argParser(numberIn(range)).default(byDefault);

/** An option that is a list of numbers in a range, with commas. */
export const numbersOption = (flags: string, what: string, range: Range, byDefault: readonly number[]): Option =>
  new Option(flags, `${what} (${words(range)} each)`)
    .argParser((text: string) => listOf(text).map(numberIn(range)))
    .default(byDefault);

/** The items of a list with commas; `split` where items may have commas in them. */
export function listOf(text: string, split = (whole: string): string[] => whole.split(',')): string[] {
  const items = split(text).map((item) => item.trim());
  if (items.some((item) => item === '')) throw new InvalidArgumentError('A list with commas was wanted.');
  return items;
}

/** The name of an option as its flag has it: "trainSamples" as "train-samples". */
export const kebab = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
