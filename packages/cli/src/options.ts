// Values of command-line options.
import { InvalidArgumentError } from 'commander';

/** An integer option. */
export function integer(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isSafeInteger(value)) throw new InvalidArgumentError('An integer was wanted.');
  return value;
}

/** An option that counts something that there is at least one of. */
export function count(text: string): number {
  const value = integer(text);
  if (value < 1) throw new InvalidArgumentError('A positive integer was wanted.');
  return value;
}

/** An option that counts something that there may be none of. */
export function countFromZero(text: string): number {
  const value = integer(text);
  if (value < 0) throw new InvalidArgumentError('An integer of at least 0 was wanted.');
  return value;
}

/** The name of an option as its flag has it: "trainSamples" as "train-samples". */
export const kebab = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** An option that is any finite number. */
export function number(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('A number was wanted.');
  return value;
}
