// What the rank of a hypernetwork gives: of LoGAH's products, of templates and how many of them.
import { barChart } from '@logah/charts';
import { hypernetParameterCount, hypernetPreset } from '@logah/hypernet';
import { HELD_OUT } from './meta-batch.mjs';
import { imageSettings, metaTrain, scheduleOf, templateSettings } from './meta-training.mjs';
import { untrained } from './networks.mjs';
import { COLORS, finalOf, spread, thousands } from './text.mjs';

/** What is changed of `template-small`, whose 4 templates of a kind are written out and mixed by the embedding. */
const TEMPLATES = [{}, { rank: 16 }, { templates: 1 }, { mixture: 'place' }];
const LOGAH_RATE = 1e-3;

export const rank = {
  title: 'Rank',
  async run({ folder, options }) {
    const { images, steps, trainSamples } = options;
    const on = { ...images, skipSamples: 40000, trainSamples };
    const metas = [
      ...TEMPLATES.map((changes) => ({
        kind: 'template',
        changes,
        meta: templateSettings(images.dataDir, steps, changes),
      })),
      ...options.logahRanks.map((r) => ({
        kind: 'logah',
        changes: { rank: r },
        meta: { ...imageSettings(images.dataDir), ...scheduleOf(steps), variant: 'tiny', rank: r, lr: LOGAH_RATE },
      })),
    ];
    const points = [];
    for (const { kind, changes, meta } of metas) {
      const metaTraining = await metaTrain(folder, meta);
      const start = { meta, kind };
      const zero = [];
      for (const architecture of HELD_OUT) zero.push(await untrained(folder, { architecture, start, data: on }));
      points.push({ kind, changes, parameters: parametersOf(meta), metaTraining, zero });
    }
    return { architectures: HELD_OUT, points };
  },
  tables: ({ points }) => ({
    rank: {
      head: ['hypernetwork', 'parameters', 'seconds a step', 'untrained: 3×56', '3×52', '6×64'],
      rows: [
        ...points.map(({ kind, changes, parameters, metaTraining: { result }, zero }) => [
          nameOf(kind, changes),
          thousands(parameters),
          (result.seconds / result.steps).toFixed(2),
          ...zero.map((run) => spread([run])),
        ]),
      ],
    },
  }),
  pictures: ({ points }) => ({
    rank: barChart(
      { title: 'Three held-out networks, untrained', x: '', y: 'accuracy' },
      points.map(({ kind, changes }) => nameOf(kind, changes)),
      HELD_OUT.map((architecture, i) => ({
        // Layers × width, as the table has them: whole names would not fit the legend.
        name: architecture.replace(/^vit:layers=(\d+),heads=\d+,hidden=(\d+),.*/, '$1×$2'),
        color: COLORS[i],
        values: points.map(({ zero }) => finalOf([zero[i]]).mean),
      })),
    ),
  }),
  summary: ({ points }) =>
    points.map(
      ({ kind, changes, zero }) => `${nameOf(kind, changes)}: ${zero.map((run) => finalOf([run]).mean).join(' ')}`,
    ),
};

/** A point of the table in words. */
function nameOf(kind, { rank: r, templates, mixture }) {
  if (kind === 'logah') return `LoGAH, r = ${r}`;
  if (mixture !== undefined) return `templates, mixed by ${mixture}`;
  return `templates, K = ${templates ?? 4}, ${r === undefined ? 'written out' : `R = ${r}`}`;
}

/** How many numbers the hypernetwork of a meta-training learns. */
export function parametersOf({ variant, rank: r, templates, mixture, lowRank }) {
  const changes = Object.entries({ rank: r, templates, mixture, lowRank }).filter(([, value]) => value !== undefined);
  return hypernetParameterCount(hypernetPreset(variant, Object.fromEntries(changes))).learned;
}
