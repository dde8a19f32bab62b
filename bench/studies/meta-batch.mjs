// How many networks a step of meta-training should have, at equal compute: twice the networks, half the steps.
import { lineChart } from '@logah/charts';
import { metaTrain, templateSettings } from './meta-training.mjs';
import { untrained } from './networks.mjs';
import { COLORS, finalOf, spread, thousands } from './text.mjs';

/** A combination that was held out of meta-training, a width between those of the set, and a network deeper than any. */
export const HELD_OUT = [
  'vit:layers=3,heads=4,hidden=56,mlp=224,patch=8',
  'vit:layers=3,heads=4,hidden=52,mlp=208,patch=8',
  'vit:layers=6,heads=4,hidden=64,mlp=256,patch=8',
];
/** Networks a step, m. */
const POINTS = [1, 2, 4, 8];

/** Networks that every point predicts: a number that makes ten epochs of any of the sizes, the first from the steps that are wanted. */
const networksOf = (steps) => 80 * Math.ceil(steps / 80);

export const metaBatch = {
  title: 'The meta-batch at equal compute',
  async run({ folder, options }) {
    const { images, steps, trainSamples } = options;
    const on = { ...images, skipSamples: 40000, trainSamples };
    const points = [];
    for (const size of POINTS) {
      const changes = size === 1 ? {} : { metaBatch: size };
      const meta = templateSettings(images.dataDir, networksOf(steps) / size, changes);
      const metaTraining = await metaTrain(folder, meta);
      const start = { meta, kind: 'template' };
      const zero = [];
      for (const architecture of HELD_OUT) zero.push(await untrained(folder, { architecture, start, data: on }));
      points.push({ size, metaTraining, zero });
    }
    return { architectures: HELD_OUT, points };
  },
  tables: ({ points }) => ({
    'meta-batch': {
      head: ['networks a step, m', 'steps', 'seconds', 'untrained: 3×56', '3×52', '6×64'],
      rows: points.map(({ size, metaTraining: { result }, zero }) => [
        String(size),
        thousands(result.steps),
        result.seconds.toFixed(0),
        ...zero.map((run) => spread([run])),
      ]),
    },
  }),
  pictures({ points }) {
    const mean = ({ zero }) => zero.reduce((sum, run) => sum + finalOf([run]).mean, 0) / zero.length;
    return {
      'meta-batch': lineChart(
        { title: 'Three held-out networks, untrained, at equal compute', x: 'networks a step, m', y: 'accuracy' },
        [
          {
            name: 'mean of three networks',
            color: COLORS[0],
            points: points.map((point) => [point.size, mean(point)]),
          },
        ],
      ),
    };
  },
};
