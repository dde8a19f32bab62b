// Hypernetworks in files.
import { fromCheckpoint, type Hypernet, toCheckpoint } from '@logah/hypernet';
import { readSafetensors, writeSafetensors } from '@logah/safetensors/node';

/** Reads a hypernetwork. Throws SafetensorsError or HypernetError naming the file and what is wrong with it. */
export async function readHypernet(path: string): Promise<Hypernet> {
  return fromCheckpoint(await readSafetensors(path), path);
}

/** Writes a hypernetwork; the file appears when it is complete. */
export async function writeHypernet(path: string, hypernet: Hypernet): Promise<void> {
  const { tensors, metadata } = await toCheckpoint(hypernet);
  await writeSafetensors(path, tensors, metadata);
}
