// Files on disk, for Node.js: PyTorch's files, and parameters by name whatever kind of file they are in.
import { openFile } from '@logah/files/node';
import { decodeFloats, readHeader } from '@logah/safetensors';
import { isRealType } from './element-type.js';
import { PytorchFileError } from './errors.js';
import { jsonText } from './json-text.js';
import { type PytorchFile, type ReadOptions, readPytorchFile } from './open.js';
import { fileInFolder, isIndex, openShards } from './shards.js';

export { tensorFilesOf } from './shards.js';

import { type ByteSource, readExactly } from './source.js';
import { stateDictionary, type Weights } from './state-dictionary.js';
import { readTensor, readTensorBytes } from './tensor.js';
import type { TensorFile } from './tensor-file.js';
import { type PickleValue, tensorOf } from './values.js';

async function openSource(path: string): Promise<{ readonly source: ByteSource; readonly close: () => Promise<void> }> {
  const { size, read, close } = await openFile(path, PytorchFileError);
  return { source: { name: path, size, read }, close };
}

/** A file of PyTorch that is open; `close` closes it, after which its tensors cannot be read. */
export interface OpenedPytorchFile extends PytorchFile {
  readonly close: () => Promise<void>;
}

/** Opens a file of PyTorch or joblib. Throws {@link PytorchFileError} naming the file and what is wrong with it. */
export async function openPytorchFile(path: string, options: ReadOptions = {}): Promise<OpenedPytorchFile> {
  const { source, close } = await openSource(path);
  try {
    return { ...(await readPytorchFile(source, options)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

export type { TensorFile } from './tensor-file.js';

/** Whether a file's name is one that files of parameters have. */
export const isTensorFileName = (path: string): boolean =>
  /\.(safetensors|safetensors\.index\.json|pt|pth|bin|ckpt|pkl|joblib|pth\.tar)$/i.test(path);

/** Behind the length of its header, a safetensors file has a JSON object. */
async function isSafetensors({ name, size, read }: ByteSource): Promise<boolean> {
  return name.endsWith('.safetensors') || (size > 8 && (await read(8, 1))[0] === '{'.charCodeAt(0));
}

/**
 * Opens a file of parameters in safetensors or one of PyTorch's formats, told by its content; the index of one in several files, or a folder with either.
 * Throws SafetensorsError or {@link PytorchFileError} naming the file and what is wrong with it.
 */
export async function openTensorFile(
  path: string,
  options: ReadOptions & { readonly weights?: Weights } = {},
): Promise<TensorFile> {
  const inFolder = await fileInFolder(path);
  if (inFolder !== undefined) return openTensorFile(inFolder, options);
  return isIndex(path) ? openShards(path, (file) => openOne(file, options)) : openOne(path, options);
}

async function openOne(path: string, options: ReadOptions & { readonly weights?: Weights }): Promise<TensorFile> {
  const { source, close } = await openSource(path);
  try {
    const content = (await isSafetensors(source))
      ? await safetensorsContent(source, options)
      : pytorchContent(await readPytorchFile(source, options), options);
    return { ...content, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function safetensorsContent(
  source: ByteSource,
  { weights = 'trained' }: { readonly weights?: Weights },
): Promise<Omit<TensorFile, 'close'>> {
  if (weights === 'average')
    throw new PytorchFileError(
      `${source.name}: a safetensors file has one set of parameters, no moving average beside it`,
    );
  const { metadata, tensors, dataOffset } = await readHeader(source.read, source.size, source.name);
  const readBytes = (name: string): Promise<Uint8Array> => {
    const { begin, end } = existing(tensors, name, source.name);
    return readExactly(source, dataOffset + begin, end - begin, `the tensor "${name}"`);
  };
  return {
    metadata: new Map(Object.entries(metadata)),
    tensors: new Map([...tensors].map(([name, { dtype, shape }]) => [name, { type: dtype, shape }])),
    notes: [],
    pytorch: undefined,
    read: async (name) => {
      const { dtype, shape } = existing(tensors, name, source.name);
      return { shape, data: decodeFloats(await readBytes(name), dtype) };
    },
    readBytes,
  };
}

function pytorchContent(file: PytorchFile, options: { readonly weights?: Weights }): Omit<TensorFile, 'close'> {
  const { tensors, notes, beside } = stateDictionary(file, options);
  return {
    metadata: new Map([['format', `PyTorch, ${file.format}`], ...besides(beside)]),
    tensors,
    notes,
    pytorch: file,
    read: (name) => {
      const tensor = existing(tensors, name, file.name);
      if (!isRealType(tensor.type))
        throw new PytorchFileError(`${file.name}: the tensor "${name}" holds complex numbers (${tensor.type})`);
      return readTensor(tensor);
    },
    readBytes: (name) => readTensorBytes(existing(tensors, name, file.name)),
  };
}

/** What a training program saves beside parameters and optimiser: a configuration, arguments, where it stood. */
function* besides(beside: ReadonlyMap<PickleValue, PickleValue>): Generator<[string, string]> {
  for (const [key, item] of beside) {
    if (typeof key === 'string' && !holdsStates(item)) yield [key, jsonText(item)];
  }
}

/** Whether a dictionary is one of tensors, or an optimiser's. */
const holdsStates = (value: PickleValue): boolean =>
  value instanceof Map &&
  (value.has('param_groups') || [...value.values()].some((item) => tensorOf(item) !== undefined));

function existing<T>(tensors: ReadonlyMap<string, T>, name: string, source: string): T {
  const tensor = tensors.get(name);
  if (tensor === undefined) throw new PytorchFileError(`${source}: there is no tensor "${name}"`);
  return tensor;
}
