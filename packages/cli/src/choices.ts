// Options and arguments that are one of a few words.
import { didYouMean } from '@logah/graph-ir';
import { type Command, InvalidArgumentError } from 'commander';

/** Lets every option and argument of a command that has choices say which of them was probably meant. */
export function suggestChoices({ options, registeredArguments }: Command): void {
  for (const one of [...options, ...registeredArguments]) {
    if (one.argChoices !== undefined) one.argParser(oneOf(one.argChoices));
  }
}

/** The parser of one of these words. */
const oneOf =
  (choices: readonly string[]) =>
  (text: string): string => {
    if (choices.includes(text)) return text;
    throw new InvalidArgumentError(`Allowed choices are ${choices.join(', ')}${didYouMean(text, choices) || '.'}`);
  };
