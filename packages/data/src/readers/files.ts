// Reading files whose absence is the user's to mend.
import { readdir, readFile } from 'node:fs/promises';
import { DataError } from '../images.js';

/** A file's bytes. Throws {@link DataError} naming the file, and what would belong there. */
export async function readBytes(path: string, what: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new DataError(`cannot read ${path} (${what}): ${messageOf(cause)}`, { cause });
  }
}

/** The names in a folder, sorted. Throws {@link DataError} naming the folder, and what would belong there. */
export async function listFolder(path: string, what: string): Promise<string[]> {
  try {
    return (await readdir(path)).sort();
  } catch (cause) {
    throw new DataError(`cannot read the folder ${path} (${what}): ${messageOf(cause)}`, { cause });
  }
}

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));
