// What rank gives: of LoGAH's products, of templates and how many of them, and of the weights that training makes.
import { lineChart } from '@logah/charts';
import { buildArchitecture, parameterRoles, parseArchitecture } from '@logah/graph-ir';
import { hypernetParameterCount, hypernetPreset } from '@logah/hypernet';
import { Matrix, SingularValueDecomposition } from 'ml-matrix';
import { HELD_OUT } from './meta-batch.mjs';
import { imageSettings, metaTrain, scheduleOf, templateSettings } from './meta-training.mjs';
import { dataset, startParameters, trainingOf, untrained } from './networks.mjs';
import { kept, round } from './store.mjs';
import { COLORS, finalOf, spread, thousands } from './text.mjs';

/** What is changed of `template-small`, whose 4 templates of a kind are written out and mixed by the embedding. */
const TEMPLATES = [{}, { rank: 16 }, { templates: 1 }, { mixture: 'place' }];
/** r of LoGAH-Tiny, whose d is 64: d/4 and d; 2d makes a step several times as long. */
const LOGAH_RANKS = [16, 64];
const LOGAH_RATE = 1e-3;

const NETWORKS = ['random:position=1.5', 'template:vits-small-cifar10'];
const SHARES = [1 / 16, 1 / 8, 1 / 4, 1 / 2, 3 / 4];

export const rank = {
  title: 'Rank',
  async run({ folder, options }) {
    const { images, steps, trainSamples, longEpochs } = options;
    const on = { ...images, skipSamples: 40000, trainSamples };
    const common = { architecture: HELD_OUT[1], data: on, batch: 64 };
    const metas = [
      ...TEMPLATES.map((changes) => ({
        kind: 'template',
        changes,
        meta: templateSettings(images.dataDir, steps, changes),
      })),
      ...LOGAH_RANKS.map((r) => ({
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
    const weights = [];
    for (const start of NETWORKS)
      weights.push(
        await weightErrors(folder, { ...common, start, epochs: longEpochs, rate: Math.max(...options.rates), seed: 0 }),
      );
    return { architectures: HELD_OUT, points, weights };
  },
  tables: ({ points, weights }) => ({
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
    weights: {
      head: ['error that remains at rank', ...SHARES.map((part) => `${part} of full`)],
      rows: weights.flatMap(({ settings: { start }, result }) =>
        ['trained', 'change'].flatMap((which) =>
          Object.entries(result[which]).map(([role, errors]) => [
            `\`${start}\`, ${which === 'change' ? 'change by training' : 'trained'}, ${role}`,
            ...errors.map((error) => error.toFixed(2)),
          ]),
        ),
      ),
    },
  }),
  pictures({ weights }) {
    const mean = (errors) =>
      SHARES.map((_, i) => Object.values(errors).reduce((sum, of) => sum + of[i], 0) / Object.keys(errors).length);
    return {
      rank: lineChart(
        {
          title: 'What the best matrix of a rank leaves of trained weights',
          x: 'rank, of the full rank',
          y: 'relative error',
        },
        weights.flatMap(({ settings: { start }, result }, i) =>
          ['trained', 'change'].map((which, j) => ({
            name: `${start.split(':')[0]}: ${which}`,
            color: COLORS[2 * i + j],
            points: mean(result[which]).map((error, k) => [SHARES[k], error]),
          })),
        ),
      ),
    };
  },
  summary: ({ points }) =>
    points.map(
      ({ kind, changes, zero }) => `${nameOf(kind, changes)}: ${zero.map((run) => finalOf([run]).mean).join(' ')}`,
    ),
};

/** A point of the table in words. */
export function nameOf(kind, { rank: r, templates, mixture }) {
  if (kind === 'logah') return `LoGAH, r = ${r}`;
  if (mixture !== undefined) return `templates, mixed by ${mixture}`;
  return `templates, K = ${templates ?? 4}, ${r === undefined ? 'written out' : `R = ${r}`}`;
}

/** How many numbers the hypernetwork of a meta-training learns. */
export function parametersOf({ variant, rank: r, templates, mixture }) {
  const changes = Object.entries({ rank: r, templates, mixture }).filter(([, value]) => value !== undefined);
  return hypernetParameterCount(hypernetPreset(variant, Object.fromEntries(changes))).learned;
}

/**
 * The relative error ‖W − W_r‖ / ‖W‖ of the best matrix of rank r (Eckart and Young 1936), for shares of the full rank, from
 * singular values in falling order: √(Σ_{i > r} σᵢ² / Σ σᵢ²), where r is at least 1.
 */
export function rankErrors(singularValues, shares) {
  const energy = singularValues.map((value) => value * value);
  const total = energy.reduce((sum, value) => sum + value, 0);
  return shares.map((part) => {
    const r = Math.max(1, Math.round(part * energy.length));
    return total === 0 ? 0 : Math.sqrt(energy.slice(r).reduce((sum, value) => sum + value, 0) / total);
  });
}

/** Errors of a trained network's matrices, and of what training changed of them, as means over the matrices of each role. */
const weightErrors = (folder, settings) =>
  kept(folder, 'weights', settings, async () => {
    const graph = buildArchitecture(parseArchitecture(settings.architecture));
    const roles = parameterRoles(graph);
    const start = await startParameters(folder, settings.start, graph, settings.seed);
    const first = Object.fromEntries(Object.entries(start).map(([name, tensor]) => [name, tensor.arraySync()]));
    const errors = { trained: {}, change: {} };
    for await (const { score, state } of trainingOf(graph, await dataset(settings.data), start, settings)) {
      if (score.epoch < settings.epochs) continue;
      for (const { name, shape } of graph.parameters) {
        const role = roles.get(name);
        if (shape.length !== 2 || role === 'head') continue;
        const trained = new Matrix(state.parameters[name].arraySync());
        for (const [which, matrix] of [
          ['trained', trained],
          ['change', Matrix.sub(trained, first[name])],
        ]) {
          const of = rankErrors(new SingularValueDecomposition(matrix, { autoTranspose: true }).diagonal, SHARES);
          errors[which][role] = [...(errors[which][role] ?? []), of];
        }
      }
    }
    const meanOf = (list) => SHARES.map((_, i) => round(list.reduce((sum, of) => sum + of[i], 0) / list.length));
    return Object.fromEntries(
      Object.entries(errors).map(([which, byRole]) => [
        which,
        Object.fromEntries(Object.entries(byRole).map(([role, list]) => [role, meanOf(list)])),
      ]),
    );
  });
