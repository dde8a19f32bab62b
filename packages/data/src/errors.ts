/** A data set that is not what it should be; the message names the file or field, what was found and what would be right. */
export class DataError extends Error {
  override readonly name = 'DataError';
}
