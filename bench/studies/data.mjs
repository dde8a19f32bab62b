// How many images meta-training needs, whether a start knows them by heart, and what it is worth on other data.
import { lineChart } from '@logah/charts';
import { buildArchitecture, parseArchitecture } from '@logah/graph-ir';
import { startRandom } from '@logah/init-eval';
import * as tf from '@tensorflow/tfjs-core';
import { metaTrain, templateSettings } from './meta-training.mjs';
import { dataset, initializerOf, repeated, startParameters, trainingOf, untrained } from './networks.mjs';
import { kept, round } from './store.mjs';
import { COLORS, finalOf, percent, spread, thousands } from './text.mjs';

const ARCHITECTURE = 'vit:layers=3,heads=4,hidden=52,mlp=208,patch=8';
const COUNTS = [500, 2000, 10000, 40000];
const BASELINE = 'mimetic:position=1.5';

export const data = {
  title: 'How many images meta-training needs',
  async run({ folder, options }) {
    const { images, others, steps, trainSamples, epochs } = options;
    const common = { architecture: ARCHITECTURE, epochs, batch: 64 };
    const onImages = { ...images, skipSamples: 40000, trainSamples };
    const onOthers = { ...others, trainSamples: 2000 };
    const neighbour = { ...common, start: BASELINE, data: onImages, rate: Math.max(...options.rates), seed: 0 };
    const ofStart = async (start, newHead) => ({
      trained: await repeated(folder, { ...common, start, data: onImages }, options),
      others: await repeated(folder, { ...common, start: newHead, data: onOthers }, options),
    });
    const points = [];
    for (const count of COUNTS) {
      const meta = templateSettings(images.dataDir, steps, { trainSamples: count });
      const metaTraining = await metaTrain(folder, meta);
      const start = { meta, kind: 'template' };
      const seen = { ...images, trainSamples: Math.min(count, options.testSamples) };
      points.push({
        count,
        metaTraining,
        seen: await untrained(folder, { architecture: ARCHITECTURE, start, data: seen, judgedBy: 'train' }),
        unseen: await untrained(folder, { architecture: ARCHITECTURE, start, data: onImages }),
        alike: await likeness(folder, start, neighbour),
        ...(await ofStart(start, { ...start, modifiers: '+new-head' })),
      });
    }
    const control = await likeness(folder, 'random', neighbour);
    return { architecture: ARCHITECTURE, baseline: await ofStart(BASELINE, BASELINE), control, points };
  },
  tables({ points, baseline, control }) {
    return {
      data: {
        head: [
          'images of meta-training',
          'passes over them',
          'untrained: these images',
          'test images',
          'difference',
          `trained on ${thousands(points[0].trained[0].settings.data.trainSamples)} others`,
          'trained on Fashion-MNIST',
          'nearest row of a trained network',
        ],
        rows: [
          ...points.map(({ count, metaTraining, seen, unseen, trained, others, alike }) => [
            thousands(count),
            ((metaTraining.result.steps * metaTraining.settings.batch) / count).toFixed(1),
            spread([seen]),
            spread([unseen]),
            (100 * (finalOf([seen]).mean - finalOf([unseen]).mean)).toFixed(1),
            spread(trained),
            spread(others),
            alike.result.nearest.toFixed(2),
          ]),
          [
            `none: \`${BASELINE}\``,
            '–',
            '–',
            spread(baseline.trained, 0),
            '–',
            spread(baseline.trained),
            spread(baseline.others),
            `${control.result.nearest.toFixed(2)} (\`random\`)`,
          ],
        ],
      },
    };
  },
  pictures({ points }) {
    const line = (name, color, value) => ({
      name,
      color,
      points: points.map((point) => [Math.log10(point.count), value(point)]),
    });
    return {
      data: lineChart(
        { title: 'A start without training, by the images of its meta-training', x: 'log10 of images', y: 'accuracy' },
        [
          line('images of meta-training', COLORS[0], ({ seen }) => finalOf([seen]).mean),
          line('test images', COLORS[1], ({ unseen }) => finalOf([unseen]).mean),
          line('test images, after training on others', COLORS[2], ({ trained }) => finalOf(trained).mean),
        ],
      ),
    };
  },
  summary: ({ points }) =>
    points.map(
      ({ count, seen, unseen }) =>
        `${count}: ${percent(finalOf([seen]).mean)} seen, ${percent(finalOf([unseen]).mean)} unseen`,
    ),
};

/**
 * How alike a start's matrices are to those of a network trained from the baseline, whatever the order of features: for each row the
 * largest |cos| to a row of the same matrix, as a mean over rows and matrices of the MLPs' first layers. A random start is the control.
 */
const likeness = (folder, start, neighbour) =>
  kept(folder, 'alike', { start, neighbour }, async () => {
    const graph = buildArchitecture(parseArchitecture(neighbour.architecture));
    const trained = await startParameters(folder, neighbour.start, graph, neighbour.seed);
    const predicted = await (await initializerOf(folder, start))(graph, startRandom(1));
    const names = graph.parameters.map(({ name }) => name).filter((name) => name.endsWith('mlp.0.weight'));
    let nearest = 0;
    for await (const { score, state } of trainingOf(graph, await dataset(neighbour.data), trained, neighbour)) {
      if (score.epoch < neighbour.epochs) continue;
      nearest =
        names.reduce((sum, name) => sum + nearestRows(predicted[name], state.parameters[name]), 0) / names.length;
    }
    tf.dispose(Object.values(predicted));
    return { nearest: round(nearest) };
  });

/** The mean over rows of one matrix of the largest |cos| to a row of another. */
export const nearestRows = (rows, others) =>
  tf.tidy(() => {
    const unit = (matrix) => tf.div(matrix, tf.norm(matrix, 'euclidean', 1, true));
    return tf.mean(tf.max(tf.abs(tf.matMul(unit(rows), unit(others), false, true)), 1)).dataSync()[0];
  });
