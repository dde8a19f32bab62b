// Training by tf.layers: an epoch of `model.fit` of a dense net and of a small convolutional one, on our backend and on others.
// usage: node bench/layers.mjs     (prints JSON)
import { fallbackCounts } from '@logah/backend-ort';
import '@logah/wasm-kernels';
import { createRandom } from '@logah/random';
import * as tf from '@tensorflow/tfjs-core';
import * as layers from '@tensorflow/tfjs-layers';
import { median } from './measure.mjs';

const BATCH = 32;
const SAMPLES = 4 * BATCH;

const dense = () => [
  layers.layers.flatten({ inputShape: [28, 28, 1] }),
  layers.layers.dense({ units: 512, activation: 'relu' }),
  layers.layers.dense({ units: 512, activation: 'relu' }),
  layers.layers.dense({ units: 10, activation: 'softmax' }),
];
const convolutional = () => [
  layers.layers.conv2d({ inputShape: [28, 28, 1], filters: 16, kernelSize: 3, activation: 'relu' }),
  layers.layers.batchNormalization(),
  layers.layers.maxPooling2d({ poolSize: 2 }),
  layers.layers.separableConv2d({ filters: 32, kernelSize: 3, activation: 'relu' }),
  layers.layers.maxPooling2d({ poolSize: 2 }),
  layers.layers.flatten(),
  layers.layers.dense({ units: 64, activation: 'relu' }),
  layers.layers.dense({ units: 10, activation: 'softmax' }),
];

/** Seconds of an epoch after one that does not count: the median. */
async function epochSeconds(backend, parts, epochs) {
  await tf.setBackend(backend);
  const model = layers.sequential({ layers: parts() });
  model.compile({ optimizer: tf.train.adam(1e-3), loss: 'categoricalCrossentropy', metrics: ['accuracy'] });
  const images = tf.tensor4d(createRandom(0).normals(SAMPLES * 784, 0, 1), [SAMPLES, 28, 28, 1]);
  const labels = tf.oneHot(
    tf.tensor1d(
      Int32Array.from({ length: SAMPLES }, (_, i) => i % 10),
      'int32',
    ),
    10,
  );
  const seconds = [];
  let start = performance.now();
  await model.fit(images, labels, {
    ...{ batchSize: BATCH, epochs: epochs + 1, verbose: 0, shuffle: false, yieldEvery: 'never' },
    callbacks: {
      onEpochEnd: () => {
        seconds.push((performance.now() - start) / 1000);
        start = performance.now();
      },
    },
  });
  tf.dispose([images, labels]);
  model.dispose();
  return median(seconds.slice(1));
}

const rows = [];
for (const [what, parts] of [
  ['model.fit of a dense net (784-512-512-10), 128 samples', dense],
  ['model.fit of a small convolutional net with batch norm, 128 samples', convolutional],
]) {
  const seconds = await epochSeconds('ort', parts, 7);
  for (const [backend, baseline] of [
    ['wasm', 'the wasm backend with wasm-kernels'],
    ['cpu', "tfjs's own cpu backend"],
  ]) {
    // Not every backend has the gradients of every layer.
    const baselineSeconds = await epochSeconds(backend, parts, 2).catch(
      (error) => void console.error(`${backend}: ${error.message}`),
    );
    if (baselineSeconds !== undefined)
      rows.push({ part: 'backend-ort', what, baseline, seconds, baselineSeconds, ratio: baselineSeconds / seconds });
  }
}
console.error('in JavaScript on ort:', fallbackCounts());
console.log(JSON.stringify(rows));
