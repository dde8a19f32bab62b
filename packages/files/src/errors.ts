/** A file that cannot be read or written, or is not what it should be; the message names it and says why. */
export class FileError extends Error {
  override readonly name = 'FileError';
}

/** What raises an error of a package's own class. */
export type ErrorClass = new (message: string, options?: ErrorOptions) => Error;

/** What an unknown thing that was thrown says. */
export const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));
