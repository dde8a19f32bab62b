// What a start saves its user, and what it costs to have one.
import { vitsSmall } from '@logah/arch-datasets';
import { lineChart } from '@logah/charts';
import { CARDS } from '@logah/checkpoints';
import { subset } from '@logah/data';
import { disposeTrainer, initTrainer, TEMPLATE_TRAINER_DEFAULTS, train } from '@logah/ghn-trainer';
import { buildArchitecture, parseArchitecture } from '@logah/graph-ir';
import { createHypernet, hypernetPreset } from '@logah/hypernet';
import { differenceInterval, startState, trainNetwork } from '@logah/init-eval';
import { classification } from '@logah/network';
import { createRandom } from '@logah/random';
import * as tf from '@tensorflow/tfjs-core';
import { median } from '../measure.mjs';
import { dataset, recipeOf, startParameters, tuned } from './networks.mjs';
import { kept, round } from './store.mjs';
import { accuracyOf, COLORS, finalOf, spread, thousands } from './text.mjs';

const ARCHITECTURE = 'vit:layers=3,heads=4,hidden=48,mlp=192,patch=8';
const SHIPPED = 'template:vits-small-cifar10';
/** The best start that nobody learned, by docs/results.md. */
const BASELINES = ['mimetic:position=1.5'];
/** Predictions and steps that are timed; the median counts. */
const TIMED = 15;

export const costs = {
  title: 'What a start saves and costs',
  async run({ folder, options }) {
    const { images, trainSamples, epochs, longEpochs } = options;
    const data = { ...images, skipSamples: 40000, trainSamples };
    const common = { architecture: ARCHITECTURE, data, batch: 64 };
    const budgets = [];
    for (const budget of [epochs, longEpochs]) {
      const starts = [];
      for (const start of [...BASELINES, SHIPPED]) {
        // Long trainings take the rate that was best in the short ones.
        const short = budgets[0]?.starts.find((other) => other.start === start);
        const rates = short === undefined ? options.rates : [short.runs[0].settings.rate];
        starts.push({ start, runs: await tuned(folder, { ...common, start, epochs: budget }, { ...options, rates }) });
      }
      budgets.push({ epochs: budget, steps: budget * Math.floor(trainSamples / common.batch), starts });
    }
    const { result: timing } = await kept(folder, 'timing', { architecture: ARCHITECTURE, start: SHIPPED, data }, () =>
      timings(folder, data),
    );
    return { architecture: ARCHITECTURE, budgets, timing };
  },
  tables({ budgets, timing }) {
    const rows = budgets.map((budget) => {
      const [baseline, { start, runs }] = budget.starts;
      const reached = reachedSteps(runs, finalOf(baseline.runs).mean, budget);
      const saved = reached === null ? null : (budget.steps - reached) * timing.step - timing.prediction;
      const cost = metaSteps(start) * timing.metaStep;
      const ahead = differenceInterval(finalOf(runs), finalOf(baseline.runs));
      return [
        thousands(budget.steps),
        `\`${baseline.start}\``,
        spread(baseline.runs),
        `\`${start}\``,
        spread(runs, 0),
        spread(runs),
        ahead === null ? '–' : `${signed(ahead.low)} to ${signed(ahead.high)}`,
        reached === null ? 'never' : thousands(reached),
        saved === null ? '–' : saved.toFixed(1),
        saved === null || saved <= 0 ? 'never' : thousands(Math.ceil(cost / saved)),
      ];
    });
    return {
      costs: {
        head: [
          'steps',
          'baseline',
          'ends at',
          'start',
          'untrained',
          'ends at',
          '95 % interval of the difference',
          'steps to the baseline’s end',
          'seconds saved',
          'networks until meta-training is paid',
        ],
        rows,
      },
      seconds: {
        head: ['a step of the network', 'a step of meta-training', 'a prediction', 'steps of meta-training'],
        rows: [
          [
            ...[timing.step, timing.metaStep, timing.prediction].map((value) => `${value.toPrecision(2)} s`),
            thousands(metaSteps(SHIPPED)),
          ],
        ],
      },
    };
  },
  pictures({ budgets }) {
    const budget = budgets[1];
    return {
      costs: lineChart(
        { title: 'Accuracy over training', x: 'steps', y: 'accuracy' },
        budget.starts.map(({ start, runs }, i) => {
          const epochs = runs[0].result.scores.map(({ epoch }) => epoch);
          const values = epochs.map((epoch) => accuracyOf(runs, epoch));
          return {
            name: start,
            color: COLORS[i],
            points: values.map(({ mean }, e) => [(epochs[e] * budget.steps) / budget.epochs, mean]),
            deviations: values.map(({ std }) => std),
          };
        }),
      ),
    };
  },
};

/** Steps of meta-training that a shipped checkpoint had. */
const metaSteps = (start) => CARDS.find(({ name }) => `template:${name}` === start).trainedOn.steps;

/** The steps after which runs, by their mean after each epoch, are first as good as a score; null for never. */
export function reachedSteps(runs, score, { epochs, steps }) {
  const found = runs[0].result.scores.find(({ epoch }) => accuracyOf(runs, epoch).mean >= score);
  return found === undefined ? null : (found.epoch * steps) / epochs;
}

const signed = (value) => `${value < 0 ? '−' : '+'}${(100 * Math.abs(value)).toFixed(1)}`;

/** Seconds of a step of a network, of a step of meta-training and of a prediction, one behind the other in one process. */
async function timings(folder, data) {
  const graph = buildArchitecture(parseArchitecture(ARCHITECTURE));
  const { train: images, classes, image } = await dataset({ ...data, trainSamples: TIMED * 64, testSamples: 64 });
  const prediction = [];
  for (let seed = 0; seed < TIMED; seed++) {
    const started = performance.now();
    tf.dispose(Object.values(await startParameters(folder, SHIPPED, graph, seed)));
    prediction.push((performance.now() - started) / 1000);
  }
  const step = [];
  const parameters = await startParameters(folder, SHIPPED, graph, 0);
  const recipe = recipeOf({ epochs: 1, batch: 64, rate: 1e-3, seed: 0 });
  const state = startState(recipe.optimizer, parameters);
  let last = performance.now();
  const onStep = () => {
    step.push((performance.now() - last) / 1000);
    last = performance.now();
  };
  const test = subset(images, [0]);
  for await (const _ of trainNetwork({ graph, task: classification, train: images, test, recipe, state, onStep }));
  const config = { ...TEMPLATE_TRAINER_DEFAULTS, epochs: 1, warmupEpochs: 0, stepsPerEpoch: TIMED };
  const hypernet = createHypernet(hypernetPreset('template-small'), createRandom(0));
  const architectures = vitsSmall({ image, patch: 8, classes });
  const events = train({ config, state: initTrainer(hypernet), architectures, data: images, task: classification });
  const metaStep = [];
  for await (const event of events) {
    metaStep.push(event.seconds);
    if (event.step === TIMED) disposeTrainer(event.state);
  }
  return { prediction: round(median(prediction)), step: round(median(step)), metaStep: round(median(metaStep)) };
}
