// Shipped checkpoints in Node.js: read from the package's own files.
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Hypernet } from '@logah/hypernet';
import { readHypernet } from '@logah/hypernet/node';
import { cardOf, isShipped, openCheckpoint } from './index.js';

/** The hypernetwork of a name; its tensors are the caller's. Throws CheckpointError for a name that there is not, or a file that was changed. */
export async function loadCheckpoint(name: string): Promise<Hypernet> {
  const card = cardOf(name);
  return openCheckpoint(card, Uint8Array.from(await readFile(checkpointPath(name))));
}

/** Where the file of a checkpoint lies. Throws CheckpointError for a name that there is not. */
export const checkpointPath = (name: string): string =>
  fileURLToPath(new URL(`../files/${cardOf(name).file}`, import.meta.url));

/**
 * A shipped checkpoint by its name, or the hypernetwork of a file.
 * Throws CheckpointError, SafetensorsError or HypernetError naming the file and what is wrong with it.
 */
export const openHypernet = (nameOrFile: string): Promise<Hypernet> =>
  isShipped(nameOrFile) ? loadCheckpoint(nameOrFile) : readHypernet(nameOrFile);
