// Where a training step goes: the time of every kind of kernel, with a timer around each call.
// usage: node bench/kernel-times.mjs [ARCH] [--batch N] [--meta VARIANT] [--shapes] [--json]
// With --meta it is a step of meta-training through a hypernetwork of that size.
import '@logah/backend-ort';
import { parseArgs } from 'node:util';
import { localGradients } from '@logah/ghn-trainer';
import { buildArchitecture, parseArchitecture } from '@logah/graph-ir';
import { createHypernet, hypernetPreset } from '@logah/hypernet';
import { classification } from '@logah/network';
import { createRandom } from '@logah/random';
import * as tf from '@tensorflow/tfjs-core';
import { duration, table } from './measure.mjs';
import { batchOf, networkStep } from './network-step.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    batch: { type: 'string', default: '32' },
    meta: { type: 'string' },
    shapes: { type: 'boolean' },
    json: { type: 'boolean' },
  },
});
const [architecture = 'vit:layers=8,heads=4,hidden=224,mlp=896,patch=4'] = positionals;
const BATCH = Number(values.batch);
const REPETITIONS = 5;
await tf.setBackend('ort');

/** Seconds and calls by kernel; a kernel that another one calls counts as the other's. */
const times = new Map();
let depth = 0;
for (const kernel of tf.getKernelsForBackend('ort')) {
  tf.unregisterKernel(kernel.kernelName, 'ort');
  tf.registerKernel({
    ...kernel,
    kernelFunc: (params) => {
      const start = performance.now();
      depth++;
      try {
        return kernel.kernelFunc(params);
      } finally {
        depth--;
        if (depth === 0) count(kernel.kernelName, params.inputs, (performance.now() - start) / 1000);
      }
    },
  });
}

function count(name, inputs, seconds) {
  const shapes = Object.values(inputs).map((input) => `[${input?.shape?.join(', ') ?? ''}]`);
  const key = values.shapes ? `${name} ${shapes.join(' ')}` : name;
  const before = times.get(key) ?? { seconds: 0, calls: 0 };
  times.set(key, { seconds: before.seconds + seconds, calls: before.calls + 1 });
}

/** Loss and gradients of a hypernetwork for the network, without the update. */
function metaStep(variant) {
  const random = createRandom(0);
  const hypernet = createHypernet(hypernetPreset(variant), random);
  const gradients = localGradients(classification, { predictedParameterRegularization: 0 });
  const networks = [{ architecture: parseArchitecture(architecture), seed: 0 }];
  return async () => {
    const batch = batchOf(random, BATCH);
    const result = await gradients(hypernet, networks, batch);
    tf.dispose(Object.values(result.gradients));
    tf.dispose([batch.inputs, batch.labels]);
  };
}

const graph = buildArchitecture(parseArchitecture(architecture));
const step = values.meta === undefined ? networkStep(graph, createRandom(0), BATCH) : metaStep(values.meta);
await step();
await step();
times.clear();
const start = performance.now();
for (let i = 0; i < REPETITIONS; i++) await step();
const seconds = (performance.now() - start) / 1000 / REPETITIONS;
const rows = [...times]
  .map(([kernel, total]) => ({ kernel, seconds: total.seconds / REPETITIONS, calls: total.calls / REPETITIONS }))
  .sort((a, b) => b.seconds - a.seconds);
const outside = seconds - rows.reduce((sum, row) => sum + row.seconds, 0);
if (values.json) console.log(JSON.stringify({ architecture, batch: BATCH, seconds, outside, kernels: rows }, null, 2));
else {
  const shown = [...rows.slice(0, 16), { kernel: 'outside of kernels', seconds: outside, calls: '' }];
  console.log(`${architecture}, ${BATCH} images: ${duration(seconds)} a step\n`);
  console.log(
    table(
      ['kernel', 'time', 'share', 'calls'],
      shown.map((row) => [
        row.kernel,
        duration(row.seconds),
        `${((100 * row.seconds) / seconds).toFixed(1)} %`,
        `${row.calls}`,
      ]),
    ),
  );
}
