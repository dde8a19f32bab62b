// A gradient worker: a process with its own backend that computes its share of each meta-batch.
import { parseArchitecture } from '@logah/graph-ir';
import { type Hypernet, type HypernetConfig, hypernetParameters } from '@logah/hypernet';
import { classification, languageModelling } from '@logah/network';
import * as tf from '@tensorflow/tfjs-core';
import { localGradients, type MetaGradients } from './train.js';
import type { PlainTensor, WorkerReply, WorkerRequest, WorkerSetup } from './worker-messages.js';

const TASKS = { classification, languageModelling } as const;

// Ctrl-C reaches every process of a terminal: the trainer decides what it means. Without the trainer a worker has nothing to do.
process.on('SIGINT', () => {});
process.on('disconnect', () => process.exit());
process.once('message', (setup: WorkerSetup) => {
  start(setup).catch((error: unknown) => send({ error: describe(error) }));
});

const send = (reply: WorkerReply | 'ready'): void => {
  process.send?.(reply);
};
const describe = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error));

async function start(setup: WorkerSetup): Promise<void> {
  const backend: { setThreadsCount?: (count: number) => void } = await import(setup.backendUrl);
  // The workers are the parallelism: more threads in each would only compete.
  backend.setThreadsCount?.(1);
  await tf.setBackend(setup.backend);
  await tf.ready();
  const gradients = localGradients(TASKS[setup.task], setup);
  process.on('message', (request: WorkerRequest) => {
    compute(request, setup.hypernet, gradients)
      .catch((error: unknown): WorkerReply => ({ error: describe(error) }))
      .then(send);
  });
  send('ready');
}

async function compute(
  { parameters, networks, inputs, labels }: WorkerRequest,
  config: HypernetConfig,
  gradientsOf: MetaGradients,
): Promise<WorkerReply> {
  const specs = hypernetParameters(config);
  const hypernet = hypernetFrom(config, specs, parameters);
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

function hypernetFrom(
  config: HypernetConfig,
  specs: ReturnType<typeof hypernetParameters>,
  parameters: Float32Array,
): Hypernet {
  let at = 0;
  const entries = specs.map(({ name, shape }) => {
    const size = shape.reduce((product, n) => product * n, 1);
    const values = parameters.slice(at, at + size);
    at += size;
    return [name, tf.tensor(values, [...shape])] as const;
  });
  return { config, parameters: Object.fromEntries(entries) };
}

const tensorOf = ({ shape, values }: PlainTensor): tf.Tensor =>
  tf.tensor(values, [...shape], values instanceof Int32Array ? 'int32' : 'float32');
