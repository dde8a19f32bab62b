// Folders that a command makes for its results.
import { mkdir, rm } from 'node:fs/promises';
import { FileError } from '../errors.js';
import { named } from './named.js';
import { sweepPartials } from './partial.js';

/** A folder that is there. */
export interface Folder {
  /** Removes it, and those above it that were made with it, where it was not there before. */
  readonly undo: () => Promise<void>;
}

/** Makes a folder and those above it, where they are missing. Throws {@link FileError} naming it. */
export async function makeFolder(path: string): Promise<Folder> {
  const made = await named(path, 'make the folder', FileError, () => mkdir(path, { recursive: true }));
  return {
    undo: async () => {
      if (made !== undefined) await rm(made, { recursive: true, force: true });
    },
  };
}

/** Removes what writers that are gone left unfinished in a folder. */
export const sweepFolder = sweepPartials;
