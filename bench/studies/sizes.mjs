// How far beyond the sizes of meta-training a hypernetwork can be used: depth and width apart, and streams of billions.
import { lineChart } from '@logah/charts';
import { openHypernet } from '@logah/checkpoints/node';
import { buildArchitecture, parameterCount, parseArchitecture } from '@logah/graph-ir';
import { createHypernet, hypernetPreset, predict } from '@logah/hypernet';
import { randomParameters } from '@logah/network';
import { createRandom, deriveSeed } from '@logah/random';
import * as tf from '@tensorflow/tfjs-core';
import { byPiece, passThrough, piecesOf } from './blocks.mjs';
import { imageSettings, metaTrain, scheduleOf, templateSettings } from './meta-training.mjs';
import { repeated, untrained } from './networks.mjs';
import { kept, round } from './store.mjs';
import { COLORS, finalOf, spread, thousands } from './text.mjs';

const vit = (layers, hidden) => `vit:layers=${layers},heads=4,hidden=${hidden},mlp=${4 * hidden},patch=8`;

/** 164,234 parameters, and 3, 10 and 30 times as many by depth or by width. */
const SIZES = [
  { times: 1, axis: 'base', architecture: vit(3, 64) },
  { times: 3, axis: 'depth', architecture: vit(9, 64) },
  { times: 10, axis: 'depth', architecture: vit(32, 64) },
  { times: 30, axis: 'depth', architecture: vit(98, 64) },
  { times: 3, axis: 'width', architecture: vit(3, 112) },
  { times: 10, axis: 'width', architecture: vit(3, 208) },
  { times: 30, axis: 'width', architecture: vit(3, 364) },
];
/** Those of the picture; the table has all. */
const DRAWN = ['shipped templates', 'LoGAH-Tiny'];
/** Larger ones are judged untrained only. */
const TRAINED_UP_TO = 3;
const BASELINE = 'mimetic:position=1.5';
const SHIPPED = 'template:vits-small-cifar10';

const TOKENS = 16;
/** Networks that are predicted block by block, with a vocabulary of bytes, and from what. */
const STREAMS = [
  [
    'GPT-2 XL',
    'gpt2-xl:vocab=257,context=128,tied=false',
    ['random', 'LoGAH-Tiny, not trained', 'templates of gpts-wikitext2'],
  ],
  [
    'Llama, 36 layers of 4096',
    'llama:layers=36,heads=32,kvHeads=32,hidden=4096,mlp=16384,vocab=257,context=128',
    ['templates of gpts-wikitext2'],
  ],
];

