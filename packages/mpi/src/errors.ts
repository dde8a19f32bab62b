/** MPI cannot be used as it is wanted; the message says what was found and what would be right. */
export class MpiError extends Error {
  override readonly name = 'MpiError';
}
