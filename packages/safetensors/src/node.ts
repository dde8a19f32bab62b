// Safetensors files in Node.js: whole reads, and a writer that streams tensors and appears under its name only when complete.
import { type FileHandle, open, readFile, rename, rm } from 'node:fs/promises';
import { buildHeader, type DType, type Header, readHeader, SafetensorsError } from './format.js';
import { decodeSafetensors, encodeFloats, encodeSafetensors, type FloatDType, type FloatTensor } from './tensors.js';

/** Reads a whole file. Throws {@link SafetensorsError} naming the file when it is missing or malformed. */
export async function readSafetensors(
  path: string,
): Promise<{ metadata: Readonly<Record<string, string>>; tensors: Map<string, FloatTensor> }> {
  return decodeSafetensors(await named(path, 'read', () => readFile(path)), path);
}

/** Reads only the header of a file, however large the file is. Throws {@link SafetensorsError} naming the file. */
export async function readSafetensorsHeader(path: string): Promise<Header> {
  const file = await named(path, 'read', () => open(path, 'r'));
  try {
    const { size } = await file.stat();
    const read = async (offset: number, length: number): Promise<Uint8Array> =>
      (await file.read(new Uint8Array(length), 0, length, offset)).buffer;
    return await readHeader(read, size, path);
  } finally {
    await file.close();
  }
}

/** Writes text or bytes beside their name and then renames the file, so that a reader never sees half of it. Throws {@link SafetensorsError} naming the file. */
export async function writeFileAtomically(path: string, content: string | Uint8Array): Promise<void> {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  await writeBeside(path, (file) => writeAll(file, bytes, path));
}

/** Writes a file in one go; it appears under its name when it is complete. */
export async function writeSafetensors(
  path: string,
  tensors: Iterable<readonly [name: string, tensor: FloatTensor]>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  await writeFileAtomically(path, encodeSafetensors(tensors, metadata));
}

/**
 * Writes tensors as they come, holding one at a time: `declared` gives every name and shape, `tensors` yields them in that order.
 * The file appears under its name when all are written; when anything fails, it does not appear and nothing is left behind.
 * Throws {@link SafetensorsError} for a tensor that is missing, misplaced or of another shape.
 * Returns the number of bytes written.
 */
export async function streamSafetensors(
  path: string,
  declared: ReadonlyArray<{ readonly name: string; readonly shape: readonly number[] }>,
  tensors: AsyncIterable<FloatTensor & { readonly name: string }> | Iterable<FloatTensor & { readonly name: string }>,
  options: { readonly dtype?: FloatDType; readonly metadata?: Readonly<Record<string, string>> } = {},
): Promise<number> {
  const { dtype = 'F32', metadata = {} } = options;
  const stored = declared.map(({ name, shape }) => ({ name, shape, dtype }));
  async function* encoded(): AsyncGenerator<TensorBytes> {
    for await (const { name, shape, data } of tensors) yield { name, shape, bytes: encodeFloats(data, dtype) };
  }
  return streamStoredTensors(path, stored, encoded(), metadata);
}

/** A tensor as its bytes, row-major and little-endian. */
export interface TensorBytes {
  readonly name: string;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** The same as {@link streamSafetensors} for tensors of any types, as their bytes. */
export async function streamStoredTensors(
  path: string,
  declared: ReadonlyArray<{ readonly name: string; readonly shape: readonly number[]; readonly dtype: DType }>,
  tensors: AsyncIterable<TensorBytes>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<number> {
  const { bytes, header } = buildHeader(
    declared.map(({ name, shape, dtype }) => [name, { dtype, shape }] as const),
    metadata,
  );
  return writeBeside(path, async (file) => {
    let written = await writeAll(file, bytes, path);
    let index = 0;
    for await (const tensor of tensors) {
      const expected = declared[index++];
      if (expected?.name !== tensor.name || expected.shape.join() !== tensor.shape.join()) {
        throw new SafetensorsError(
          `${path}: tensor ${index} is "${tensor.name}" [${tensor.shape.join(', ')}], but ${expected ? `"${expected.name}" [${expected.shape.join(', ')}]` : 'no more'} was declared`,
        );
      }
      written += await writeAll(file, tensor.bytes, path);
    }
    if (index < declared.length)
      throw new SafetensorsError(`${path}: tensor "${declared[index].name}" was declared, but never came`);
    const last = [...header.tensors.values()].at(-1);
    const promised = header.dataOffset + (last?.end ?? 0);
    if (written !== promised)
      throw new SafetensorsError(`${path}: ${written} bytes were written, but the header promises ${promised}`);
    return written;
  });
}

async function writeBeside<T>(path: string, write: (file: FileHandle) => Promise<T>): Promise<T> {
  const partial = `${path}.${process.pid}.partial`;
  const file = await named(path, 'write', () => open(partial, 'w'));
  try {
    const result = await write(file);
    await named(path, 'write', () => file.sync());
    await file.close();
    await named(path, 'write', () => rename(partial, path));
    return result;
  } catch (error) {
    await file.close();
    await rm(partial, { force: true });
    throw error;
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array, path: string): Promise<number> {
  // One call may write less than asked, and Linux never writes more than 2 GiB at once.
  for (let offset = 0; offset < bytes.byteLength; ) {
    const { bytesWritten } = await named(path, 'write', () =>
      file.write(bytes, offset, Math.min(bytes.byteLength - offset, 2 ** 30)),
    );
    offset += bytesWritten;
  }
  return bytes.byteLength;
}

async function named<T>(path: string, verb: 'read' | 'write', act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (cause) {
    throw new SafetensorsError(`cannot ${verb} ${path}: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
}
