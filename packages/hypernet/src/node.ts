// Hypernetworks in files, for Node.js.
import { readSafetensors, writeSafetensors } from '@logah/safetensors/node';
import { fromCheckpoint, toCheckpoint } from './checkpoint.js';
import type { Hypernet } from './hypernet.js';

/** Reads a hypernetwork, ours or the reference's. Throws SafetensorsError or HypernetError naming the file and what is wrong with it. */
export async function readHypernet(path: string): Promise<Hypernet> {
  return fromCheckpoint(await readSafetensors(path), path);
}

/** Writes a hypernetwork; the file appears under its name when it is complete. */
export async function writeHypernet(path: string, hypernet: Hypernet): Promise<void> {
  const { tensors, metadata } = await toCheckpoint(hypernet);
  await writeSafetensors(path, tensors, metadata);
}
