// Keras' layers one by one: models that TensorFlow.js makes and saves, through our graph against its own predictions.
import '@logah/backend-ort';
import '@tensorflow/tfjs-backend-cpu';
import { type Dimension, elementCount } from '@logah/graph-ir';
import { graphFromTfjs, keptOperators } from '@logah/graph-ir/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import * as layers from '@tensorflow/tfjs-layers';
import { describe, expect, it } from 'vitest';
import { noise } from './noise.js';
import { expectSame, type Given, numbersOf, run, tensorOf, valuesOf } from './real-models.js';

const image = { inputShape: [11, 12, 4] };
const signal = { inputShape: [13, 6] };
const vector = { inputShape: [24] };

type Layer = layers.layers.Layer;

const SEQUENCES: Readonly<Record<string, () => Layer[]>> = {
  'dense layers with every activation': () => [
    layers.layers.dense({ ...vector, units: 20, activation: 'elu' }),
    layers.layers.dense({ units: 20, activation: 'hardSigmoid' }),
    layers.layers.dense({ units: 20, activation: 'relu6' }),
    layers.layers.dense({ units: 20, activation: 'selu' }),
    layers.layers.dense({ units: 20, activation: 'softplus' }),
    layers.layers.dense({ units: 20, activation: 'softsign' }),
    layers.layers.dense({ units: 20, activation: 'swish' }),
    layers.layers.dense({ units: 20, activation: 'mish' }),
    layers.layers.dense({ units: 20, activation: 'tanh', useBias: false }),
    layers.layers.dense({ units: 20, activation: 'sigmoid' }),
    layers.layers.dense({ units: 20, activation: 'softmax' }),
  ],
  'a stride of two with same padding': () => [
    layers.layers.conv2d({ ...image, filters: 6, kernelSize: 3, strides: 2, padding: 'same', activation: 'relu' }),
    layers.layers.conv2d({ filters: 5, kernelSize: [2, 4], padding: 'same', useBias: false }),
  ],
  'dilated, depthwise and separable convolutions': () => [
    layers.layers.conv2d({ ...image, filters: 6, kernelSize: 3, dilationRate: 2 }),
    layers.layers.depthwiseConv2d({ kernelSize: 3, depthMultiplier: 2, padding: 'same' }),
    layers.layers.separableConv2d({ filters: 7, kernelSize: 3, depthMultiplier: 2, activation: 'relu' }),
  ],
  'transposed convolutions': () => [
    layers.layers.conv2dTranspose({ ...image, filters: 5, kernelSize: 3, strides: 2, padding: 'same' }),
    layers.layers.conv2dTranspose({ filters: 3, kernelSize: 4, strides: 2 }),
    layers.layers.conv2dTranspose({ filters: 3, kernelSize: 1, strides: 2, padding: 'same' }),
  ],
  'a small convolutional classifier': () => [
    layers.layers.zeroPadding2d({
      ...image,
      padding: [
        [0, 1],
        [2, 1],
      ],
    }),
    layers.layers.conv2d({ filters: 8, kernelSize: 3, useBias: false }),
    layers.layers.batchNormalization({}),
    layers.layers.leakyReLU({}),
    layers.layers.maxPooling2d({ poolSize: 2 }),
    layers.layers.averagePooling2d({ poolSize: 3, strides: 2, padding: 'same' }),
    layers.layers.flatten({}),
    layers.layers.dropout({ rate: 0.5 }),
    layers.layers.dense({ units: 10 }),
    layers.layers.softmax({}),
  ],
  'larger and smaller images': () => [
    layers.layers.upSampling2d({ ...image, size: [2, 3] }),
    layers.layers.cropping2D({
      cropping: [
        [1, 2],
        [3, 0],
      ],
    }),
    layers.layers.upSampling2d({ size: [2, 2], interpolation: 'bilinear' }),
    layers.layers.prelu({}),
    layers.layers.globalMaxPooling2d({}),
  ],
  'means of images': () => [
    layers.layers.conv2d({ ...image, filters: 20, kernelSize: 1 }),
    layers.layers.globalAveragePooling2d({}),
    layers.layers.repeatVector({ n: 3 }),
    layers.layers.permute({ dims: [2, 1] }),
    layers.layers.reshape({ targetShape: [4, 15] }),
    layers.layers.layerNormalization({}),
  ],
  signals: () => [
    layers.layers.conv1d({ ...signal, filters: 8, kernelSize: 3, strides: 2, padding: 'same', activation: 'relu' }),
    layers.layers.batchNormalization({}),
    layers.layers.maxPooling1d({ poolSize: 2 }),
    layers.layers.conv1d({ filters: 18, kernelSize: 2 }),
    layers.layers.averagePooling1d({ poolSize: 2, strides: 1, padding: 'same' }),
    layers.layers.globalAveragePooling1d({}),
  ],
  'a long short-term memory': () => [
    layers.layers.lstm({
      ...signal,
      units: 5,
      returnSequences: true,
      recurrentActivation: 'sigmoid',
      recurrentInitializer: 'glorotNormal',
    }),
    layers.layers.lstm({
      units: 7,
      recurrentActivation: 'sigmoid',
      recurrentInitializer: 'glorotNormal',
      useBias: false,
    }),
    layers.layers.dense({ units: 3 }),
  ],
  tokens: () => [
    layers.layers.embedding({ inputDim: 9, outputDim: 6, inputLength: 8 }),
    layers.layers.globalMaxPooling1d({}),
    layers.layers.reLU({ maxValue: 0.5 }),
    layers.layers.elu(),
  ],
};

