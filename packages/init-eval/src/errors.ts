/** A comparison that cannot run or whose files are not what they should be; the message says why and what would be right. */
export class EvaluationError extends Error {
  override readonly name = 'EvaluationError';
}
