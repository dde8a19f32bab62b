// Text files as one string.
import { readBytes } from './files.js';

/** A UTF-8 text file, such as WikiText's. Throws DataError naming the file. */
export async function readText(path: string): Promise<string> {
  return new TextDecoder().decode(await readBytes(path, 'a text file'));
}
