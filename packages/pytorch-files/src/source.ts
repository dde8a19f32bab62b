// Where bytes come from: a file, an HTTP resource, memory, or a part of one of these.
import type { RandomAccess } from '@logah/safetensors';
import { PytorchFileError } from './errors.js';

/** Bytes that can be read from any place; `name` names them in errors. */
export interface ByteSource {
  readonly name: string;
  /** In bytes. */
  readonly size: number;
  readonly read: RandomAccess;
}

/** Bytes in memory as a source. What it reads are views of them. */
export const memorySource = (bytes: Uint8Array, name: string): ByteSource => ({
  name,
  size: bytes.byteLength,
  read: async (offset, length) => bytes.subarray(offset, offset + length),
});

/** Text of one character a byte, as Python 2 and pickle protocol 2 write byte strings, as a source. */
export const latin1Source = (text: string, name: string): ByteSource => ({
  name,
  size: text.length,
  // When they are asked for: a pickle can name one text as often as it likes.
  read: async (offset, length) => Uint8Array.from(text.slice(offset, offset + length), (char) => char.charCodeAt(0)),
});

/** A part of a source. Throws {@link PytorchFileError} when it does not lie within; `what` names the part. */
export function partOf(source: ByteSource, offset: number, length: number, what: string): ByteSource {
  if (!(offset >= 0 && length >= 0 && offset + length <= source.size))
    throw new PytorchFileError(
      `${source.name}: ${what} should lie in bytes ${offset} to ${offset + length}, ` +
        `but there are only ${source.size}: the file is truncated or corrupt`,
    );
  return { name: source.name, size: length, read: (at, count) => source.read(offset + at, count) };
}

/** Exactly these bytes. Throws {@link PytorchFileError} when the source ends before; `what` names them. */
export async function readExactly(
  source: ByteSource,
  offset: number,
  length: number,
  what: string,
): Promise<Uint8Array> {
  const bytes = await partOf(source, offset, length, what).read(0, length);
  if (bytes.byteLength !== length)
    throw new PytorchFileError(
      `${source.name}: ${what} has ${length} bytes, but reading them gave ${bytes.byteLength}: ` +
        'the file is truncated or changing',
    );
  return bytes;
}