function merged(): layers.LayersModel {
  const left = layers.input({ shape: [6, 6, 5] });
  const right = layers.input({ shape: [6, 6, 5] });
  const shared = layers.layers.conv2d({ filters: 5, kernelSize: 3, padding: 'same', activation: 'tanh' });
  const [a, b] = [shared.apply(left), shared.apply(right)] as [layers.SymbolicTensor, layers.SymbolicTensor];
  const mixed = [
    layers.layers.add().apply([a, b, left]),
    layers.layers.multiply().apply([a, b]),
    layers.layers.average().apply([a, right]),
    layers.layers.maximum().apply([a, b]),
    layers.layers.minimum().apply([a, b]),
  ] as layers.SymbolicTensor[];
  const joined = layers.layers.concatenate().apply(mixed) as layers.SymbolicTensor;
  const inner = layers.sequential({ layers: [layers.layers.dense({ inputShape: [6, 6, 25], units: 3 })] });
  const tower = layers.sequential({
    layers: [layers.layers.dense({ inputShape: [6, 6, 5], units: 4, activation: 'relu' }), layers.layers.flatten({})],
  });
  const [c, d] = [tower.apply(a), tower.apply(b)] as [layers.SymbolicTensor, layers.SymbolicTensor];
  const difference = layers.layers.maximum().apply([c, d]) as layers.SymbolicTensor;
  const tall = layers.layers.concatenate({ axis: 1 }).apply([a, b]) as layers.SymbolicTensor;
  return layers.model({
    inputs: [left, right],
    outputs: [inner.apply(joined) as layers.SymbolicTensor, tall, difference],
  });
}

/** Weights other than those that layers begin with: biases are zeros and norms ones. Variances must not be negative. */
function fill(model: layers.LayersModel): void {
  model.setWeights(
    model.weights.map(({ shape, originalName }, i) => {
      const dims = shape.map(Number);
      const values = noise(elementCount(dims), i, (x) => (originalName.endsWith('variance') ? 1.1 + x : x));
      return tf.tensor(values, dims);
    }),
  );
}

async function saved(model: layers.LayersModel): Promise<tf.io.ModelArtifacts> {
  let artifacts: tf.io.ModelArtifacts = {};
  await model.save(
    tf.io.withSaveHandler(async (made) => {
      artifacts = made;
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
    }),
  );
  return artifacts;
}

async function compare(model: layers.LayersModel): Promise<string[]> {
  fill(model);
  const { modelTopology, weightSpecs, weightData } = await saved(model);
  const bytes = new Uint8Array(weightData as ArrayBuffer);
  const text = JSON.stringify({ modelTopology, weightsManifest: [{ paths: ['weights.bin'], weights: weightSpecs }] });
  const readPlace = (_: string, offset: number, length: number) => bytes.subarray(offset, offset + length);
  const { graph, tensors } = graphFromTfjs(text, 'model.json', { readPlace });
  const values = valuesOf(tensors, readPlace);
  const isTokens = model.layers[0].getClassName() === 'Embedding';
  const inputs = new Map(
    graph.inputs.map((name, i): [string, Given] => {
      const dims = graph.values[name].shape.map((size: Dimension) => (typeof size === 'number' ? size : 2));
      return [name, { dims, data: noise(elementCount(dims), i, (x) => (isTokens ? Math.floor(4 * (x + 1)) : x)) }];
    }),
  );
  const predicted = model.predict([...inputs.values()].map(tensorOf)) as tf.Tensor | tf.Tensor[];
  const wanted = (Array.isArray(predicted) ? predicted : [predicted]).map(numbersOf);
  await tf.setBackend('ort');
  run(graph, values, inputs).forEach((found, i) => {
    expectSame(found, wanted[i]);
  });
  return keptOperators(graph).map(({ operator }) => operator);
}

describe("a model of TensorFlow.js' layers", () => {
  it.each(Object.keys(SEQUENCES))('%s', { timeout: 20_000 }, async (name) => {
    await tf.setBackend('cpu');
    await compare(layers.sequential({ layers: SEQUENCES[name]() }));
  });

  it('with several inputs, layers and models that are called twice, and a model as a layer', async () => {
    await tf.setBackend('cpu');
    expect((await compare(merged())).sort()).toEqual(['Max', 'Mean', 'Min']);
  });
});
