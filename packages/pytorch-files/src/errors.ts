/**
 * A file that is not what it should be: the message names the file, the place, what was found and what would be right.
 */
export class PytorchFileError extends Error {
  override readonly name = 'PytorchFileError';
}
