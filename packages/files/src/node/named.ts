// Errors of the file system with the name of the file that a person knows.
import { type ErrorClass, messageOf } from '../errors.js';

/** What `act` gives; what it throws becomes an error of the class, saying what could not be done to which file. */
export async function named<T>(path: string, verb: string, Raised: ErrorClass, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (cause) {
    if (cause instanceof Raised) throw cause;
    throw new Raised(`cannot ${verb} ${path}: ${reasonOf(cause)}`, { cause });
  }
}

/** The reason without the paths of Node's own words: those name files that nobody asked for. */
export function reasonOf(cause: unknown): string {
  const message = messageOf(cause);
  const [, reason] = /^([A-Z]+: [^,]+), /.exec(message) ?? [];
  return reason ?? message;
}

/** The code of a system error, such as "ENOENT". */
export const codeOf = (cause: unknown): unknown =>
  typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined;
