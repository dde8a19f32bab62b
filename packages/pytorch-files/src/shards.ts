// Parameters in several files, as large models are on Hugging Face's hub: an index says which file has each.
import { readdir, stat } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { parseJson, shortJson } from '@logah/files';
import { readText } from '@logah/files/node';
import type { ElementType } from './element-type.js';
import { PytorchFileError } from './errors.js';
import type { TensorFile } from './tensor-file.js';

/** Files of parameters that folders of models have, the best first. */
const NAMES = [
  'model.safetensors',
  'model.safetensors.index.json',
  'pytorch_model.bin',
  'pytorch_model.bin.index.json',
];

/** The file of parameters in a folder; undefined for a path that is no folder. Throws {@link PytorchFileError} for a folder without one. */
export async function fileInFolder(path: string): Promise<string | undefined> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined || !found.isDirectory()) return undefined;
  const entries = new Set(await readdir(path));
  const name = NAMES.find((candidate) => entries.has(candidate));
  if (name === undefined) throw new PytorchFileError(`${path}: the folder has none of ${NAMES.join(', ')}`);
  return join(path, name);
}

/** Whether a file says which others have its tensors. */
export const isIndex = (path: string): boolean => path.endsWith('.index.json');

/**
 * The files that a path stands for: itself, the one that a folder has, or an index and all that it names. Throws
 * {@link PytorchFileError} for a folder without one and for an index that is none.
 */
export async function tensorFilesOf(path: string): Promise<string[]> {
  const file = (await fileInFolder(path)) ?? path;
  if (!isIndex(file)) return [file];
  return [file, ...[...new Set((await readIndex(file)).values())].map((name) => join(dirname(file), name))];
}

/** Which file has each tensor. Throws {@link PytorchFileError} naming the index and what is wrong with it. */
async function readIndex(path: string): Promise<Map<string, string>> {
  const fail = (why: string): never => {
    throw new PytorchFileError(`${path}: ${why}`);
  };
  const parsed = parseJson(await readText(path, PytorchFileError), path, PytorchFileError);
  const map = typeof parsed === 'object' && parsed !== null && 'weight_map' in parsed ? parsed.weight_map : undefined;
  if (typeof map !== 'object' || map === null) return fail('should have a "weight_map" from tensors to files');
  return new Map(
    Object.entries(map).map(([name, file]) => {
      // Only files beside the index belong to it.
      if (typeof file !== 'string' || file.includes('/') || file.includes(sep) || file.startsWith('.'))
        return fail(`the tensor "${name}" should be in a file beside it, got ${shortJson(file)}`);
      if (isIndex(file))
        return fail(`the tensor "${name}" should be in a file of tensors, got the index ${shortJson(file)}`);
      return [name, file];
    }),
  );
}

/**
 * The tensors of all files that an index names, as one.
 * Throws {@link PytorchFileError} for a tensor that its file lacks, and what `openOne` throws for a file.
 */
export async function openShards(index: string, openOne: (path: string) => Promise<TensorFile>): Promise<TensorFile> {
  const files = await readIndex(index);
  const open = new Map<string, TensorFile>();
  const close = async (): Promise<void> => {
    for (const file of open.values()) await file.close();
  };
  const tensors = new Map<
    string,
    { readonly file: TensorFile; readonly type: ElementType; readonly shape: readonly number[] }
  >();
  try {
    for (const name of new Set(files.values())) open.set(name, await openOne(join(dirname(index), name)));
    for (const [tensor, name] of files) {
      const file = open.get(name);
      const info = file?.tensors.get(tensor);
      if (file === undefined || info === undefined)
        throw new PytorchFileError(`${index}: the tensor "${tensor}" should be in ${name}, but is not`);
      tensors.set(tensor, { ...info, file });
    }
  } catch (error) {
    await close();
    throw error;
  }
  const existing = (name: string): TensorFile => {
    const found = tensors.get(name);
    if (found === undefined) throw new PytorchFileError(`${index}: there is no tensor "${name}"`);
    return found.file;
  };
  const [first] = open.values();
  return {
    metadata: first?.metadata ?? new Map(),
    tensors: new Map([...tensors].map(([name, { type, shape }]) => [name, { type, shape }])),
    notes: [...open.values()].flatMap(({ notes }) => notes),
    pytorch: undefined,
    read: async (name) => existing(name).read(name),
    readBytes: async (name) => existing(name).readBytes(name),
    close,
  };
}
