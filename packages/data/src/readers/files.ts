// Reading files whose absence is the user's to mend.
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '@logah/files';
import * as files from '@logah/files/node';
import { DataError } from '../errors.js';

/** A regular file's bytes. Throws {@link DataError} naming the file, and what would belong there. */
export async function readBytes(path: string, what: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await files.readBytes(path, { Raised: DataError });
  } catch (cause) {
    const reason = messageOf(cause).replace(`cannot read ${path}: `, '');
    throw new DataError(`cannot read ${path} (${what}): ${reason}`, { cause });
  }
}

/** The names in a folder, sorted, but for hidden ones. Throws {@link DataError} naming the folder, and what would belong there. */
export async function listFolder(path: string, what: string): Promise<string[]> {
  try {
    return (await readdir(path)).filter((name) => !name.startsWith('.')).sort();
  } catch (cause) {
    throw new DataError(`cannot read the folder ${path} (${what}): ${messageOf(cause)}`, { cause });
  }
}

/** The names of the folders within a folder, sorted, but for hidden ones. Throws as {@link listFolder} does. */
export async function listFolders(path: string, what: string): Promise<string[]> {
  const names = await listFolder(path, what);
  const areFolders = await Promise.all(
    names.map((name) =>
      stat(join(path, name)).then(
        (stats) => stats.isDirectory(),
        () => false,
      ),
    ),
  );
  return names.filter((_, i) => areFolders[i]);
}
