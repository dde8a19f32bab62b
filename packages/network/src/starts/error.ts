/** A start that has no meaning for a network, or cannot be made for it; the message says why and what would fit. */
export class InitializationError extends Error {
  override readonly name = 'InitializationError';
}
