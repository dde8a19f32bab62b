// Files that a command is given.
import { readText } from '@logah/files/node';
import { CliError } from './errors.js';

/** A regular file's text. Throws {@link CliError} naming the file and why it cannot be read. */
export const readTextFile = (path: string): Promise<string> => readText(path, CliError);
