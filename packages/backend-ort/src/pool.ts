// Memory of freed tensors, kept for the next ones: a training step asks for the same sizes again and again, and meta-training, whose every step is of
// another network, for similar ones. So memory comes in steps of a quarter of a power of two, and an array is a view of the first part of its piece.
import { totalmem } from 'node:os';

/**
 * Bytes kept at most, an eighth of the machine's memory; beyond, the sizes that were idle longest go. A training step that does not find its memory here
 * asks the system for fresh pages, which takes longer than computing on them.
 */
const CAPACITY = totalmem() / 8;

/** Memory of a size that nobody asked for while so many others were handed out go too: some steps of a network, and then it was another network's. */
const MOST_AGE = 20_000;

/** Arrays shorter than this are cheaper to make than to look up. */
const LEAST_LENGTH = 256;

interface Idle {
  readonly buffers: ArrayBuffer[];
  /** How many arrays had been handed out when this size was last asked for or given back. */
  lastUse: number;
}

/** The next of 4, 5, 6 and 7 quarters of a power of two: at most a quarter more than is asked for. */
function pieceLength(length: number): number {
  const unit = 2 ** (Math.floor(Math.log2(length)) - 2);
  return Math.ceil(length / unit) * unit;
}

export class BufferPool {
  /** By bytes; the order is that of the last use. */
  readonly #idle = new Map<number, Idle>();
  /** Arrays that may come back, and their memory: handed out here, and not seen by anyone who might keep them. */
  readonly #owned = new WeakMap<Float32Array, ArrayBuffer>();
  #bytes = 0;
  #handedOut = 0;

  /** An array of this length with arbitrary content. */
  take(length: number): Float32Array {
    if (length < LEAST_LENGTH) return new Float32Array(length);
    this.#handedOut++;
    const size = pieceLength(length) * Float32Array.BYTES_PER_ELEMENT;
    const reused = this.#idle.get(size)?.buffers.pop();
    if (reused) {
      this.#bytes -= size;
      this.#touch(size);
    }
    const buffer = reused ?? new ArrayBuffer(size);
    const values = new Float32Array(buffer, 0, length);
    this.#owned.set(values, buffer);
    return values;
  }

  /** Takes back an array that nothing uses any more. Arrays that did not come from here, or were released, are left alone. */
  give(values: Float32Array): void {
    const buffer = this.#owned.get(values);
    if (buffer === undefined) return;
    this.#owned.delete(values);
    this.#touch(buffer.byteLength).buffers.push(buffer);
    this.#bytes += buffer.byteLength;
    for (const [size, { buffers, lastUse }] of this.#idle) {
      if (this.#bytes <= CAPACITY && this.#handedOut - lastUse <= MOST_AGE) break;
      this.#idle.delete(size);
      this.#bytes -= size * buffers.length;
    }
  }

  /** Lets go of an array for good: someone outside holds it. */
  release(values: Float32Array): void {
    this.#owned.delete(values);
  }

  /** The idle memory of a size, now the last in order. */
  #touch(size: number): Idle {
    const idle = this.#idle.get(size) ?? { buffers: [], lastUse: 0 };
    idle.lastUse = this.#handedOut;
    this.#idle.delete(size);
    this.#idle.set(size, idle);
    return idle;
  }
}
