// A training step of ours and of PyTorch on the same machine: a network by itself, and meta-training through LoGAH-Tiny.
// usage: node bench/training-step.mjs [--python PATH] [--json]     (PyTorch is optional: without it only our times are shown)
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { fallbackCounts } from '@logah/backend-ort';
import { initTrainer, localGradients, train } from '@logah/ghn-trainer';
import { createWorkerPool } from '@logah/ghn-trainer/node';
import { buildArchitecture, parseArchitecture } from '@logah/graph-ir';
import { createHypernet, hypernetParameters, hypernetPreset, lowerFor } from '@logah/hypernet';
import { classification } from '@logah/network';
import { createRandom } from '@logah/random';
import * as tf from '@tensorflow/tfjs-core';
import { median, secondsOf } from './measure.mjs';
import { batchOf, networkStep } from './network-step.mjs';
import { peerGraph } from './peer-graph.mjs';

const { values } = parseArgs({
  options: { python: { type: 'string', default: 'python3' }, json: { type: 'boolean' } },
});
const REPETITIONS = 5;
const BATCH = 32;
await tf.setBackend('ort');

/** A step's seconds, after one that does not count. */
const stepSeconds = (step, options = { repetitions: REPETITIONS, warmUp: 1 }) => secondsOf(step, options);

const random = createRandom(0);

const HYPERNET = hypernetPreset('tiny');
const GAMMA = 3e-5;

/** Steps of the trainer itself, one architecture again and again. */
function metaStep(architecture, metaBatch, gradients) {
  const config = {
    seed: 0,
    metaBatch,
    batch: BATCH,
    epochs: 1,
    stepsPerEpoch: 1000,
    learningRate: 3e-4,
    warmupEpochs: 0,
    warmupFrom: 0,
    weightDecay: 0.01,
    gradientClip: 5,
    predictedParameterRegularization: GAMMA,
  };
  const data = { length: BATCH, batch: () => batchOf(random, BATCH) };
  const state = initTrainer(createHypernet(HYPERNET, createRandom(0)));
  const events = train({ config, state, architectures: () => architecture, data, task: classification, gradients });
  return () => events.next();
}

function peer(task, architecture, extra = {}) {
  const graph = buildArchitecture(architecture);
  const request = {
    task,
    vit: architecture,
    batch: BATCH,
    threads: 2,
    repetitions: REPETITIONS,
    parameters: graph.parameters.map(({ name, shape }) => [name, shape]),
    ...extra,
  };
  const { status, stdout } = spawnSync(values.python, [new URL('peer.py', import.meta.url).pathname], {
    input: JSON.stringify(request),
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  });
  return status === 0 ? JSON.parse(stdout) : undefined;
}

const rows = [];
async function compare(name, ours, theirs, options) {
  const before = theirs?.();
  const seconds = await stepSeconds(ours, options);
  const after = theirs?.();
  const peerSeconds = before && after ? median([...before.seconds, ...after.seconds]) : undefined;
  rows.push({ name, seconds, peerSeconds, ratio: peerSeconds && seconds / peerSeconds });
}

const NETWORK = parseArchitecture('vit:layers=8,heads=4,hidden=224,mlp=896,patch=4');
const SMALL = parseArchitecture('vit:layers=3,heads=4,hidden=64,mlp=256,patch=8');
const VIT_S = parseArchitecture('vit-s:patch=4');
const meta = (architecture) => {
  const hypernet = createHypernet(HYPERNET, createRandom(0));
  const graph = peerGraph(lowerFor(hypernet, buildArchitecture(architecture)), HYPERNET);
  tf.dispose(Object.values(hypernet.parameters));
  return {
    hypernet: HYPERNET,
    hypernetParameters: hypernetParameters(HYPERNET).map(({ name, shape }) => [name, shape]),
    graph,
  };
};

await compare(
  'ViT-S (21M, patch 4), batch 32: a training step',
  networkStep(buildArchitecture(VIT_S), random, BATCH),
  () => peer('network', VIT_S),
);
await compare(
  'VITS-1K network (4.9M, patch 4), batch 32: a training step',
  networkStep(buildArchitecture(NETWORK), random, BATCH),
  () => peer('network', NETWORK),
);
// Bound by calls: hundreds of kernels of some ten microseconds each.
await compare(
  'a small ViT (3 layers, width 64, 17 tokens), batch 32: a training step',
  networkStep(buildArchitecture(SMALL), random, BATCH),
  () => peer('network', SMALL, { repetitions: 50 }),
  { repetitions: 50, warmUp: 10 },
);
const extra = meta(NETWORK);
await compare(
  'LoGAH-Tiny meta-training on it, one network a step',
  metaStep(NETWORK, 1, localGradients(classification, { predictedParameterRegularization: GAMMA })),
  () => peer('meta', NETWORK, extra),
);
const pool = await createWorkerPool({
  workers: 2,
  backendUrl: import.meta.resolve('@logah/backend-ort'),
  backend: 'ort',
  hypernet: HYPERNET,
  task: 'classification',
  predictedParameterRegularization: GAMMA,
});
const one = rows.at(-1);
const four = await stepSeconds(metaStep(NETWORK, 4, pool.gradients));
await pool.close();
rows.push({
  name: 'the same, four networks a step on two workers (PyTorch: four times one network)',
  seconds: four,
  peerSeconds: one.peerSeconds && 4 * one.peerSeconds,
  ratio: one.peerSeconds && four / (4 * one.peerSeconds),
});

if (values.json) console.log(JSON.stringify({ rows, fallbacks: fallbackCounts() }, null, 2));
else {
  const show = (x, digits) => (x === undefined ? '–' : x.toFixed(digits));
  for (const { name, seconds, peerSeconds, ratio } of rows)
    console.log(`${name}: ${show(seconds, 3)} s, PyTorch ${show(peerSeconds, 3)} s, ratio ${show(ratio, 2)}`);
  if (rows[0].peerSeconds === undefined)
    console.log(`(no PyTorch at ${values.python}: --python PATH names another interpreter)`);
}
