// A network under training in one safetensors file: parameters under their names, moments under prefixes, counters in the metadata.
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

function parseTraining(
  text: string | undefined,
  path: string,
): { epoch: number; step: number; scores: EpochScore[]; seconds: number } {
  const parsed: unknown = text === undefined ? undefined : JSON.parse(text);
  if (typeof parsed !== 'object' || parsed === null) {
    throw new EvaluationError(`${path}: not a network under training; its metadata should have "training"`);
  }
  // Our own worker wrote it.
  return parsed as { epoch: number; step: number; scores: EpochScore[]; seconds: number };
}
