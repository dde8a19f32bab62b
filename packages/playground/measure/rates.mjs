// Which learning rate each start of the page trains best at: judged by digits that the page neither shows nor trains on.
//
//   node packages/playground/measure/rates.mjs [--steps 20,100] [--rates 0.001,0.003] [--seeds 3] [--layers 3] [--width 48]
import '@logah/backend-ort';
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';
import { cardOf } from '@logah/checkpoints';
import { loadCheckpoint } from '@logah/checkpoints/node';
import { epochBatches, greyImages, imageSource, subset } from '@logah/data';
import { buildArchitecture, parseArchitecture } from '@logah/graph-ir';
import {
  closedFormInitializer,
  meanAndDeviation,
  predictedInitializer,
  startRandom,
  startState,
  trainNetwork,
} from '@logah/init-eval';
import { classification } from '@logah/network';
import { createRandom, deriveSeed } from '@logah/random';
import * as tf from '@tensorflow/tfjs-core';

const require = createRequire(import.meta.url);
const { values } = parseArgs({
  options: {
    steps: { type: 'string', default: '20,50,100' },
    rates: { type: 'string', default: '0.0003,0.001,0.003,0.01' },
    seeds: { type: 'string', default: '3' },
    layers: { type: 'string', default: '3' },
    width: { type: 'string', default: '48' },
  },
});
const numbers = (text) => text.split(',').map(Number);

/** As `build/digits.ts` divides them: the first 300 are shown on the page, the next 700 are held out as well. */
const [SHOWN, HELD_OUT, TRAINED] = [300, 1000, 2000];
const BATCH = 32;

function digits({ task }) {
  const pixels = [];
  const labels = [];
  for (let digit = 0; digit < 10; digit++) {
    const { data } = require(`mnist/src/digits/${digit}.json`);
    for (const value of data) pixels.push(Math.round(255 * value));
    for (let at = 0; at < data.length; at += 28 * 28) labels.push(digit);
  }
  const { image, mean, std } = task;
  const all = imageSource(
    {
      pixels: greyImages(Uint8Array.from(pixels), 28, 28, image),
      labels: Uint16Array.from(labels),
      height: image,
      width: image,
      classNames: Array.from({ length: 10 }, (_, digit) => String(digit)),
    },
    { mean, std },
  );
  const order = createRandom(0).shuffle(labels.map((_, index) => index));
  return {
    train: subset(all, order.slice(HELD_OUT, HELD_OUT + TRAINED)),
    judged: subset(all, order.slice(SHOWN, HELD_OUT)),
  };
}

await tf.setBackend('ort');
const card = cardOf('vits-digits');
const { train, judged } = digits(card);
const width = Number(values.width);
const graph = buildArchitecture(
  parseArchitecture(`vit:layers=${values.layers},heads=4,hidden=${width},mlp=${4 * width},patch=8,classes=10,image=32`),
);
const starts = {
  predicted: predictedInitializer(await loadCheckpoint(card.name)),
  mimetic: closedFormInitializer('mimetic', { position: 1.5 }),
  random: closedFormInitializer('random'),
};

async function accuracies(initializer, learningRate, steps, seed) {
  const recipe = {
    optimizer: { type: 'adamw', weightDecay: 1e-2 },
    learningRate,
    schedule: 'cosine',
    epochs: 1,
    batch: BATCH,
    seed,
  };
  const state = startState(recipe.optimizer, await initializer(graph, startRandom(seed)));
  const indices = [];
  for (let epoch = 0; indices.length < steps * BATCH; epoch++)
    indices.push(...epochBatches(train.length, BATCH, createRandom(deriveSeed(seed, epoch))).flat());
  // One epoch of as many samples as the steps want.
  const samples = subset(train, indices.slice(0, steps * BATCH));
  const found = [];
  for await (const { score } of trainNetwork({
    graph,
    task: classification,
    train: samples,
    test: judged,
    recipe,
    state,
  }))
    found.push(score.accuracy);
  return [found[0], found.at(-1)];
}

const seeds = Array.from({ length: Number(values.seeds) }, (_, seed) => seed);
const percent = (share) => (100 * share).toFixed(1);
for (const steps of numbers(values.steps)) {
  for (const [name, initializer] of Object.entries(starts)) {
    for (const rate of numbers(values.rates)) {
      const found = [];
      for (const seed of seeds) found.push(await accuracies(initializer, rate, steps, seed));
      const after = meanAndDeviation(found.map(([, share]) => share));
      const before = meanAndDeviation(found.map(([share]) => share));
      console.log(
        `${steps}\t${name}\t${rate}\t${percent(before.mean)}\t${percent(after.mean)} ± ${percent(after.std)}`,
      );
    }
  }
}
