// Shipped checkpoints in Node.js: read from the package's own files.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { openFile, readBytes } from '@logah/files/node';
import { didYouMean } from '@logah/graph-ir';
import type { Hypernet, PytorchHypernetOptions } from '@logah/hypernet';
import { readHypernet } from '@logah/hypernet/node';
import { CARDS, type CheckpointCard, CheckpointError, cardOf, isShipped, openCheckpoint } from './index.js';

/** The hypernetwork of a name; its tensors are the caller's. Throws CheckpointError for a name that there is not, or a file that was changed. */
export async function loadCheckpoint(name: string): Promise<Hypernet> {
  const card = cardOf(name);
  return openCheckpoint(card, await readBytes(checkpointPath(name), { Raised: CheckpointError }));
}

/** Where the file of a checkpoint lies. Throws CheckpointError for a name that there is not. */
export const checkpointPath = (name: string): string =>
  fileURLToPath(new URL(`../files/${cardOf(name).file}`, import.meta.url));

/**
 * The card of a shipped checkpoint, by its name or by the content of a file; undefined for any other file.
 * Throws CheckpointError naming a file that cannot be read.
 */
export async function cardOfFile(nameOrFile: string): Promise<CheckpointCard | undefined> {
  if (isShipped(nameOrFile)) return cardOf(nameOrFile);
  const file = await openFile(nameOrFile, CheckpointError);
  try {
    const candidates = CARDS.filter(({ bytes }) => bytes === file.size);
    if (candidates.length === 0) return undefined;
    const sha256 = createHash('sha256')
      .update(await file.read(0, file.size))
      .digest('hex');
    return candidates.find((card) => card.sha256 === sha256);
  } finally {
    await file.close();
  }
}

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
