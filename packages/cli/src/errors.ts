// How a command that fails ends: with one line that says why, and exit code 1.

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
  'FileError',
  'GraphError',
  'HypernetError',
  'InitializationError',
  'MpiError',
  'PytorchFileError',
  'SafetensorsError',
  'TrainingError',
]);

/** What V8 says when it cannot get the memory for an array or a buffer. */
const OUT_OF_MEMORY = /allocation failed|Invalid (typed )?array length|Invalid string length|out of memory/i;

/**
 * What to tell the person at the keyboard of anything that was thrown. Our packages' own errors say what to do; a system
 * error and a want of memory are told as they are; anything else is a mistake of ours, and says so.
 */
export function describeFailure(error: unknown): string {
  if (!(error instanceof Error)) return `unexpected: ${oneLine(String(error))}; ${REPORT}`;
  if (USER_ERRORS.has(error.name)) return error.message;
  if ('syscall' in error && 'code' in error) return oneLine(error.message);
  if (OUT_OF_MEMORY.test(error.message))
    return `there is not enough memory for what was asked for (${oneLine(error.message)})`;
  return `unexpected ${error.name}: ${oneLine(error.message)}; ${REPORT}`;
}

const REPORT = 'this is a mistake in logah: please report it, with what --verbose prints';

const oneLine = (text: string): string => text.replace(/\s*\n\s*/g, ' ');
