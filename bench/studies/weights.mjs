// What rank trained weights have, and what training changes of them.
import { lineChart } from '@logah/charts';
import { buildArchitecture, parameterRoles, parseArchitecture } from '@logah/graph-ir';
import { Matrix, SingularValueDecomposition } from 'ml-matrix';
import { dataset, startParameters, trainingOf } from './networks.mjs';
import { kept, round } from './store.mjs';
import { COLORS } from './text.mjs';

const ARCHITECTURE = 'vit:layers=3,heads=4,hidden=52,mlp=208,patch=8';
const NETWORKS = ['random:position=1.5', 'template:vits-small-cifar10'];
const SHARES = [1 / 16, 1 / 8, 1 / 4, 1 / 2, 3 / 4];

export const weights = {
  title: 'The rank of trained weights',
  async run({ folder, options }) {
    const { images, trainSamples, longEpochs } = options;
    const data = { ...images, skipSamples: 40000, trainSamples };
    const common = { architecture: ARCHITECTURE, data, batch: 64, epochs: longEpochs, seed: 0 };
    const networks = [];
    for (const start of NETWORKS)
      networks.push(await weightErrors(folder, { ...common, start, rate: Math.max(...options.rates) }));
    return { networks };
  },
  tables: ({ networks }) => ({
    weights: {
      head: ['error that remains at rank', ...SHARES.map((part) => `${Math.round(100 * part)} % of full`)],
      rows: networks.flatMap(({ settings: { start }, result }) =>
        ['trained', 'change'].flatMap((which) =>
          Object.entries(result[which]).map(([role, errors]) => [
            `\`${start}\`, ${which === 'change' ? 'change by training' : 'trained'}, ${role}`,
            ...errors.map((error) => error.toFixed(2)),
          ]),
        ),
      ),
    },
  }),
  pictures({ networks }) {
    const mean = (errors) =>
      SHARES.map((_, i) => Object.values(errors).reduce((sum, of) => sum + of[i], 0) / Object.keys(errors).length);
    return {
      weights: lineChart(
        {
          title: 'What the best matrix of a rank leaves of trained weights',
          x: 'rank, of the full rank',
          y: 'relative error',
        },
        networks.flatMap(({ settings: { start }, result }, i) =>
          ['trained', 'change'].map((which, j) => ({
            name: `${start.split(':')[0]}: ${which}`,
            color: COLORS[2 * i + j],
            points: mean(result[which]).map((error, k) => [SHARES[k], error]),
          })),
        ),
      ),
    };
  },
};

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
