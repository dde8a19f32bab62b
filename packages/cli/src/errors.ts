// Which errors are for the person at the keyboard: those that our packages raise with a message to act on.
import { DatasetError } from '@logah/arch-datasets';
import { DataError } from '@logah/data';
import { TrainingError } from '@logah/ghn-trainer';
import { GraphError } from '@logah/graph-ir';
import { HypernetError } from '@logah/hypernet';
import { EvaluationError } from '@logah/init-eval';
import { SafetensorsError } from '@logah/safetensors';

/** A command that cannot be carried out; the message says why and what to do. */
export class CliError extends Error {
  override readonly name = 'CliError';
}

const USER_ERRORS = [
  CliError,
  DataError,
  DatasetError,
  EvaluationError,
  GraphError,
  HypernetError,
  SafetensorsError,
  TrainingError,
];

/** Whether an error's message is enough: its stack would not help who reads it. */
export const isUserError = (error: unknown): error is Error => USER_ERRORS.some((type) => error instanceof type);
