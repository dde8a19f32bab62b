// Trained hypernetworks that ship: their cards, which of them fits a network, and how one is opened from bytes.

import type { Graph } from '@logah/graph-ir';
import { fromCheckpoint, type Hypernet } from '@logah/hypernet';
import { decodeSafetensors } from '@logah/safetensors';
import { type CheckpointCard, CheckpointError } from './card.js';
import { CARDS } from './cards.js';
import { verifyChecksum } from './checksum.js';
import { type CheckpointFit, checkpointFor as fittingOf } from './fit.js';

export { type CheckpointCard, CheckpointError, type ImageTask, type Reached, type TextTask } from './card.js';
export { CARDS } from './cards.js';
export { type CheckpointFit, fitOf } from './fit.js';

/** The card of a name. Throws {@link CheckpointError} with the names that there are. */
export function cardOf(name: string): CheckpointCard {
  const card = CARDS.find((candidate) => candidate.name === name);
  if (card === undefined) {
    throw new CheckpointError(
      `no checkpoint is called "${name}"; there are ${CARDS.map((known) => known.name).join(', ')}`,
    );
  }
  return card;
}

/**
 * The shipped checkpoint that fits a network best: one of the same patches before one that is resized, the one with the most parameters first.
 * Throws {@link CheckpointError} where none fits, with what each lacks.
 */
export const checkpointFor = (graph: Graph): CheckpointFit => fittingOf(graph, CARDS);

/**
 * The hypernetwork of a card from the bytes of its file, wherever they come from; its tensors are the caller's.
 * Throws {@link CheckpointError} for other bytes than the card's.
 */
export async function openCheckpoint(card: CheckpointCard, bytes: Uint8Array<ArrayBuffer>): Promise<Hypernet> {
  await verifyChecksum(card, bytes);
  return fromCheckpoint(decodeSafetensors(bytes, card.file), card.file);
}