export const sizes = {
  title: 'Beyond the sizes of meta-training',
  async run({ folder, options }) {
    const { images, trainSamples, epochs, longSteps } = options;
    const on = { ...images, skipSamples: 40000, trainSamples };
    const ofLength = (changes) => ({ ...imageSettings(images.dataDir), ...scheduleOf(longSteps), ...changes });
    const metas = [
      ['templates', 'template', templateSettings(images.dataDir, longSteps)],
      ['LoGAH-Tiny', 'logah', ofLength({ variant: 'tiny', lr: 1e-3 })],
      ['GHN-3-Tiny', 'ghn3', ofLength({ variant: 'ghn3-tiny', lr: 1e-3 })],
    ];
    for (const [, , meta] of metas) await metaTrain(folder, meta);
    const starts = [['shipped templates', SHIPPED], ...metas.map(([name, kind, meta]) => [name, { meta, kind }])];
    const points = [];
    for (const size of SIZES) {
      const zero = [];
      for (const [name, start] of starts)
        zero.push({ name, run: await untrained(folder, { architecture: size.architecture, start, data: on }) });
      const train = (start) =>
        repeated(folder, { architecture: size.architecture, start, data: on, epochs, batch: 64 }, options);
      const trained =
        size.times > TRAINED_UP_TO ? null : { baseline: await train(BASELINE), shipped: await train(SHIPPED) };
      points.push({ ...size, zero, trained });
    }
    const streams = [];
    for (const [network, architecture, from] of STREAMS)
      for (const start of from)
        streams.push({ network, start, ...(await streamOf(folder, { architecture, start, tokens: TOKENS })) });
    return { points, streams };
  },
  tables: ({ points, streams }) => ({
    sizes: {
      head: [
        'parameters',
        'of the base',
        ...points[0].zero.map(({ name }) => `${name}, untrained`),
        `${BASELINE}, trained`,
        'shipped templates, trained',
      ],
      rows: points.map(({ times, axis, zero, trained }) => [
        thousands(zero[0].run.result.parameters),
        axis === 'base' ? '1×: 3 layers of 64' : `${times}× by ${axis}`,
        ...zero.map(({ run }) => spread([run])),
        trained === null ? '–' : spread(trained.baseline),
        trained === null ? '–' : spread(trained.shipped),
      ]),
    },
    streams: {
      head: [
        'network',
        'start',
        'parameters',
        'seconds',
        'signal behind: embedding',
        'first block',
        'last block',
        'gradient through: first block',
        'last block',
        'median block',
        'loss',
      ],
      rows: streams.map(({ network, start, result }) => {
        const blocks = result.pieces.slice(1, -1);
        const gains = blocks.map(({ gradient }) => gradient).sort((a, b) => a - b);
        const last = blocks[blocks.length - 1];
        return [
          network,
          start,
          thousands(result.parameters),
          result.seconds.toFixed(0),
          ...[
            result.pieces[0].signal,
            blocks[0].signal,
            last.signal,
            blocks[0].gradient,
            last.gradient,
            gains[gains.length >> 1],
          ].map((value) => value.toPrecision(3)),
          result.loss.toFixed(2),
        ];
      }),
    },
  }),
  pictures({ points, streams }) {
    const ofAxis = (axis, i) =>
      points
        .filter((point) => point.axis === 'base' || point.axis === axis)
        .map(({ times, zero }) => [Math.log10(times), finalOf([zero[i].run]).mean]);
    return {
      sizes: lineChart(
        {
          title: 'Untrained networks beyond the sizes of meta-training',
          x: 'log10 of how many times the base',
          y: 'accuracy',
        },
        points[0].zero.flatMap(({ name }, i) =>
          DRAWN.includes(name)
            ? ['depth', 'width'].map((axis, j) => ({
                name: `${name}, ${axis}`,
                color: COLORS[2 * DRAWN.indexOf(name) + j],
                points: ofAxis(axis, i),
              }))
            : [],
        ),
      ),
      'sizes-signal': lineChart(
        { title: 'The signal behind each block of a streamed network', x: 'block', y: 'root mean square' },
        streams.map(({ network, start, result }, i) => ({
          name: `${network.split(',')[0]}: ${start}`,
          color: COLORS[i],
          points: result.pieces.slice(1, -1).map(({ signal }, block) => [block, signal]),
        })),
        { isLogarithmic: true },
      ),
    };
  },
};

/**
 * Fills a network block by block, sends random bytes through it, and keeps nothing but the signal: its size behind each piece, how
 * much of a random gradient each piece passes back, and the loss of the next byte.
 */
const streamOf = (folder, settings) =>
  kept(folder, 'stream', settings, async () => {
    const graph = buildArchitecture(parseArchitecture(settings.architecture));
    const pieces = piecesOf(graph);
    const started = performance.now();
    const random = createRandom(1);
    const ids = Int32Array.from({ length: settings.tokens }, () => random.integer(0, 255));
    let signal = tf.tensor2d(ids, [1, ids.length], 'int32');
    const passed = [];
    for await (const { piece, place, parameters } of byPiece(pieces, await tensorsOf(settings.start, graph, pieces))) {
      const isBlock = place > 0 && place < pieces.length - 1;
      const { output, ...measured } = passThrough(piece, parameters, signal, { hasGradient: isBlock, seed: place });
      signal.dispose();
      signal = output;
      passed.push(Object.fromEntries(Object.entries(measured).map(([name, value]) => [name, round(value)])));
    }
    const loss = tf.tidy(() => {
      const logits = tf.slice(tf.squeeze(signal, [0]), [0, 0], [ids.length - 1, -1]);
      const next = tf.oneHot(tf.tensor1d(ids.subarray(1), 'int32'), logits.shape[1]);
      return tf.neg(tf.mean(tf.sum(tf.mul(tf.logSoftmax(logits), next), 1))).dataSync()[0];
    });
    signal.dispose();
    return {
      parameters: parameterCount(graph),
      pieces: passed,
      loss: round(loss),
      seconds: round((performance.now() - started) / 1000),
    };
  });

/** The tensors of a start in the order of the graph's parameters. */
async function tensorsOf(start, graph, pieces) {
  if (start === 'random') return randomTensors(pieces);
  const hypernet = start.startsWith('templates')
    ? await openHypernet('gpts-wikitext2')
    : createHypernet(hypernetPreset('tiny', { domain: 'language', classes: 257 }), createRandom(0));
  return predict(hypernet, graph, { random: createRandom(2) });
}

/** RandInit of each piece, drawn when its turn has come. */
async function* randomTensors(pieces) {
  for (const [place, piece] of pieces.entries()) {
    const drawn = randomParameters(piece, createRandom(deriveSeed(3, place)));
    for (const { name, shape } of piece.parameters) {
      yield { name, shape, data: drawn[name].dataSync() };
      drawn[name].dispose();
    }
  }
}
