// A TensorFlow.js backend for Node.js at native speed. Importing this package registers it: `await tf.setBackend('ort')`.
import { registerOrt } from './register.js';
import { setThreads } from './session.js';

export { fallbackCounts } from './register.js';

/**
 * How many threads large products and convolutions use; by default all of the machine's. Takes effect for kernels that have not run yet.
 * Throws RangeError unless `count` is a positive integer.
 */
export function setThreadsCount(count: number): void {
  if (!Number.isInteger(count) || count < 1)
    throw new RangeError(`setThreadsCount wants a positive integer, got ${count}`);
  setThreads(count);
}

registerOrt();
