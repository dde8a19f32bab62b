// What a start saves its user, and what it costs to have one.
import { lineChart } from '@logah/charts';
import { CARDS } from '@logah/checkpoints';
import { buildArchitecture, parseArchitecture } from '@logah/graph-ir';
import { differenceInterval } from '@logah/init-eval';
import * as tf from '@tensorflow/tfjs-core';
import { metaTrain, templateSettings } from './meta-training.mjs';
import { startParameters, tuned } from './networks.mjs';
import { kept, round } from './store.mjs';
import { accuracyOf, COLORS, finalOf, spread, thousands } from './text.mjs';

const ARCHITECTURE = 'vit:layers=3,heads=4,hidden=48,mlp=192,patch=8';
const SHIPPED = 'template:vits-small-cifar10';
const BASELINES = ['random:position=1.5', 'mimetic:position=1.5'];
const NAMES = { [SHIPPED]: 'shipped templates', own: 'templates, 3,000 steps' };
const PREDICTIONS = 9;

export const costs = {
  title: 'What a start saves and costs',
  async run({ folder, options }) {
    const { images, trainSamples, longSteps, epochs, longEpochs } = options;
    const data = { ...images, skipSamples: 40000, trainSamples };
    const meta = templateSettings(images.dataDir, longSteps);
    const metaTraining = await metaTrain(folder, meta);
    const common = { architecture: ARCHITECTURE, data, batch: 64 };
    const budgets = [];
    for (const budget of [epochs, longEpochs]) {
      const starts = [];
      for (const [name, start] of [
        ...BASELINES.map((text) => [text, text]),
        [NAMES[SHIPPED], SHIPPED],
        [NAMES.own, { meta, kind: 'template' }],
      ]) {
        // Long trainings take the rate that was best in the short ones.
        const short = budgets[0]?.starts.find((other) => other.name === name);
        const rates = short === undefined ? options.rates : [short.runs[0].settings.rate];
        starts.push({ name, runs: await tuned(folder, { ...common, start, epochs: budget }, { ...options, rates }) });
      }
      budgets.push({ epochs: budget, steps: budget * Math.floor(trainSamples / common.batch), starts });
    }
    const timing = await kept(folder, 'timing', { architecture: ARCHITECTURE, start: SHIPPED }, () =>
      predictionSeconds(folder),
    );
    return { architecture: ARCHITECTURE, budgets, metaTraining, prediction: timing.result };
  },
  tables({ budgets, metaTraining, prediction }) {
    const perStep = stepSeconds(budgets);
    const metaSteps = (name) =>
      name === NAMES.own
        ? metaTraining.result.steps
        : CARDS.find((card) => card.name === SHIPPED.split(':')[1]).trainedOn.steps;
    const metaSeconds = metaTraining.result.seconds / metaTraining.result.steps;
    const rows = budgets.flatMap((budget) => {
      const [best] = bestBaselines(budget.starts);
      return budget.starts
        .filter(({ name }) => !BASELINES.includes(name))
        .map(({ name, runs }) => {
          const reached = reachedSteps(runs, finalOf(best.runs).mean, budget);
          const saved = reached === null ? null : (budget.steps - reached) * perStep - prediction.seconds;
          const cost = metaSteps(name) * metaSeconds;
          const ahead = differenceInterval(finalOf(runs), finalOf(best.runs));
          return [
            thousands(budget.steps),
            `\`${best.name}\` ${spread(best.runs)}`,
            name,
            spread(runs),
            ahead === null ? '–' : `${signed(ahead.low)} to ${signed(ahead.high)}`,
            reached === null ? 'never' : thousands(reached),
            saved === null ? '–' : saved.toFixed(1),
            saved === null ? '–' : thousands(Math.ceil(cost / saved)),
          ];
        });
    });
    return {
      costs: {
        head: [
          'steps',
          'best baseline',
          'start',
          'ends at',
          '95 % interval of the difference',
          'steps to the baseline’s end',
          'seconds saved',
          'networks until meta-training is paid',
        ],
        rows,
      },
    };
  },
  pictures({ budgets }) {
    const budget = budgets[1];
    return {
      costs: lineChart(
        { title: 'Accuracy over training', x: 'steps', y: 'accuracy' },
        budget.starts.map(({ name, runs }, i) => {
          const epochs = runs[0].result.scores.map(({ epoch }) => epoch);
          const values = epochs.map((epoch) => accuracyOf(runs, epoch));
          return {
            name,
            color: COLORS[i],
            points: values.map(({ mean }, e) => [(epochs[e] * budget.steps) / budget.epochs, mean]),
            deviations: values.map(({ std }) => std),
          };
        }),
      ),
    };
  },
  summary: ({ budgets, metaTraining, prediction }) => [
    `${round(stepSeconds(budgets))} s a step of the network, ${round(metaTraining.result.seconds / metaTraining.result.steps)} s a step of meta-training, ${prediction.seconds} s a prediction`,
  ],
};

/** The baselines of a comparison, the one that ends best first. */
const bestBaselines = (starts) =>
  starts.filter(({ name }) => BASELINES.includes(name)).sort((a, b) => finalOf(b.runs).mean - finalOf(a.runs).mean);

/** The steps after which runs, by their mean after each epoch, are first as good as a score; null for never. */
export function reachedSteps(runs, score, { epochs, steps }) {
  const found = runs[0].result.scores.find(({ epoch }) => accuracyOf(runs, epoch).mean >= score);
  return found === undefined ? null : (found.epoch * steps) / epochs;
}

/** Seconds of a step of training, judging included: the median over all runs of these budgets. */
export function stepSeconds(budgets) {
  const all = budgets.flatMap(({ steps, starts }) =>
    starts.flatMap(({ runs }) => runs.map(({ seconds }) => seconds / steps)),
  );
  return all.sort((a, b) => a - b)[all.length >> 1];
}

const signed = (value) => `${value < 0 ? '−' : '+'}${(100 * Math.abs(value)).toFixed(1)}`;

/** The median time of a prediction, in seconds. */
async function predictionSeconds(folder) {
  const graph = buildArchitecture(parseArchitecture(ARCHITECTURE));
  const times = [];
  for (let seed = 0; seed < PREDICTIONS; seed++) {
    const started = performance.now();
    tf.dispose(Object.values(await startParameters(folder, SHIPPED, graph, seed)));
    times.push((performance.now() - started) / 1000);
  }
  return { seconds: round(times.sort((a, b) => a - b)[PREDICTIONS >> 1]) };
}
