// Gradients of a meta-batch of 4 on one thread and on two workers: LoGAH-Tiny, VITS-1K networks at patch 4, 16 images.
import '@logah/backend-ort';
import { vits1k } from '@logah/arch-datasets';
import { setThreadsCount } from '@logah/backend-ort';
import { localGradients } from '@logah/ghn-trainer';
import { createWorkerPool } from '@logah/ghn-trainer/node';
import { createHypernet, hypernetPreset } from '@logah/hypernet';
import { classification } from '@logah/network';
import { createRandom } from '@logah/random';
import * as tf from '@tensorflow/tfjs-core';
import { bench, describe } from 'vitest';

setThreadsCount(1);
await tf.setBackend('ort');
const config = hypernetPreset('tiny');
const hypernet = createHypernet(config, createRandom(0));
const random = createRandom(1);
const sampler = vits1k({ image: 32, patch: 4, classes: 10 });
const networks = Array.from({ length: 4 }, (_, seed) => ({ architecture: sampler(random), seed }));
const batch = {
  inputs: tf.tensor4d(random.normals(16 * 3072, 0, 1), [16, 3, 32, 32]),
  labels: tf.tensor1d(
    Int32Array.from({ length: 16 }, (_, i) => i % 10),
    'int32',
  ),
};
const gamma = { predictedParameterRegularization: 3e-5 };
const local = localGradients(classification, gamma);
const pool = await createWorkerPool({
  workers: 2,
  backendUrl: import.meta.resolve('@logah/backend-ort'),
  backend: 'ort',
  hypernet: config,
  task: 'classification',
  ...gamma,
});
const options = { iterations: 5, warmupIterations: 1, time: 0, warmupTime: 0 };

describe('gradients of a meta-batch of 4', () => {
  bench(
    'one thread',
    async () => tf.dispose(Object.values((await local(hypernet, networks, batch)).gradients)),
    options,
  );
  bench(
    'two workers',
    async () => tf.dispose(Object.values((await pool.gradients(hypernet, networks, batch)).gradients)),
    options,
  );
});
