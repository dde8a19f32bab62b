// Whether this machine can hold what was asked for.
import { totalmem } from 'node:os';
import { CliError } from './errors.js';
import { bytes } from './text-table.js';

const BYTES_PER_VALUE = 4;

/**
 * Throws {@link CliError} where so many float32 values are more than the machine's whole memory: the system would end
 * the process without a word. `what` names them.
 */
export function checkMemory(values: number, what: string): void {
  const wanted = BYTES_PER_VALUE * values;
  if (wanted > totalmem())
    throw new CliError(`${what} wants ${bytes(wanted)} of memory, but this machine has ${bytes(totalmem())}`);
}
