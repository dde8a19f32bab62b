// Memory that a stream of tensors writes into again and again.

/** Gives arrays of any length. */
export interface Scratch {
  /** An array of this length; with shared memory its content is valid until the next is asked for. */
  take(length: number): Float32Array;
}

/** New memory for every array. */
export const freshMemory: Scratch = { take: (length) => new Float32Array(length) };

/** One memory for all arrays, as large as the largest that was asked for. */
export function sharedMemory(): Scratch {
  let memory = new Float32Array();
  return {
    take(length) {
      if (memory.length < length) memory = new Float32Array(length);
      return memory.subarray(0, length);
    },
  };
}
