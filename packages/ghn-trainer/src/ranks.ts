// Meta-training by several processes: each computes its share of a step, one all-reduce adds them up, and all make the same update.
import type { Batch } from '@logah/data';
import { buildArchitecture } from '@logah/graph-ir';
import { type Hypernet, hypernetParameters } from '@logah/hypernet';
import type { TensorRecord } from '@logah/tensor-ops';
import * as tf from '@tensorflow/tfjs-core';
import { batchRows } from './batch-rows.js';
import { TrainingError } from './config.js';
import { flatLength, recordFromFlat } from './flat.js';
import type { MetaBatchResult } from './meta-batch.js';
import { type Share, shareOf } from './shares.js';
import type { MetaGradients, TrainerState } from './train.js';

/** The processes that share a run, and this one among them; a `Communicator` of `@logah/mpi` is that. */
export interface Ranks {
  readonly rank: number;
  readonly size: number;
  /** Combines the arrays of all, element by element and in place. */
  allreduce(values: Float32Array | Float64Array, operation?: 'sum' | 'max'): Promise<void>;
  /** Copies the array of rank 0 to all others. */
  broadcast(values: Float32Array | Float64Array): Promise<void>;
}

export interface SharedGradients {
  /** For `train`: the mean over the shares of all ranks. */
  readonly gradients: MetaGradients;
  /** Aborted at the same step on all ranks, once any of them wants to stop. */
  readonly signal: AbortSignal;
}

/** Steps between comparisons of the ranks' parameters. */
const COMPARED_EVERY = 50;

/** Loss, task loss, accuracy and the wish to stop stand behind the gradients. */
const EXTRAS = 4;

/**
 * Spreads the gradients of each step over ranks: whole networks where there are enough of them, else parts of the mini-batch. `own` computes a share;
 * `wantsStop` is asked at every step. The gradients throw {@link TrainingError} when the ranks' parameters are not the same, and where a mini-batch
 * would have to be divided for a network with batch norm, whose statistics are those of the whole mini-batch.
 */
export function shareGradients(ranks: Ranks, own: MetaGradients, wantsStop: () => boolean): SharedGradients {
  const stop = new AbortController();
  let calls = 0;
  const gradients: MetaGradients = async (hypernet, networks, batch) => {
    if (calls++ % COMPARED_EVERY === 0) await compareParameters(ranks, hypernet);
    const [rows] = batch.inputs.shape;
    const share = shareOf(networks, rows, ranks.rank, ranks.size);
    const specs = hypernetParameters(hypernet.config);
    const total = flatLength(specs);
    const sums = new Float32Array(total + EXTRAS);
    if (share.weight > 0) {
      const result = await computeShare(own, hypernet, share, batch);
      let at = 0;
      for (const { name } of specs) {
        const values = await result.gradients[name].data<'float32'>();
        for (const value of values) sums[at++] = share.weight * value;
      }
      tf.dispose(Object.values(result.gradients));
      [result.loss, result.taskLoss, result.accuracy].forEach((value, i) => {
        sums[total + i] = share.weight * value;
      });
    }
    sums[total + 3] = wantsStop() ? 1 : 0;
    await ranks.allreduce(sums);
    const [loss, taskLoss, accuracy, stops] = sums.subarray(total);
    if (stops > 0) stop.abort();
    return { loss, taskLoss, accuracy, gradients: recordFromFlat(specs, sums) };
  };
  return { gradients, signal: stop.signal };
}

async function computeShare(
  own: MetaGradients,
  hypernet: Hypernet,
  { networks, rows: [from, to] }: Share,
  batch: Batch,
): Promise<MetaBatchResult> {
  if (to - from === batch.inputs.shape[0]) return own(hypernet, networks, batch);
  for (const { architecture } of networks) {
    if (buildArchitecture(architecture).operators.some(({ type }) => type === 'batch_norm')) {
      throw new TrainingError(
        `a ${architecture.family} reads batch statistics, so its mini-batch cannot be divided: a meta-batch of at least as many networks as there are ranks is wanted`,
      );
    }
  }
  const { inputs, labels } = batchRows(batch, from, to);
  try {
    return await own(hypernet, networks, { inputs, labels });
  } finally {
    tf.dispose([inputs, labels]);
  }
}

/** Ranks that have come apart would go on to a result that no run gives. */
async function compareParameters(ranks: Ranks, { parameters }: Hypernet): Promise<void> {
  let hash = FNV_OFFSET;
  for (const tensor of Object.values(parameters)) {
    const { buffer, byteOffset, length } = await tensor.data<'float32'>();
    for (const word of new Uint32Array(buffer, byteOffset, length)) hash = Math.imul(hash ^ word, FNV_PRIME) >>> 0;
  }
  const extremes = Float64Array.of(hash, -hash);
  await ranks.allreduce(extremes, 'max');
  if (extremes[0] !== -extremes[1])
    throw new TrainingError(
      `rank ${ranks.rank}: the ranks' hypernetworks differ, so their machines or programs do; go on from the last state with equal ones`,
    );
}

/** FNV-1a, by words. */
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** The state of rank 0, on every rank; the tensors of the others' own states are freed. */
export async function shareState(state: TrainerState, ranks: Ranks): Promise<TrainerState> {
  const { hypernet, optimizer, average } = state;
  const steps = Float64Array.of(state.step, optimizer.step);
  await ranks.broadcast(steps);
  const share = (record: TensorRecord): Promise<TensorRecord> => shareTensors(record, ranks);
  return {
    step: steps[0],
    hypernet: { ...hypernet, parameters: await share(hypernet.parameters) },
    optimizer: { step: steps[1], first: await share(optimizer.first), second: await share(optimizer.second) },
    ...(average === undefined ? {} : { average: await share(average) }),
  };
}

async function shareTensors(record: TensorRecord, ranks: Ranks): Promise<TensorRecord> {
  const shared: Array<[string, tf.Tensor]> = [];
  for (const [name, tensor] of Object.entries(record)) {
    const values = (await tensor.data<'float32'>()).slice();
    await ranks.broadcast(values);
    shared.push([name, tf.tensor(values, tensor.shape)]);
    tensor.dispose();
  }
  return Object.fromEntries(shared);
}
