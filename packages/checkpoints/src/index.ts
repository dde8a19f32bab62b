// Trained hypernetworks that ship: their cards, which of them fits a network, and how one is opened from bytes.
import { fromCheckpoint, type Hypernet } from '@logah/hypernet';
import { decodeSafetensors } from '@logah/safetensors';
import type { CheckpointCard } from './card.js';
import { verifyChecksum } from './checksum.js';

export {
  CARDS,
  type CheckpointCard,
  CheckpointError,
  type CheckpointFit,
  cardOf,
  checkpointFor,
  dataNotes,
  fitOf,
  type ImageTask,
  isShipped,
  notesFor,
  provenance,
  type Reached,
  type TextTask,
} from './catalog.js';

/**
 * The hypernetwork of a card from the bytes of its file, wherever they come from; its tensors are the caller's.
 * Throws {@link CheckpointError} for other bytes than the card's.
 */
export async function openCheckpoint(card: CheckpointCard, bytes: Uint8Array<ArrayBuffer>): Promise<Hypernet> {
  await verifyChecksum(card, bytes);
  return fromCheckpoint(decodeSafetensors(bytes, card.file), card.file);
}
