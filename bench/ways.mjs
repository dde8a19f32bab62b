// One way against another: what was done to make each part faster, next to how it would be without.
// usage: node bench/ways.mjs     (prints JSON)
import '@logah/backend-ort';
import '@logah/wasm-kernels';
import '@tensorflow/tfjs-backend-cpu';
import { buildArchitecture, parseArchitecture } from '@logah/graph-ir';
import { createHypernet, hypernetPreset, predict } from '@logah/hypernet';
import { decodeCodes, embeddingsToCodes, lowRankDecoderParameters } from '@logah/lowrank-decoder';
import { classification, networkGradients, randomParameters } from '@logah/network';
import { createRandom } from '@logah/random';
import { linear } from '@logah/tensor-ops';
import * as tf from '@tensorflow/tfjs-core';
import { compare, secondsOf } from './measure.mjs';

const rows = [];
const add = (part, what, baseline, result) => rows.push({ part, what, baseline, ...result });

await tf.setBackend('ort');

// A matrix of 1280×1280 from a node: the rows of A and B that it needs, or all of them, as the reference does.
const decoder = { dim: 64, rank: 32, maxRows: 2048 * 16 };
const random = createRandom(0);
const parameters = Object.fromEntries(
  lowRankDecoderParameters(decoder).map(({ name, shape, initial }) => [name, tf.tensor(initial(random), [...shape])]),
);
const codes = embeddingsToCodes(parameters, tf.tensor2d(random.normals(64, 0, 1), [1, 64]), decoder);
const allRows = () =>
  tf.tidy(() => {
    const { rank, maxRows } = decoder;
    const spread = linear(codes, parameters['decoder.l2.weight'], parameters['decoder.l2.bias']);
    const factors = tf.reshape(spread, [2 * maxRows, rank]);
    return tf.matMul(
      tf.slice(factors, [0, 0], [1280, rank]),
      tf.slice(factors, [maxRows, 0], [1280, rank]),
      false,
      true,
    );
  });
add(
  'lowrank-decoder',
  'a tensor of 1280×1280',
  'all rows of A and B',
  await compare(
    () => decodeCodes(parameters, codes, [1280, 1280, 1, 1], decoder).dispose(),
    () => allRows().dispose(),
  ),
);

// GPT-2 as a stream: one memory for all tensors, or fresh memory for each.
const language = createHypernet(hypernetPreset('tiny', { domain: 'language' }), createRandom(0));
const gpt2 = buildArchitecture(parseArchitecture('gpt2'));
const stream = (reuseMemory) => async () => {
  for await (const tensor of predict(language, gpt2, { reuseMemory })) void tensor;
};
add(
  'hypernet',
  'GPT-2 predicted into one memory',
  'fresh memory for each tensor',
  await compare(stream(true), stream(false), { repetitions: 3, warmUp: 1 }),
);

// The gradients of a small ViT on each backend.
const graph = buildArchitecture(parseArchitecture('vit:layers=4,heads=3,hidden=192,mlp=768,patch=4'));
async function gradientsOn(backend, options) {
  await tf.setBackend(backend);
  const own = randomParameters(graph, createRandom(0));
  const batch = {
    inputs: tf.tensor4d(createRandom(1).normals(16 * 3072, 0, 1), [16, 3, 32, 32]),
    labels: tf.zeros([16], 'int32'),
  };
  const run = async () => {
    const { gradients } = await networkGradients(graph, own, batch, classification);
    await gradients['heads.head.bias'].data();
    tf.dispose(Object.values(gradients));
  };
  const seconds = await secondsOf(run, options);
  tf.dispose([batch.inputs, batch.labels, ...Object.values(own)]);
  return seconds;
}
const native = await gradientsOn('ort');
for (const [backend, name] of [
  ['wasm', 'the wasm backend with wasm-kernels'],
  ['cpu', "tfjs's own cpu backend"],
]) {
  const baselineSeconds = await gradientsOn(backend, { repetitions: 3, warmUp: 1 });
  add('backend-ort', 'gradients of a ViT of 4 layers, width 192, 16 images', name, {
    seconds: native,
    baselineSeconds,
    ratio: baselineSeconds / native,
  });
}
console.log(JSON.stringify(rows));
