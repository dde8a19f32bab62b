// Files whose names promise what is written into them.
import { extname } from 'node:path';
import { InvalidArgumentError } from 'commander';

/** The parser of an option that writes a file of these endings, or of none. Throws InvalidArgumentError for a name that promises something else. */
export const fileOf =
  (...endings: readonly string[]) =>
  (path: string): string => {
    const ending = extname(path).toLowerCase();
    if (ending === '' || endings.includes(ending)) return path;
    throw new InvalidArgumentError(`What is written is ${endings[0].slice(1)}: name it *${endings.join(' or *')}.`);
  };
