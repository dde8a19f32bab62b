// Folders that a command makes for its results.
import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { FileError } from '../errors.js';
import { codeOf, named } from './named.js';
import { sweepPartials } from './partial.js';

/** A folder that is there. */
export interface Folder {
  /** Removes it, and those above it that were made with it, where it was not there before. */
  readonly undo: () => Promise<void>;
}

/** Makes a folder and those above it, where they are missing. Throws {@link FileError} naming it. */
export async function makeFolder(path: string): Promise<Folder> {
  const made = await named(path, 'make the folder', FileError, () => make(resolve(path)));
  return {
    undo: async () => {
      if (made !== undefined) await rm(made, { recursive: true, force: true });
    },
  };
}

/** Makes a folder and those above it; the first one that it made. */
async function make(path: string): Promise<string | undefined> {
  try {
    return await mkdir(path, { recursive: true });
  } catch (cause) {
    if (codeOf(cause) !== 'ENOENT') throw cause;
    // Node.js says so of a disk that is read-only, and the true reason only where it makes a single folder.
    const first = firstMissing(path);
    await mkdir(first);
    await mkdir(path, { recursive: true });
    return first;
  }
}

/** The topmost folder of a path that is not there. */
function firstMissing(path: string): string {
  const parent = dirname(path);
  return parent === path || existsSync(parent) ? path : firstMissing(parent);
}

/** Removes what writers that are gone left unfinished in a folder. */
export const sweepFolder = sweepPartials;
