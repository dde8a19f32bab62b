// A gradient worker: a thread with its own backend that computes its share of each meta-batch.
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '@logah/files';
import { parseArchitecture } from '@logah/graph-ir';
import { type Hypernet, hypernetParameters } from '@logah/hypernet';
import { classification, languageModelling } from '@logah/network';
import * as tf from '@tensorflow/tfjs-core';
import { recordFromFlat, writeFlat } from './flat.js';
import { localGradients, type MetaGradients } from './train.js';
import type { PlainTensor, WorkerData, WorkerReply, WorkerRequest } from './worker-messages.js';

const TASKS = { classification, languageModelling } as const;

const setup: WorkerData = workerData;
const send = (reply: WorkerReply | 'ready'): void => {
  parentPort?.postMessage(reply);
};
start().catch((error: unknown) => send({ error: messageOf(error) }));

async function start(): Promise<void> {
  const backend: { setThreadsCount?: (count: number) => void } = await import(setup.backendUrl);
  // The workers are the parallelism: more threads in each would only compete.
  backend.setThreadsCount?.(1);
  await tf.setBackend(setup.backend);
  await tf.ready();
  const gradients = localGradients(TASKS[setup.task], setup);
  parentPort?.on('message', (request: WorkerRequest) => {
    compute(request, gradients)
      .catch((error: unknown): WorkerReply => ({ error: messageOf(error) }))
      .then(send);
  });
  send('ready');
}

async function compute({ networks, inputs, labels }: WorkerRequest, gradientsOf: MetaGradients): Promise<WorkerReply> {
  const specs = hypernetParameters(setup.hypernet);
  const hypernet: Hypernet = { config: setup.hypernet, parameters: recordFromFlat(specs, setup.parameters) };
  const batch = { inputs: tensorOf(inputs), labels: tensorOf(labels) };
  const drawn = networks.map(({ architecture, seed }) => ({ architecture: parseArchitecture(architecture), seed }));
  const { gradients, ...result } = await gradientsOf(hypernet, drawn, batch);
  await writeFlat(specs, gradients, setup.gradients);
  tf.dispose([batch.inputs, batch.labels, Object.values(gradients), Object.values(hypernet.parameters)]);
  return result;
}

const tensorOf = ({ shape, values }: PlainTensor): tf.Tensor =>
  tf.tensor(values, [...shape], values instanceof Int32Array ? 'int32' : 'float32');
