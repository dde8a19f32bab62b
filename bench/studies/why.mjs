// Which roles carry what a predicted start gains, how the loss goes from start to trained network, and what the size of
// a positional encoding alone gives.
import { barChart, lineChart } from '@logah/charts';
import { buildArchitecture, parseArchitecture } from '@logah/graph-ir';
import { startRandom } from '@logah/init-eval';
import { classification, evaluateNetwork } from '@logah/network';
import * as tf from '@tensorflow/tfjs-core';
import { imageSettings, metaTrain, scheduleOf } from './meta-training.mjs';
import { dataset, initializerOf, repeated, startParameters, trainingOf, tuned } from './networks.mjs';
import { kept, round } from './store.mjs';
import { COLORS, finalOf, percent, share, spread } from './text.mjs';

const ARCHITECTURE = 'vit:layers=3,heads=4,hidden=48,mlp=192,patch=8';
const PREDICTED = 'template:vits-small-cifar10';
const BASELINE = 'mimetic:position=1.5';

/** Parts of a ViT by the roles that make them. */
const PARTS = {
  'patch embedding': ['patch_embedding'],
  'position and class token': ['position', 'class_token'],
  attention: ['attention_qkv', 'attention_out'],
  MLP: ['mlp_in', 'mlp_out'],
  norms: ['norm_gain', 'norm_bias'],
  head: ['head'],
};
const ALL_ROLES = Object.values(PARTS).flat();

/** Places on the line from a start (0) to the network that was trained from it (1). */
const PLACES = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1];

export const why = {
  title: 'Which roles carry the gain',
  async run({ folder, options }) {
    const data = { ...options.images, skipSamples: 40000, trainSamples: options.trainSamples };
    const common = { architecture: ARCHITECTURE, data, epochs: options.epochs, batch: 64 };
    const compare = (start) => repeated(folder, { ...common, start }, options);
    const parts = [];
    for (const [part, roles] of [['none', []], ...Object.entries(PARTS), ['all', ALL_ROLES]]) {
      const rest = ALL_ROLES.filter((role) => !roles.includes(role));
      const graft = (taken) =>
        taken.length === 0
          ? BASELINE
          : taken === ALL_ROLES || taken.length === ALL_ROLES.length
            ? PREDICTED
            : { base: BASELINE, donor: PREDICTED, roles: taken };
      parts.push({ part, only: await compare(graft(roles)), without: await compare(graft(rest)) });
    }
    const lines = [];
    for (const start of [BASELINE, PREDICTED])
      lines.push(await line(folder, { ...common, start, rate: Math.max(...options.rates), seed: 0 }));
    const logah = {
      ...imageSettings(data.dataDir),
      ...scheduleOf(options.longSteps),
      variant: 'tiny',
      lr: 1e-3,
    };
    const metaTraining = await metaTrain(folder, logah);
    const predicted = { meta: logah, kind: 'logah' };
    const size = await positionSize(folder, predicted);
    const positions = [];
    for (const [name, start] of [
      ['RandInit', 'random'],
      ['LoGAH', predicted],
      ['LoGAH, with a draw of RandInit added', { ...predicted, modifiers: '+random' }],
      ['RandInit, positional encoding from LoGAH', { base: 'random', donor: predicted, roles: ['position'] }],
      [
        `RandInit, positional encoding drawn as large (${size.toPrecision(2)})`,
        `random:position=${size.toPrecision(2)}`,
      ],
      ['LoGAH, positional encoding as RandInit draws it', { base: predicted, donor: 'random', roles: ['position'] }],
    ])
      positions.push({ name, runs: await tuned(folder, { ...common, start }, options) });
    return { architecture: ARCHITECTURE, parts, lines, metaTraining, positionDeviation: round(size), positions };
  },
  tables({ parts, positions }) {
    const gain = (runs) =>
      share(
        finalOf(runs).mean - finalOf(parts[0].only).mean,
        finalOf(parts[parts.length - 1].only).mean - finalOf(parts[0].only).mean,
      );
    return {
      parts: {
        head: [
          'part',
          'only this predicted: untrained',
          'trained',
          'share of the gain',
          'all but this predicted: untrained',
          'trained',
          'share of the gain',
        ],
        rows: parts.map(({ part, only, without }) => [
          part,
          spread(only, 0),
          spread(only),
          gain(only),
          spread(without, 0),
          spread(without),
          gain(without),
        ]),
      },
      positions: {
        head: ['start', 'rate', 'untrained', 'trained'],
        rows: positions.map(({ name, runs }) => [name, String(runs[0].settings.rate), spread(runs, 0), spread(runs)]),
      },
    };
  },
  pictures({ parts, lines }) {
    const shown = parts.slice(1, -1);
    const bars = (name, color, key) => ({
      name,
      color,
      values: shown.map((row) => finalOf(row[key]).mean),
      deviations: shown.map((row) => finalOf(row[key]).std),
    });
    return {
      why: barChart(
        { title: 'Accuracy after training, by the part that is predicted', x: '', y: 'accuracy' },
        shown.map(({ part }) => part),
        [
          bars('only this part predicted', COLORS[0], 'only'),
          bars('all but this part predicted', COLORS[1], 'without'),
        ],
      ),
      'why-line': lineChart(
        { title: 'Test loss along the line from start to trained network', x: 'part of the way', y: 'loss' },
        lines.map(({ settings: { start }, result }, i) => ({
          name: start,
          color: COLORS[i],
          points: result.map(({ place, loss }) => [place, loss]),
        })),
      ),
    };
  },
  summary: ({ lines }) =>
    lines.map(
      ({ settings, result }) =>
        `${settings.start}: ${result.map(({ loss, accuracy }) => `${loss.toPrecision(3)}/${percent(accuracy)}`).join(' ')}`,
    ),
};

/** Test loss and accuracy along the line from a start to what training makes of it. */
const line = (folder, settings) =>
  kept(folder, 'line', settings, async () => {
    const graph = buildArchitecture(parseArchitecture(settings.architecture));
    const data = await dataset(settings.data);
    const start = await startParameters(folder, settings.start, graph, settings.seed);
    const copy = Object.fromEntries(Object.entries(start).map(([name, tensor]) => [name, tensor.clone()]));
    const scores = [];
    for await (const { score, state } of trainingOf(graph, data, start, settings)) {
      if (score.epoch < settings.epochs) continue;
      for (const place of PLACES) {
        const between = Object.fromEntries(
          Object.entries(copy).map(([name, from]) => [
            name,
            tf.tidy(() => tf.add(tf.mul(from, 1 - place), tf.mul(state.parameters[name], place))),
          ]),
        );
        const { loss, accuracy } = await evaluateNetwork(graph, between, data.test, classification, settings.batch);
        tf.dispose(Object.values(between));
        scores.push({ place, loss: round(loss), accuracy: round(accuracy) });
      }
    }
    tf.dispose(Object.values(copy));
    return scores;
  });

/** The root mean square of the positional encoding that a start gives, class token's row left out. */
async function positionSize(folder, start) {
  const graph = buildArchitecture(parseArchitecture(ARCHITECTURE));
  const parameters = await (await initializerOf(folder, start))(graph, startRandom(0));
  const { shape } = parameters['encoder.pos_embedding'];
  const size = tf.tidy(() => {
    const patches = tf.slice(parameters['encoder.pos_embedding'], [0, 1, 0], [1, shape[1] - 1, shape[2]]);
    return tf.sqrt(tf.mean(tf.square(patches))).dataSync()[0];
  });
  tf.dispose(Object.values(parameters));
  return size;
}
