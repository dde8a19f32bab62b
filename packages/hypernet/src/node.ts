// Hypernetworks in files, for Node.js.
import { openTensorFile } from '@logah/pytorch-files/node';
import { readSafetensors, writeSafetensors } from '@logah/safetensors/node';
import { fromCheckpoint, toCheckpoint } from './checkpoint.js';
import { HypernetError } from './config.js';
import type { Hypernet } from './hypernet.js';
import { checkAssumed, fromPytorch, type PytorchHypernetOptions } from './pytorch-checkpoint.js';

/**
 * Reads a hypernetwork: a safetensors file, ours or the reference's, or a checkpoint of the authors in a format of
 * PyTorch or joblib.
 * Throws SafetensorsError, PytorchFileError or HypernetError naming the file and what is wrong with it.
 */
export async function readHypernet(path: string, options: PytorchHypernetOptions = {}): Promise<Hypernet> {
  const file = await openTensorFile(path, options);
  try {
    if (file.pytorch !== undefined) return await fromPytorch(file.pytorch, options);
  } finally {
    await file.close();
  }
  if (options.weights === 'average')
    throw new HypernetError(
      `${path}: safetensors has one value of every parameter and no moving average beside it, so there is none to take (--ema)`,
    );
  const hypernet = fromCheckpoint(await readSafetensors(path), path);
  checkAssumed(hypernet.config, options.assume ?? {}, new Set(), path);
  return hypernet;
}

/** Writes a hypernetwork, with what is noted of it in the metadata; the file appears under its name when it is complete. */
export async function writeHypernet(
  path: string,
  hypernet: Hypernet,
  notes: Readonly<Record<string, string>> = {},
): Promise<void> {
  const { tensors, metadata } = await toCheckpoint(hypernet);
  await writeSafetensors(path, tensors, { ...notes, ...metadata });
}
