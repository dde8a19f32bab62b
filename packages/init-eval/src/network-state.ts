// A network under training in one safetensors file: parameters under their names, moments under prefixes, counters in the metadata.
import { parseJson } from '@logah/files';
import type { Graph } from '@logah/graph-ir';
import type { FloatTensor } from '@logah/safetensors';
import { readSafetensors, writeSafetensors } from '@logah/safetensors/node';
import type { TensorRecord } from '@logah/tensor-ops';
import * as tf from '@tensorflow/tfjs-core';
import { EvaluationError } from './errors.js';
import type { NetworkState } from './optimizer.js';
import type { EpochScore } from './training.js';

const prefixOf = (moment: string): string => `optimizer.${moment}.`;

/** A state, and how the network stood after every epoch so far. */
export interface SavedNetwork {
  readonly state: NetworkState;
  readonly scores: readonly EpochScore[];
  readonly seconds: number;
}

/** Writes a state; the file appears under its name when it is complete. */
export async function writeNetworkState(path: string, { state, scores, seconds }: SavedNetwork): Promise<void> {
  const tensors = new Map<string, FloatTensor>();
  const add = async (prefix: string, record: TensorRecord): Promise<void> => {
    for (const [name, tensor] of Object.entries(record)) {
      tensors.set(`${prefix}${name}`, { shape: tensor.shape, data: Float32Array.from(await tensor.data()) });
    }
  };
  await add('', state.parameters);
  for (const [moment, record] of Object.entries(state.moments)) await add(prefixOf(moment), record);
  const { epoch, step } = state;
  await writeSafetensors(path, tensors, { training: JSON.stringify({ epoch, step, scores, seconds }) });
}

/** Reads a state with these moments. Throws SafetensorsError or {@link EvaluationError} naming the file and the tensor at fault. */
export async function readNetworkState(path: string, graph: Graph, moments: readonly string[]): Promise<SavedNetwork> {
  const { tensors, metadata } = await readSafetensors(path);
  const { epoch, step, scores, seconds } = parseTraining(metadata.training, path);
  const record = (prefix: string): TensorRecord =>
    Object.fromEntries(
      graph.parameters.map(({ name, shape }) => {
        const found = tensors.get(`${prefix}${name}`);
        if (found?.shape.join() !== shape.join()) {
          throw new EvaluationError(
            `${path}: the tensor "${prefix}${name}" should be [${shape.join(', ')}], ${found ? `got [${found.shape.join(', ')}]` : 'but is missing'}`,
          );
        }
        if (!found.data.every(Number.isFinite))
          throw new EvaluationError(`${path}: the tensor "${prefix}${name}" holds NaN or infinite values`);
        return [name, tf.tensor(found.data, [...shape])];
      }),
    );
  const state = {
    epoch,
    step,
    parameters: record(''),
    moments: Object.fromEntries(moments.map((moment) => [moment, record(prefixOf(moment))])),
  };
  return { state, scores, seconds };
}

interface Training {
  readonly epoch: number;
  readonly step: number;
  readonly scores: EpochScore[];
  readonly seconds: number;
}

function parseTraining(text: string | undefined, path: string): Training {
  const parsed =
    text === undefined ? undefined : parseJson(text, `${path}: "training" in its metadata`, EvaluationError);
  if (!isTraining(parsed)) {
    throw new EvaluationError(
      `${path}: not a network under training; its metadata should have "training" with epoch, step, seconds and scores`,
    );
  }
  if (parsed.scores.length !== parsed.epoch + 1) {
    throw new EvaluationError(
      `${path}: after epoch ${parsed.epoch} there should be ${parsed.epoch + 1} scores, got ${parsed.scores.length}`,
    );
  }
  return parsed;
}

/** Whether something is a number of things. */
export const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

/** The scores within are our own worker's. */
const isTraining = (value: unknown): value is Training =>
  typeof value === 'object' &&
  value !== null &&
  'epoch' in value &&
  isCount(value.epoch) &&
  'step' in value &&
  isCount(value.step) &&
  'seconds' in value &&
  typeof value.seconds === 'number' &&
  value.seconds >= 0 &&
  'scores' in value &&
  areScores(value.scores);

/** Whether something is a list of scores, one for each epoch so far, as our own worker writes them. */
export const areScores = (value: unknown): value is EpochScore[] =>
  Array.isArray(value) &&
  value.length > 0 &&
  value.every(
    (score: unknown, epoch) =>
      typeof score === 'object' &&
      score !== null &&
      'epoch' in score &&
      score.epoch === epoch &&
      ['loss', 'accuracy', 'top5Accuracy', 'trainLoss'].every((field) => isScore(Object.entries(score), field)),
  );

/** JSON has no word for a number that is not finite. */
const isScore = (entries: ReadonlyArray<[string, unknown]>, field: string): boolean =>
  entries.some(([name, value]) => name === field && (typeof value === 'number' || value === null));
