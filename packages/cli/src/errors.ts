// Which errors are for the person at the keyboard: those that our packages raise with a message to act on.

/** A command that cannot be carried out; the message says why and what to do. */
export class CliError extends Error {
  override readonly name = 'CliError';
}

/** By name: to compare classes, every command would load every package. */
const USER_ERRORS: ReadonlySet<string> = new Set([
  'CheckpointError',
  'CliError',
  'DataError',
  'DatasetError',
  'EvaluationError',
  'GraphError',
  'HypernetError',
  'InitializationError',
  'PytorchFileError',
  'SafetensorsError',
  'TrainingError',
]);

/** Whether an error's message is enough: its stack would not help who reads it. */
export const isUserError = (error: unknown): error is Error => error instanceof Error && USER_ERRORS.has(error.name);
