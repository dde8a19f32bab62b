// Memory of freed tensors, kept for the next ones: a training step asks for the same sizes again and again.
import { totalmem } from 'node:os';

/**
 * Bytes kept at most, an eighth of the machine's memory; beyond, the sizes that were idle longest go. A training step that does not find its memory here
 * asks the system for fresh pages, which takes longer than computing on them.
 */
const CAPACITY = totalmem() / 8;

/** Arrays of a length that nobody asked for while so many others were handed out go too: some steps of a network, and then it was another network's. */
const MOST_AGE = 20_000;

/** Arrays shorter than this are cheaper to make than to look up. */
const LEAST_LENGTH = 256;

interface Idle {
  readonly arrays: Float32Array[];
  /** How many arrays had been handed out when this length was last asked for or given back. */
  lastUse: number;
}

export class BufferPool {
  /** By length; the order is that of the last use. */
  readonly #idle = new Map<number, Idle>();
  /** Arrays that may come back: handed out here, and not seen by anyone who might keep them. */
  readonly #owned = new WeakSet<Float32Array>();
  #bytes = 0;
  #handedOut = 0;

  /** An array of this length with arbitrary content. */
  take(length: number): Float32Array {
    if (length < LEAST_LENGTH) return new Float32Array(length);
    this.#handedOut++;
    const reused = this.#idle.get(length)?.arrays.pop();
    if (reused) {
      this.#bytes -= reused.byteLength;
      this.#touch(length);
    }
    const values = reused ?? new Float32Array(length);
    this.#owned.add(values);
    return values;
  }

  /** Takes back an array that nothing uses any more. Arrays that did not come from here, or were released, are left alone. */
  give(values: Float32Array): void {
    if (!this.#owned.delete(values)) return;
    this.#touch(values.length).arrays.push(values);
    this.#bytes += values.byteLength;
    for (const [length, { arrays, lastUse }] of this.#idle) {
      if (this.#bytes <= CAPACITY && this.#handedOut - lastUse <= MOST_AGE) break;
      this.#idle.delete(length);
      this.#bytes -= arrays.reduce((sum, { byteLength }) => sum + byteLength, 0);
    }
  }

  /** Lets go of an array for good: someone outside holds it. */
  release(values: Float32Array): void {
    this.#owned.delete(values);
  }

  /** The idle arrays of a length, now the last in order. */
  #touch(length: number): Idle {
    const idle = this.#idle.get(length) ?? { arrays: [], lastUse: 0 };
    idle.lastUse = this.#handedOut;
    this.#idle.delete(length);
    this.#idle.set(length, idle);
    return idle;
  }
}
