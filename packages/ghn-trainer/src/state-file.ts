// A run's state in one safetensors file: the hypernetwork under its own names, moments and average under prefixes, the step in the metadata.
import { shortJson } from '@logah/files';
import { fromCheckpoint, type Hypernet, toCheckpoint } from '@logah/hypernet';
import type { FloatTensor } from '@logah/safetensors';
import { readSafetensors, writeSafetensors } from '@logah/safetensors/node';
import type { TensorRecord } from '@logah/tensor-ops';
import * as tf from '@tensorflow/tfjs-core';
import { TrainingError } from './config.js';
import type { TrainerState } from './train.js';

const PREFIXES = { first: 'optimizer.first.', second: 'optimizer.second.', average: 'average.' } as const;

/** Writes a state; the file appears under its name when it is complete. */
export async function writeTrainerState(
  path: string,
  { step, hypernet, optimizer, average }: TrainerState,
): Promise<void> {
  const { tensors, metadata } = await toCheckpoint(hypernet);
  const all = new Map<string, FloatTensor>(tensors);
  const add = async (prefix: string, record: TensorRecord): Promise<void> => {
    for (const [name, tensor] of Object.entries(record)) {
      all.set(`${prefix}${name}`, { shape: tensor.shape, data: Float32Array.from(await tensor.data()) });
    }
  };
  await add(PREFIXES.first, optimizer.first);
  await add(PREFIXES.second, optimizer.second);
  if (average !== undefined) await add(PREFIXES.average, average);
  await writeSafetensors(path, all, { ...metadata, step: String(step) });
}

/**
 * Reads a state. Throws SafetensorsError, HypernetError or {@link TrainingError} naming the file and the tensor or field at fault.
 */
export async function readTrainerState(path: string): Promise<TrainerState> {
  const { tensors, metadata } = await readSafetensors(path);
  const step = metadata.step === undefined ? Number.NaN : Number(metadata.step);
  if (!Number.isSafeInteger(step) || step < 0) {
    throw new TrainingError(
      `${path}: not a state of a run; its metadata should have a step, got ${shortJson(metadata.step)}`,
    );
  }
  const isExtra = (name: string): boolean => Object.values(PREFIXES).some((prefix) => name.startsWith(prefix));
  const own = new Map([...tensors].filter(([name]) => !isExtra(name)));
  const hypernet = fromCheckpoint({ tensors: own, metadata }, path);
  const record = (prefix: string): TensorRecord => readRecord(tensors, prefix, hypernet, path);
  const hasAverage = [...tensors.keys()].some((name) => name.startsWith(PREFIXES.average));
  return {
    step,
    hypernet,
    optimizer: { step, first: record(PREFIXES.first), second: record(PREFIXES.second) },
    ...(hasAverage ? { average: record(PREFIXES.average) } : {}),
  };
}

function readRecord(
  tensors: ReadonlyMap<string, FloatTensor>,
  prefix: string,
  { parameters }: Hypernet,
  path: string,
): TensorRecord {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, { shape }]) => {
      const found = tensors.get(`${prefix}${name}`);
      if (found?.shape.join() !== shape.join()) {
        throw new TrainingError(
          `${path}: the tensor "${prefix}${name}" should be [${shape.join(', ')}], ${found ? `got [${found.shape.join(', ')}]` : 'but is missing'}`,
        );
      }
      if (!found.data.every(Number.isFinite))
        throw new TrainingError(`${path}: the tensor "${prefix}${name}" holds NaN or infinite values`);
      return [name, tf.tensor(found.data, [...shape])];
    }),
  );
}
