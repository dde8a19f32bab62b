// A file of parameters as safetensors, tensor by tensor in their own types; a hypernetwork with its configuration.
import type { PytorchHypernetOptions } from '@logah/hypernet';
import { type ElementType, isRealType } from '@logah/pytorch-files';
import { openTensorFile, type TensorFile } from '@logah/pytorch-files/node';
import { streamStoredTensors, type TensorBytes } from '@logah/safetensors/node';
import { useBackend } from './backend.js';
import { CliError } from './errors.js';

/** The tensors by which a hypernetwork is told from any other network. */
const OF_HYPERNETS = ['embed.weight', 'shape_enc.embed_channel.weight'];

/**
 * Writes the parameters of a file as safetensors, holding one tensor at a time; a hypernetwork as one of ours, with the
 * notes that its file has. Throws SafetensorsError, PytorchFileError, HypernetError or {@link CliError} naming the file and what is wrong with
 * it.
 */
export async function convertTensors(
  input: string,
  output: string,
  options: Required<PytorchHypernetOptions>,
): Promise<void> {
  const file = await openTensorFile(input, { weights: options.weights });
  try {
    if (OF_HYPERNETS.every((name) => file.tensors.has(name))) {
      const { readHypernet, writeHypernet } = await import('@logah/hypernet/node');
      await useBackend();
      await writeHypernet(output, await readHypernet(input, options), Object.fromEntries(file.metadata));
      return;
    }
    file.notes.forEach(options.onNote);
    const declared = [...file.tensors].map(([name, { type, shape }]) => ({
      name,
      shape,
      dtype: realType(input, name, type),
    }));
    await streamStoredTensors(output, declared, tensorsOf(file), metadataOf(file));
  } finally {
    await file.close();
  }
}

function realType(file: string, name: string, type: ElementType) {
  if (isRealType(type)) return type;
  throw new CliError(`${file}: the tensor "${name}" holds complex numbers (${type}), which safetensors has not`);
}

async function* tensorsOf({ tensors, readBytes }: TensorFile): AsyncGenerator<TensorBytes> {
  for (const [name, { shape }] of tensors) yield { name, shape, bytes: await readBytes(name) };
}

/** Programs of PyTorch look for this format; a safetensors file keeps what it says. */
const metadataOf = ({ pytorch, metadata }: TensorFile): Record<string, string> =>
  pytorch === undefined ? Object.fromEntries(metadata) : { format: 'pt' };
