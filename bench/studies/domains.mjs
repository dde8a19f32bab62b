// What a hypernetwork of one domain is worth in the other: images for text, text for images, by the roles that both have.
import { barChart } from '@logah/charts';
import { repeated } from './networks.mjs';
import { COLORS, finalOf, perplexityOf, perplexitySpread, spread } from './text.mjs';

const GPT = 'gpt2:layers=3,heads=4,hidden=48,vocab=257,context=128,tied=false';
const VIT = 'vit:layers=3,heads=4,hidden=48,mlp=192,patch=8';
const OF_IMAGES = 'vits-small-cifar10';
const OF_TEXT = 'gpts-wikitext2';

/** Roles that GPT-2 and a ViT both have. */
const SHARED = {
  MLP: ['mlp_in', 'mlp_out'],
  attention: ['attention_qkv', 'attention_out'],
  'MLP, attention and norms': ['mlp_in', 'mlp_out', 'attention_qkv', 'attention_out', 'norm_gain', 'norm_bias'],
};

export const domains = {
  title: 'From images to text and back',
  async run({ folder, options }) {
    const { images, language, trainSamples, epochs } = options;
    const ofText = {
      architecture: GPT,
      data: { ...language, skipSamples: 7000, trainSamples: 800 },
      epochs: 1,
      batch: 16,
    };
    const ofImages = { architecture: VIT, data: { ...images, skipSamples: 40000, trainSamples }, epochs, batch: 64 };
    const compare = async (settings, base, own, other) => {
      const foreign = { checkpoint: other };
      const starts = [
        ['RandInit', 'random'],
        [base, base],
        [`its own: ${own}`, `template:${own}`],
        ...Object.entries(SHARED).map(([name, roles]) => [
          `${base}, ${name} from ${other}`,
          { base, donor: foreign, roles },
        ]),
      ];
      const rows = [];
      for (const [name, start] of starts)
        rows.push({ name, runs: await repeated(folder, { ...settings, start }, options) });
      return rows;
    };
    return {
      text: await compare(ofText, 'nanochat', OF_TEXT, OF_IMAGES),
      images: await compare(ofImages, 'mimetic:position=1.5', OF_IMAGES, OF_TEXT),
    };
  },
  tables: ({ text, images }) => ({
    text: {
      head: ['GPT-2 over bytes from', 'perplexity untrained', 'after 50 steps'],
      rows: text.map(({ name, runs }) => [name, perplexitySpread(runs, 0), perplexitySpread(runs)]),
    },
    images: {
      head: ['ViT from', 'accuracy untrained', 'trained'],
      rows: images.map(({ name, runs }) => [name, spread(runs, 0), spread(runs)]),
    },
  }),
  pictures: ({ text, images }) => ({
    'domains-text': bars('Perplexity after 50 steps', 'perplexity', text, perplexityOf, {
      axis: String,
      label: (value) => value.toFixed(1),
    }),
    'domains-images': bars('Accuracy after training', 'accuracy', images, finalOf),
  }),
};

const bars = (title, y, rows, of, format) =>
  barChart(
    { title, x: '', y },
    rows.map(({ name }) => name),
    [
      {
        name: y,
        color: COLORS[0],
        values: rows.map(({ runs }) => of(runs).mean),
        deviations: rows.map(({ runs }) => of(runs).std),
      },
    ],
    format === undefined ? {} : { format },
  );
