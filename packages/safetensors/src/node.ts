// Safetensors files in Node.js: whole reads, and a writer that streams tensors and appears under its name only when complete.
import { openFile, readBytes, writeFile, writeStream } from '@logah/files/node';
import { buildHeader, type DType, type Header, readHeader, SafetensorsError } from './format.js';
import {
  checkRange,
  type DecodedSafetensors,
  decodeSafetensors,
  encodeFloats,
  encodeSafetensors,
  type FloatDType,
  type FloatTensor,
} from './tensors.js';

/** Reads a whole file. Throws {@link SafetensorsError} naming the file when it is missing or malformed. */
export async function readSafetensors(path: string): Promise<DecodedSafetensors> {
  return decodeSafetensors(await readBytes(path, { Raised: SafetensorsError }), path);
}

/** Reads only the header of a file, however large the file is. Throws {@link SafetensorsError} naming the file. */
export async function readSafetensorsHeader(path: string): Promise<Header> {
  const { size, read, close } = await openFile(path, SafetensorsError);
  try {
    return await readHeader(read, size, path);
  } finally {
    await close();
  }
}

/** Writes a file in one go; it appears under its name when it is complete. */
export async function writeSafetensors(
  path: string,
  tensors: Iterable<readonly [name: string, tensor: FloatTensor]>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  await writeFile(path, encodeSafetensors(tensors, metadata), SafetensorsError);
}

/**
 * Writes tensors as they come, holding one at a time: `declared` gives every name and shape, `tensors` yields them in that order.
 * The file appears under its name when all are written; when anything fails, it does not appear and nothing is left behind.
 * Throws {@link SafetensorsError} for a tensor that is missing, misplaced or of another shape, and for a value that the
 * type does not reach.
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
    for await (const { name, shape, data } of tensors) {
      checkRange(data, dtype, `${path}: the tensor "${name}"`);
      yield { name, shape, bytes: encodeFloats(data, dtype) };
    }
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
  const promised = header.dataOffset + ([...header.tensors.values()].at(-1)?.end ?? 0);
  await writeStream(
    path,
    async (file) => {
      let written = bytes.byteLength;
      await file.write(bytes);
      let index = 0;
      for await (const tensor of tensors) {
        const expected = declared[index++];
        if (expected?.name !== tensor.name || expected.shape.join() !== tensor.shape.join()) {
          throw new SafetensorsError(
            `${path}: tensor ${index} is "${tensor.name}" [${tensor.shape.join(', ')}], but ${expected ? `"${expected.name}" [${expected.shape.join(', ')}]` : 'no more'} was declared`,
          );
        }
        await file.write(tensor.bytes);
        written += tensor.bytes.byteLength;
      }
      if (index < declared.length)
        throw new SafetensorsError(`${path}: tensor "${declared[index].name}" was declared, but never came`);
      if (written !== promised)
        throw new SafetensorsError(`${path}: ${written} bytes were written, but the header promises ${promised}`);
    },
    SafetensorsError,
  );
  return promised;
}
