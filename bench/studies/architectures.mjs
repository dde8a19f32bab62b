// A hypernetwork of one family of networks used on another, and one of two families, by the roles that they share.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { barChart } from '@logah/charts';
import { elementCount, parameterRoles } from '@logah/graph-ir';
import { graphOf } from './graphs.mjs';
import { metaTrain, templateSettings } from './meta-training.mjs';
import { repeated, tuned } from './networks.mjs';
import { idOf } from './store.mjs';
import { COLORS, finalOf, percent, spread } from './text.mjs';

const NETWORKS = {
  ViT: 'vit:layers=3,heads=4,hidden=52,mlp=208,patch=8',
  'MLP-Mixer': 'mixer:layers=3,hidden=48,mlp=192,tokens=64,patch=8',
  ConvNeXt: 'convnext:depth=4,width=11,classes=10,image=32',
};
/** Judged by what it shares only: it is too large to be trained here. */
const SHARED_ONLY = { 'ResNet-18': 'resnet:depth=18,classes=10,image=32' };
const SHIPPED = 'vits-small-cifar10';

/** What a ViT's templates are learned for. */
const OF_VITS = [
  'patch_embedding',
  'position',
  'class_token',
  'attention_qkv',
  'attention_out',
  'mlp_in',
  'mlp_out',
  'norm_gain',
  'norm_bias',
  'head',
];

const CONVNEXTS = [2, 3, 4]
  .flatMap((depth) => [8, 10, 12].map((width) => `convnext:depth=${depth},width=${width},classes=10,image=32`))
  .filter((text) => text !== NETWORKS.ConvNeXt);
const VITS = [2, 3, 4].flatMap((layers) =>
  [32, 48, 64, 80, 96].map(
    (hidden) => `vit:layers=${layers},heads=4,hidden=${hidden},mlp=${4 * hidden},patch=8,classes=10,image=32`,
  ),
);

/** What hypernetworks are meta-trained on: one family, the other, or as many networks of each. */
const SETS = {
  ViTs: VITS,
  ConvNeXts: CONVNEXTS,
  both: [...VITS, ...Array.from({ length: VITS.length }, (_, i) => CONVNEXTS[i % CONVNEXTS.length])],
};

export const architectures = {
  title: 'Other architectures',
  async run({ folder, options }) {
    const { images, steps, trainSamples, epochs } = options;
    const data = { ...images, skipSamples: 40000, trainSamples };
    const common = { data, epochs, batch: 64 };
    const shared = Object.entries({ ...NETWORKS, ...SHARED_ONLY }).map(([name, architecture]) => ({
      name,
      part: sharedPart(graphOf(architecture)),
    }));
    const metas = [];
    for (const [name, list] of Object.entries(SETS)) {
      const dataset = join(folder, `set-${idOf(list)}.jsonl`);
      await mkdir(folder, { recursive: true });
      await writeFile(dataset, list.map((architecture) => `${JSON.stringify({ architecture })}\n`).join(''));
      const meta = templateSettings(images.dataDir, steps, { dataset });
      metas.push({ name, meta, metaTraining: await metaTrain(folder, meta) });
    }
    const networks = [];
    for (const [name, architecture] of Object.entries(NETWORKS)) {
      const roles = [...new Set(parameterRoles(graphOf(architecture)).values())].filter((role) =>
        OF_VITS.includes(role),
      );
      const rows = [
        { start: 'random', runs: await tuned(folder, { ...common, architecture, start: 'random' }, options) },
      ];
      rows.push({
        start: `random, shared roles from ${SHIPPED}`,
        runs: await tuned(
          folder,
          { ...common, architecture, start: { base: 'random', donor: { checkpoint: SHIPPED }, roles } },
          options,
        ),
      });
      for (const { name: set, meta } of metas)
        rows.push({
          start: `templates of ${set}`,
          runs: await repeated(folder, { ...common, architecture, start: { meta, kind: 'template' } }, options),
        });
      networks.push({ name, architecture, rows });
    }
    return { shared, networks, metas: metas.map(({ name, metaTraining }) => ({ name, metaTraining })) };
  },
  tables: ({ shared, networks }) => ({
    shared: {
      head: ['network', 'parameters whose role a ViT has'],
      rows: shared.map(({ name, part }) => [name, percent(part)]),
    },
    architectures: {
      head: ['network', 'start', 'rate', 'untrained', 'trained'],
      rows: networks.flatMap(({ name, rows }) =>
        rows.map(({ start, runs }) => [name, start, String(runs[0].settings.rate), spread(runs, 0), spread(runs)]),
      ),
    },
  }),
  pictures: ({ networks }) => ({
    architectures: barChart(
      { title: 'Accuracy after training', x: '', y: 'accuracy' },
      networks.map(({ name }) => name),
      networks[0].rows.map(({ start }, i) => ({
        // The legend has one line.
        name: start.replace(/^random, |^templates /, ''),
        color: COLORS[i],
        values: networks.map(({ rows }) => finalOf(rows[i].runs).mean),
        deviations: networks.map(({ rows }) => finalOf(rows[i].runs).std),
      })),
    ),
  }),
};

/** The part of a network's parameters whose roles ViTs have, biases among them. */
export function sharedPart(graph) {
  const roles = parameterRoles(graph);
  const count = (list) => list.reduce((sum, { shape }) => sum + elementCount(shape), 0);
  const isShared = ({ name }) => OF_VITS.includes(roles.get(name)) || roles.get(name) === 'bias';
  return count(graph.parameters.filter(isShared)) / count(graph.parameters);
}
