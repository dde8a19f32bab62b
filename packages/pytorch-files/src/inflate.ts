// Compressed files, unpacked into memory: what is compressed can be read from its start only.
import { PytorchFileError } from './errors.js';
import { type ByteSource, readExactly } from './source.js';

const PIECE_BYTES = 2 ** 20;

/**
 * Trained weights hardly shrink, zeros do by a factor of a thousand: what grows this much and this large is taken for a
 * bomb.
 */
const MOST_GROWTH = 32;
const ALWAYS_ALLOWED_BYTES = 2 ** 28;

/** How many bytes a compressed file of this size may have. */
export const inflatedLimit = (size: number): number => Math.max(ALWAYS_ALLOWED_BYTES, MOST_GROWTH * size);

/**
 * The content of a file that is compressed by zlib ("deflate") or gzip, in memory.
 * Throws {@link PytorchFileError} for a file that is corrupt or truncated, and for one that has more than `limit`
 * bytes.
 */
export async function inflate(source: ByteSource, format: 'deflate' | 'gzip', limit: number): Promise<ByteSource> {
  const pieces: Uint8Array[] = [];
  /** Where each piece starts. */
  const starts: number[] = [];
  let size = 0;
  const reader = compressedPieces(source).pipeThrough(new DecompressionStream(format)).getReader();
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      pieces.push(next.value);
      starts.push(size);
      size += next.value.byteLength;
      if (size > limit) {
        await reader.cancel();
        throw new PytorchFileError(
          `${source.name}: ${source.size} compressed bytes hold more than ${limit}: ` +
            'allow more with mostInflatedBytes if you trust the file',
        );
      }
    }
  } catch (cause) {
    if (cause instanceof PytorchFileError) throw cause;
    throw new PytorchFileError(`${source.name}: the compressed data is corrupt or truncated`, { cause });
  }
  return { name: source.name, size, read: async (offset, length) => joined(pieces, starts, offset, length) };
}

function compressedPieces(source: ByteSource): ReadableStream<Uint8Array<ArrayBuffer>> {
  let at = 0;
  return new ReadableStream({
    async pull(controller) {
      const length = Math.min(PIECE_BYTES, source.size - at);
      // Own memory: a view of a shared buffer cannot be passed on.
      if (length > 0) controller.enqueue(Uint8Array.from(await readExactly(source, at, length, 'the compressed data')));
      at += length;
      if (at >= source.size) controller.close();
    },
  });
}

/** The bytes from `offset` on, out of the pieces that hold them. */
function joined(pieces: readonly Uint8Array[], starts: readonly number[], offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  // The last piece that starts at or before the offset.
  let [low, high] = [0, pieces.length];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (starts[middle] <= offset) low = middle;
    else high = middle;
  }
  for (let piece = low, done = 0; done < length && piece < pieces.length; piece++) {
    const from = offset + done - starts[piece];
    const part = pieces[piece].subarray(from, from + length - done);
    bytes.set(part, done);
    done += part.byteLength;
  }
  return bytes;
}
