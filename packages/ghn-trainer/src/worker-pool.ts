// Spreads the networks of a meta-batch over worker processes and averages their gradients. Processes and not threads: large tensors come and go all the time,
// and threads of one process wait for each other whenever its memory is mapped.
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { buildArchitecture, formatArchitecture, parameterCount } from '@logah/graph-ir';
import { type Hypernet, hypernetParameters } from '@logah/hypernet';
import * as tf from '@tensorflow/tfjs-core';
import { TrainingError } from './config.js';
import type { DrawnNetwork, MetaGradients } from './train.js';
import type { PlainTensor, WorkerReply, WorkerRequest, WorkerSetup } from './worker-messages.js';

export interface WorkerPoolOptions extends WorkerSetup {
  readonly workers: number;
}

export interface WorkerPool {
  /** For `train`: the same numbers as on one thread, but for the order in which gradients are added. */
  readonly gradients: MetaGradients;
  close(): Promise<void>;
}

/** Starts the workers and waits until they are ready. Throws {@link TrainingError} when one cannot start. */
export async function createWorkerPool({ workers: count, ...setup }: WorkerPoolOptions): Promise<WorkerPool> {
  const workers = Array.from({ length: count }, () =>
    fork(fileURLToPath(new URL('./worker.js', import.meta.url)), { serialization: 'advanced' }),
  );
  const close = async (): Promise<void> => {
    await Promise.all(workers.map(ended));
  };
  try {
    await Promise.all(
      workers.map(async (worker) => {
        const ready = nextMessage<WorkerReply | 'ready'>(worker);
        worker.send(setup);
        const reply = await ready;
        if (reply !== 'ready') throw new Error('error' in reply ? reply.error : 'it answered before it was asked');
      }),
    );
  } catch (cause) {
    await close();
    throw new TrainingError(
      `a gradient worker could not start: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
  const specs = hypernetParameters(setup.hypernet);
  const total = specs.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const parameters = new Float32Array(total);

  const gradients: MetaGradients = async (hypernet, networks, batch) => {
    writeParameters(hypernet, specs, parameters);
    const plain = (tensor: tf.Tensor): PlainTensor => ({
      shape: tensor.shape,
      values: tensor.dataSync<'float32' | 'int32'>().slice(),
    });
    const [inputs, labels] = [plain(batch.inputs), plain(batch.labels)];
    const shares = evenShares(networks, count).filter((share) => share.length > 0);
    const replies = await Promise.all(
      shares.map(async (share, i) => {
        const reply = nextMessage<WorkerReply>(workers[i]);
        const request: WorkerRequest = {
          parameters,
          networks: share.map(({ architecture, seed }) => ({ architecture: formatArchitecture(architecture), seed })),
          inputs,
          labels,
        };
        workers[i].send(request);
        return reply;
      }),
    );
    return averaged(
      replies,
      shares.map((share) => share.length / networks.length),
      specs,
      total,
    );
  };
  return { gradients, close };
}

/** The networks in `count` lists of about the same number of parameters: the largest first, each to the list that has least. */
function evenShares(networks: readonly DrawnNetwork[], count: number): DrawnNetwork[][] {
  const weighed = networks.map((network) => ({
    network,
    weight: parameterCount(buildArchitecture(network.architecture)),
  }));
  weighed.sort((a, b) => b.weight - a.weight);
  const shares = Array.from({ length: count }, () => ({ weight: 0, networks: [] as DrawnNetwork[] }));
  for (const { network, weight } of weighed) {
    const lightest = shares.reduce((least, share) => (share.weight < least.weight ? share : least));
    lightest.networks.push(network);
    lightest.weight += weight;
  }
  return shares.map((share) => share.networks);
}

type Specs = ReturnType<typeof hypernetParameters>;

const sizeOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

function writeParameters({ parameters }: Hypernet, specs: Specs, out: Float32Array): void {
  let at = 0;
  for (const { name, shape } of specs) {
    out.set(parameters[name].dataSync(), at);
    at += sizeOf(shape);
  }
}

function averaged(replies: readonly WorkerReply[], weights: readonly number[], specs: Specs, total: number) {
  const sum = new Float32Array(total);
  const result = { loss: 0, taskLoss: 0, accuracy: 0 };
  replies.forEach((reply, i) => {
    if ('error' in reply) throw new TrainingError(`a gradient worker failed: ${reply.error}`);
    for (let j = 0; j < total; j++) sum[j] += weights[i] * reply.gradients[j];
    result.loss += weights[i] * reply.loss;
    result.taskLoss += weights[i] * reply.taskLoss;
    result.accuracy += weights[i] * reply.accuracy;
  });
  let at = 0;
  const gradients = Object.fromEntries(
    specs.map(({ name, shape }) => {
      const size = sizeOf(shape);
      at += size;
      return [name, tf.tensor(sum.slice(at - size, at), [...shape])];
    }),
  );
  return { ...result, gradients };
}

/** Stops a worker, and waits until it is gone. */
function ended(worker: ChildProcess): Promise<void> {
  if (worker.exitCode !== null || worker.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    worker.once('exit', () => resolve());
    worker.kill();
  });
}

function nextMessage<T>(worker: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    const done = (): void => {
      worker.off('message', onMessage);
      worker.off('error', onError);
      worker.off('exit', onExit);
    };
    const onMessage = (message: unknown): void => {
      done();
      // Only our own worker sends on this channel.
      resolve(message as T);
    };
    const onError = (error: Error): void => {
      done();
      reject(error);
    };
    const onExit = (code: number | null): void => {
      done();
      reject(new Error(`it ended with code ${code}`));
    };
    worker.on('message', onMessage);
    worker.on('error', onError);
    worker.on('exit', onExit);
  });
}
