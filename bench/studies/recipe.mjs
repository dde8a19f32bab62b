// What changes of meta-training's recipe give: an inner loop, products beside the templates; and how far seeds of meta-training lie apart.
import { barChart } from '@logah/charts';
import { HELD_OUT } from './meta-batch.mjs';
import { metaTrain, templateSettings } from './meta-training.mjs';
import { tuned, untrained } from './networks.mjs';
import { parametersOf } from './rank.mjs';
import { COLORS, finalOf, spread, thousands } from './text.mjs';

/** What is changed of a plain meta-training, in words. */
const RECIPES = [
  ['plain', {}],
  ['plain, seed 1', { seed: 1 }],
  ['plain, seed 2', { seed: 2 }],
  ['inner loop of 1 step, 32 + 32 images', { innerSteps: 1 }],
  ['inner loop of 3 steps, 4 × 16 images', { innerSteps: 3 }],
  ['inner loop of 1 step, 64 + 64 images', { innerSteps: 1, batch: 128 }],
  ['mixture + A·B, r = 16', { lowRank: 16 }],
];
/** The network of {@link HELD_OUT} that is trained, of a width between those that were seen. */
const [, TRAINED] = HELD_OUT;

export const recipe = {
  title: 'The recipe of meta-training',
  async run({ folder, options }) {
    const { images, steps, trainSamples, epochs } = options;
    const data = { ...images, skipSamples: 40000, trainSamples };
    const points = [];
    for (const [name, changes] of RECIPES) {
      const meta = templateSettings(images.dataDir, steps, changes);
      const metaTraining = await metaTrain(folder, meta);
      const start = { meta, kind: 'template' };
      const zero = [];
      for (const architecture of HELD_OUT) zero.push(await untrained(folder, { architecture, start, data }));
      const runs = await tuned(folder, { architecture: TRAINED, start, data, epochs, batch: 64 }, options);
      points.push({ name, parameters: parametersOf(meta), metaTraining, zero, runs });
    }
    return { architectures: HELD_OUT, trained: TRAINED, points };
  },
  tables: ({ points }) => ({
    recipe: {
      head: ['recipe', 'parameters', 'untrained: 3×56', '3×52', '6×64', 'rate', '3×52 trained'],
      rows: points.map(({ name, parameters, zero, runs }) => [
        name,
        thousands(parameters),
        ...zero.map((run) => spread([run])),
        String(runs[0].settings.rate),
        spread(runs),
      ]),
    },
  }),
  pictures: ({ points }) => ({
    recipe: barChart(
      { title: 'Untrained (mean of three networks) and 3×52 trained', x: '', y: 'accuracy' },
      points.map(({ name }) => name),
      [
        {
          name: 'untrained',
          color: COLORS[0],
          values: points.map(({ zero }) => zero.reduce((sum, run) => sum + finalOf([run]).mean, 0) / zero.length),
        },
        {
          name: 'trained',
          color: COLORS[1],
          values: points.map(({ runs }) => finalOf(runs).mean),
          deviations: points.map(({ runs }) => finalOf(runs).std),
        },
      ],
    ),
  }),
};
