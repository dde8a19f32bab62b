// Shipped checkpoints in Node.js: read from the package's own files.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { didYouMean } from '@logah/graph-ir';
import type { Hypernet, PytorchHypernetOptions } from '@logah/hypernet';
import { readHypernet } from '@logah/hypernet/node';
import { CARDS, CheckpointError, cardOf, isShipped, openCheckpoint } from './index.js';

/** The hypernetwork of a name; its tensors are the caller's. Throws CheckpointError for a name that there is not, or a file that was changed. */
export async function loadCheckpoint(name: string): Promise<Hypernet> {
  const card = cardOf(name);
  return openCheckpoint(card, Uint8Array.from(await readFile(checkpointPath(name))));
}

/** Where the file of a checkpoint lies. Throws CheckpointError for a name that there is not. */
export const checkpointPath = (name: string): string =>
  fileURLToPath(new URL(`../files/${cardOf(name).file}`, import.meta.url));

/**
 * A shipped checkpoint by its name, or the hypernetwork of a file; `options` say how a file of PyTorch is read.
 * Throws CheckpointError for a word that is neither, SafetensorsError, PytorchFileError or HypernetError naming the file and what is wrong with it.
 */
export async function openHypernet(nameOrFile: string, options: PytorchHypernetOptions = {}): Promise<Hypernet> {
  if (isShipped(nameOrFile)) return loadCheckpoint(nameOrFile);
  if (!/[./\\]/.test(nameOrFile) && !existsSync(nameOrFile)) {
    const known = CARDS.map(({ name }) => name);
    throw new CheckpointError(
      `"${nameOrFile}" is neither a file nor a checkpoint that ships; those are ${known.join(', ')}${didYouMean(nameOrFile, known)}`,
    );
  }
  return readHypernet(nameOrFile, options);
}
