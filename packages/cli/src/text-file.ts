// Files that a command is given.
import { readFile } from 'node:fs/promises';
import { CliError } from './errors.js';

/** A file's text. Throws {@link CliError} naming the file and why it cannot be read. */
export const readTextFile = (path: string): Promise<string> =>
  readFile(path, 'utf8').catch((cause: Error) => {
    throw new CliError(`cannot read ${path}: ${cause.message}`, { cause });
  });
