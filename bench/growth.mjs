// How the cost of each part grows with what it is given: nodes, width, rank, batch, workers.
// usage: node bench/growth.mjs     (prints JSON)
import '@logah/backend-ort';
import { vits1k } from '@logah/arch-datasets';
import { localGradients } from '@logah/ghn-trainer';
import { createWorkerPool } from '@logah/ghn-trainer/node';
import { buildArchitecture, estimateCost, parseArchitecture, toComputationalGraph } from '@logah/graph-ir';
import { createHypernet, disposeHypernet, embedNodes, hypernetPreset, lowerFor, predict } from '@logah/hypernet';
import { classification, networkGradients, randomParameters } from '@logah/network';
import { createRandom } from '@logah/random';
import * as tf from '@tensorflow/tfjs-core';
import { secondsOf } from './measure.mjs';

await tf.setBackend('ort');
const architecture = (text) => buildArchitecture(parseArchitecture(text));
const series = [];

/** `run` at every size; ratios are to the first. `operations` are floating-point operations of one run. */
async function grow({ part, what, sizes, unit }, prepare) {
  const points = [];
  for (const size of sizes) {
    const { run, operations, label = size, done = () => {}, options } = await prepare(size);
    const seconds = await secondsOf(run, options);
    await done();
    points.push({ size: label, seconds, ratio: seconds / (points[0]?.seconds ?? seconds), operations });
  }
  series.push({ part, what, unit, points });
}

const gpt2 = (layers) => architecture(`gpt2:layers=${layers},heads=12,hidden=768`);
await grow(
  { part: 'graph-ir', what: 'GPT-2 to a computational graph with all distances', unit: 'nodes', sizes: [12, 24, 48] },
  (layers) => {
    const graph = gpt2(layers);
    return { run: () => toComputationalGraph(graph), label: toComputationalGraph(graph).nodes.length };
  },
);
await grow(
  { part: 'graphormer', what: 'GPT-2 encoded by LoGAH-Tiny', unit: 'nodes', sizes: [12, 24, 48] },
  (layers) => {
    const hypernet = createHypernet(hypernetPreset('tiny', { domain: 'language' }), createRandom(0));
    const lowered = lowerFor(hypernet, gpt2(layers));
    return {
      run: () => embedNodes(hypernet, lowered).dispose(),
      label: lowered.nodes.length,
      done: () => disposeHypernet(hypernet),
    };
  },
);
await grow({ part: 'hypernet', what: 'GPT-2 predicted', unit: 'rank', sizes: [16, 32, 64, 128] }, (rank) => {
  const hypernet = createHypernet(hypernetPreset('tiny', { domain: 'language', rank }), createRandom(0));
  const graph = architecture('gpt2');
  const run = async () => {
    for await (const tensor of predict(hypernet, graph, { reuseMemory: true })) void tensor;
  };
  return { run, done: () => disposeHypernet(hypernet), options: { repetitions: 3, warmUp: 1 } };
});

/** A forward and a backward pass: three times the products of a forward pass. */
function gradients(graph, batch) {
  const random = createRandom(0);
  const parameters = randomParameters(graph, random);
  const inputs = tf.tensor4d(random.normals(batch * 3072, 0, 1), [batch, 3, 32, 32]);
  const labels = tf.zeros([batch], 'int32');
  return {
    run: async () => {
      const { gradients } = await networkGradients(graph, parameters, { inputs, labels }, classification);
      tf.dispose(Object.values(gradients));
    },
    done: () => tf.dispose([inputs, labels, ...Object.values(parameters)]),
    operations: 3 * estimateCost(graph, { batch }).flops,
  };
}
await grow(
  { part: 'network', what: 'gradients of a ViT of 4 layers, 32 images', unit: 'width', sizes: [128, 256, 512] },
  (width) => gradients(architecture(`vit:layers=4,heads=4,hidden=${width},mlp=${4 * width},patch=4`), 32),
);
await grow(
  { part: 'network', what: 'gradients of a ViT of 4 layers, width 256', unit: 'images', sizes: [8, 16, 32, 64] },
  (batch) => gradients(architecture('vit:layers=4,heads=4,hidden=256,mlp=1024,patch=4'), batch),
);
await grow({ part: 'network', what: 'gradients of ResNet-18, 32 pixels', unit: 'images', sizes: [4, 8, 16] }, (batch) =>
  gradients(architecture('resnet18:image=32,classes=10'), batch),
);

const config = hypernetPreset('tiny');
const hypernet = createHypernet(config, createRandom(0));
const random = createRandom(1);
const sampler = vits1k({ image: 32, patch: 4, classes: 10 });
const networks = Array.from({ length: 4 }, (_, seed) => ({ architecture: sampler(random), seed }));
const batch = {
  inputs: tf.tensor4d(random.normals(16 * 3072, 0, 1), [16, 3, 32, 32]),
  labels: tf.zeros([16], 'int32'),
};
const gamma = { predictedParameterRegularization: 3e-5 };
await grow(
  { part: 'ghn-trainer', what: 'gradients of a meta-batch of 4 VITS-1K networks', unit: 'workers', sizes: [0, 1, 2] },
  async (workers) => {
    const pool =
      workers === 0
        ? { gradients: localGradients(classification, gamma), close: () => {} }
        : await createWorkerPool({
            workers,
            backendUrl: import.meta.resolve('@logah/backend-ort'),
            backend: 'ort',
            hypernet: config,
            task: 'classification',
            ...gamma,
          });
    return {
      run: async () => tf.dispose(Object.values((await pool.gradients(hypernet, networks, batch)).gradients)),
      done: pool.close,
      label: workers === 0 ? 'none, all threads' : workers,
      options: { repetitions: 5, warmUp: 1 },
    };
  },
);
console.log(JSON.stringify(series));
