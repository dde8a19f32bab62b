// A gradient worker: a thread with its own backend that computes its share of each meta-batch.
import { parentPort, workerData } from 'node:worker_threads';
import { parseArchitecture } from '@logah/graph-ir';
import { type Hypernet, hypernetParameters } from '@logah/hypernet';
import { classification, languageModelling } from '@logah/network';
import * as tf from '@tensorflow/tfjs-core';
import { localGradients } from './train.js';
import type { PlainTensor, WorkerReply, WorkerRequest, WorkerSetup } from './worker-messages.js';

const TASKS = { classification, languageModelling } as const;

if (parentPort === null)
  throw new Error('worker.js is a worker thread of @logah/ghn-trainer; it does not run by itself');
const port = parentPort;
const setup: WorkerSetup = workerData;
const specs = hypernetParameters(setup.hypernet);
const gradientsOf = localGradients(TASKS[setup.task], setup);

start().catch((error: unknown) => {
  throw error;
});

async function start(): Promise<void> {
  const backend: { setThreadsCount?: (count: number) => void } = await import(setup.backendUrl);
  // The threads are the workers: more of them in each would only compete.
  backend.setThreadsCount?.(1);
  await tf.setBackend(setup.backend);
  await tf.ready();
  port.on('message', (request: WorkerRequest) => {
    compute(request)
      .catch(
        (error: unknown): WorkerReply => ({
          error: error instanceof Error ? (error.stack ?? error.message) : String(error),
        }),
      )
      .then((reply) => port.postMessage(reply));
  });
  port.postMessage('ready');
}

async function compute({ parameters, networks, inputs, labels }: WorkerRequest): Promise<WorkerReply> {
  const hypernet = hypernetFrom(parameters);
  const batch = { inputs: tensorOf(inputs), labels: tensorOf(labels) };
  const drawn = networks.map(({ architecture, seed }) => ({ architecture: parseArchitecture(architecture), seed }));
  const { gradients, ...result } = await gradientsOf(hypernet, drawn, batch);
  const flat = new Float32Array(parameters.length);
  let at = 0;
  for (const { name } of specs) {
    const values = gradients[name].dataSync();
    flat.set(values, at);
    at += values.length;
  }
  tf.dispose([batch.inputs, batch.labels, Object.values(gradients), Object.values(hypernet.parameters)]);
  return { ...result, gradients: flat };
}

function hypernetFrom(parameters: Float32Array): Hypernet {
  let at = 0;
  const entries = specs.map(({ name, shape }) => {
    const size = shape.reduce((product, n) => product * n, 1);
    const values = parameters.slice(at, at + size);
    at += size;
    return [name, tf.tensor(values, [...shape])] as const;
  });
  return { config: setup.hypernet, parameters: Object.fromEntries(entries) };
}

const tensorOf = ({ shape, values }: PlainTensor): tf.Tensor =>
  tf.tensor(values, [...shape], values instanceof Int32Array ? 'int32' : 'float32');
