// Spreads the networks of a meta-batch over worker threads and averages their gradients. Parameters and gradients are in memory that all threads see.
import { Worker } from 'node:worker_threads';
import { messageOf } from '@logah/files';
import { formatArchitecture } from '@logah/graph-ir';
import { hypernetParameters } from '@logah/hypernet';
import type * as tf from '@tensorflow/tfjs-core';
import { TrainingError } from './config.js';
import { flatLength, recordFromFlat, writeFlat } from './flat.js';
import { evenShares } from './shares.js';
import type { MetaGradients } from './train.js';
import type { PlainTensor, WorkerData, WorkerReply, WorkerRequest, WorkerSetup } from './worker-messages.js';

export interface WorkerPoolOptions extends WorkerSetup {
  readonly workers: number;
}

export interface WorkerPool {
  /** For `train`: the same numbers as on one thread, but for the order in which gradients are added. */
  readonly gradients: MetaGradients;
  close(): Promise<void>;
}

/**
 * Starts the workers and waits until they are ready. Throws {@link TrainingError} when one cannot start; `gradients`
 * throws it, with the reason, when one is no more or ends within a step.
 */
export async function createWorkerPool({ workers: count, ...setup }: WorkerPoolOptions): Promise<WorkerPool> {
  const specs = hypernetParameters(setup.hypernet);
  const total = flatLength(specs);
  const shared = (): Float32Array => new Float32Array(new SharedArrayBuffer(4 * total));
  const parameters = shared();
  const members = Array.from({ length: count }, (_, index): Member => {
    const workerData: WorkerData = { ...setup, parameters, gradients: shared() };
    const worker = new Worker(new URL('./worker.js', import.meta.url), { workerData });
    return {
      worker,
      gradients: workerData.gradients,
      death: deathOf(worker, `gradient worker ${index + 1} of ${count}`),
    };
  });
  const close = async (): Promise<void> => {
    await Promise.all(members.map(({ worker }) => worker.terminate()));
  };
  try {
    await Promise.all(
      members.map(async (member) => {
        const reply = await nextMessage<WorkerReply | 'ready'>(member);
        if (reply !== 'ready') throw new Error('error' in reply ? reply.error : 'it answered before it was asked');
      }),
    );
  } catch (cause) {
    await close();
    throw new TrainingError(`a gradient worker could not start: ${messageOf(cause)}`, { cause });
  }

  const gradients: MetaGradients = async (hypernet, networks, batch) => {
    await writeFlat(specs, hypernet.parameters, parameters);
    const plain = async (tensor: tf.Tensor): Promise<PlainTensor> => ({
      shape: tensor.shape,
      values: (await tensor.data<'float32' | 'int32'>()).slice(),
    });
    const [inputs, labels] = [await plain(batch.inputs), await plain(batch.labels)];
    const shares = evenShares(networks, count).filter((share) => share.length > 0);
    const parts = await Promise.all(
      shares.map(async (share, i): Promise<Part> => {
        const { worker, gradients } = members[i];
        const reply = nextMessage<WorkerReply>(members[i]);
        const request: WorkerRequest = {
          networks: share.map(({ architecture, seed }) => ({ architecture: formatArchitecture(architecture), seed })),
          inputs,
          labels,
        };
        worker.postMessage(request);
        return { reply: await reply, gradients, weight: share.length / networks.length };
      }),
    );
    return averaged(parts, specs, total);
  };
  return { gradients, close };
}

interface Member {
  readonly worker: Worker;
  readonly gradients: Float32Array;
  /** Rejects when the worker is no more, with why; never resolves. */
  readonly death: Promise<never>;
}

/** What a worker made of its share, and how much of the meta-batch that is. */
interface Part {
  readonly reply: WorkerReply;
  readonly gradients: Float32Array;
  readonly weight: number;
}

type Specs = ReturnType<typeof hypernetParameters>;

function averaged(parts: readonly Part[], specs: Specs, total: number) {
  const sum = new Float32Array(total);
  const result = { loss: 0, taskLoss: 0, accuracy: 0 };
  for (const { reply, gradients, weight } of parts) {
    if ('error' in reply) throw new TrainingError(`a gradient worker failed: ${reply.error}`);
    for (let i = 0; i < total; i++) sum[i] += weight * gradients[i];
    result.loss += weight * reply.loss;
    result.taskLoss += weight * reply.taskLoss;
    result.accuracy += weight * reply.accuracy;
  }
  return { ...result, gradients: recordFromFlat(specs, sum) };
}

/** Watches a worker from its first moment on, so that one that died between two steps is not waited for. */
function deathOf(worker: Worker, name: string): Promise<never> {
  const death = new Promise<never>((_, reject) => {
    let why = '';
    worker.on('error', (error: Error) => {
      why = `: ${error.message}`;
    });
    worker.on('exit', (code) => reject(new TrainingError(`${name} ended with code ${code}${why}`)));
  });
  // A pool that is closed ends its workers, and nobody waits for them any more.
  death.catch(() => {});
  return death;
}

/** What a worker says next. Throws {@link TrainingError} with its reason when it is no more, or ends before. */
async function nextMessage<T>({ worker, death }: Member): Promise<T> {
  let onMessage: (message: unknown) => void = () => {};
  try {
    return await Promise.race([
      new Promise<T>((resolve) => {
        // Only our own worker sends on this channel.
        onMessage = (message) => resolve(message as T);
        worker.on('message', onMessage);
      }),
      death,
    ]);
  } finally {
    worker.off('message', onMessage);
  }
}
