// Memory of freed tensors, kept for the next ones: a training step asks for the same sizes again and again.
import { totalmem } from 'node:os';

/**
 * Bytes kept at most, an eighth of the machine's memory; beyond, the sizes that were idle longest go. A training step that does not find its memory here
 * asks the system for fresh pages, which takes longer than computing on them.
 */
const CAPACITY = totalmem() / 8;

/** Arrays shorter than this are cheaper to make than to look up. */
const LEAST_LENGTH = 256;

export class BufferPool {
  /** By length; the order is that of the last use. */
  readonly #idle = new Map<number, Float32Array[]>();
  /** Arrays that may come back: handed out here, and not seen by anyone who might keep them. */
  readonly #owned = new WeakSet<Float32Array>();
  #bytes = 0;

  /** An array of this length with arbitrary content. */
  take(length: number): Float32Array {
    if (length < LEAST_LENGTH) return new Float32Array(length);
    const idle = this.#idle.get(length);
    const reused = idle?.pop();
    if (idle?.length === 0) this.#idle.delete(length);
    if (reused) this.#bytes -= reused.byteLength;
    const values = reused ?? new Float32Array(length);
    this.#owned.add(values);
    return values;
  }

  /** Takes back an array that nothing uses any more. Arrays that did not come from here, or were released, are left alone. */
  give(values: Float32Array): void {
    if (!this.#owned.delete(values)) return;
    const idle = this.#idle.get(values.length) ?? [];
    idle.push(values);
    this.#idle.delete(values.length);
    this.#idle.set(values.length, idle);
    this.#bytes += values.byteLength;
    for (const [length, arrays] of this.#idle) {
      if (this.#bytes <= CAPACITY) break;
      this.#idle.delete(length);
      this.#bytes -= arrays.reduce((sum, { byteLength }) => sum + byteLength, 0);
    }
  }

  /** Lets go of an array for good: someone outside holds it. */
  release(values: Float32Array): void {
    this.#owned.delete(values);
  }
}
