// A worker of a comparison: a process with its own backend and data that makes one run after the other.
import { type Dataset, readDataset } from '@logah/data/node';
import { messageOf } from '@logah/files';
import * as tf from '@tensorflow/tfjs-core';
import { runJob } from './job.js';
import type { WorkerReply, WorkerRequest, WorkerSetup } from './worker-messages.js';

// Ctrl-C reaches every process of a terminal, and SIGTERM often every process of a group: the comparison decides what it means. Without it a worker has nothing to do.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});
process.on('disconnect', () => process.exit());
process.once('message', (setup: WorkerSetup) => {
  start(setup).catch(fail);
});

const send = (reply: WorkerReply): void => {
  process.send?.(reply);
};
const fail = (error: unknown): void => send({ type: 'error', message: messageOf(error) });
// What nobody caught is told like any other failure, and then the process cannot be trusted.
process.on('uncaughtException', (error) => {
  fail(error);
  process.disconnect?.();
});

async function start({ backendUrl, backend, isShared, data: options }: WorkerSetup): Promise<void> {
  const module: { setThreadsCount?: (count: number) => void } = await import(backendUrl);
  if (isShared) module.setThreadsCount?.(1);
  await tf.setBackend(backend);
  await tf.ready();
  const data: Dataset = await readDataset(options);
  process.on('message', (job: WorkerRequest) => {
    runJob(job, data, {
      onStep: (step, steps) => send({ type: 'step', step, steps }),
      onNote: (text) => send({ type: 'note', text }),
    })
      .then((run) => send({ type: 'done', run }))
      .catch(fail);
  });
  send({ type: 'ready' });
}
