// Shipped hypernetworks, fetched when one is first used and kept, for each backend its own.
import { type CheckpointCard, openCheckpoint } from '@logah/checkpoints';
import { createHypernet, type Hypernet, hypernetPreset } from '@logah/hypernet';
import { createRandom } from '@logah/random';
import * as tf from '@tensorflow/tfjs-core';
import { pageUrl } from './backend.js';

const opened = new Map<string, Promise<Hypernet>>();

/** The hypernetwork of a card on the current backend; its tensors stay. Throws Error when it cannot be fetched, CheckpointError for other bytes than the card's. */
export function shippedHypernet(card: CheckpointCard): Promise<Hypernet> {
  const place = `${tf.getBackend()}/${card.name}`;
  const known = opened.get(place);
  if (known !== undefined) return known;
  const hypernet = load(card);
  opened.set(place, hypernet);
  // One that could not be fetched is tried again.
  hypernet.catch(() => opened.delete(place));
  return hypernet;
}

async function load(card: CheckpointCard): Promise<Hypernet> {
  return openCheckpoint(card, await fetchAsset(`checkpoints/${card.file}`));
}

/** A fresh LoGAH of the size tiny. */
export const untrainedHypernet = (domain: 'language' | 'vision', seed: number): Hypernet =>
  createHypernet(hypernetPreset('tiny', { domain }), createRandom(seed));

/** The bytes of a file beside the page. Throws Error naming it when it cannot be fetched. */
export async function fetchAsset(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const response = await fetch(new URL(path, pageUrl()));
  if (!response.ok) throw new Error(`${path} could not be fetched (${response.status})`);
  return new Uint8Array(await response.arrayBuffer());
}
