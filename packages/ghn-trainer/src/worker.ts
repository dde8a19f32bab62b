// A gradient worker: a thread with its own backend that computes its share of each meta-batch.
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '@logah/files';
import { parseArchitecture } from '@logah/graph-ir';
import { type Hypernet, type HypernetConfig, hypernetParameters } from '@logah/hypernet';
import { classification, languageModelling } from '@logah/network';
import * as tf from '@tensorflow/tfjs-core';
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
  const hypernet = hypernetFrom(setup.hypernet, specs, setup.parameters);
  const batch = { inputs: tensorOf(inputs), labels: tensorOf(labels) };
  const drawn = networks.map(({ architecture, seed }) => ({ architecture: parseArchitecture(architecture), seed }));
  const { gradients, ...result } = await gradientsOf(hypernet, drawn, batch);
  let at = 0;
  for (const { name } of specs) {
    const values = gradients[name].dataSync();
    setup.gradients.set(values, at);
    at += values.length;
  }
  tf.dispose([batch.inputs, batch.labels, Object.values(gradients), Object.values(hypernet.parameters)]);
  return result;
}

function hypernetFrom(
  config: HypernetConfig,
  specs: ReturnType<typeof hypernetParameters>,
  parameters: Float32Array,
): Hypernet {
  let at = 0;
  const entries = specs.map(({ name, shape }) => {
    const size = shape.reduce((product, n) => product * n, 1);
    // A copy: the backend may keep it, and the main thread writes the next parameters in place.
    const values = parameters.slice(at, at + size);
    at += size;
    return [name, tf.tensor(values, [...shape])] as const;
  });
  return { config, parameters: Object.fromEntries(entries) };
}

const tensorOf = ({ shape, values }: PlainTensor): tf.Tensor =>
  tf.tensor(values, [...shape], values instanceof Int32Array ? 'int32' : 'float32');
