// Keras' layers one by one: models that TensorFlow.js makes and saves, through our graph against its own predictions.
import '@logah/backend-ort';
import '@tensorflow/tfjs-backend-cpu';
import { type Dimension, elementCount } from '@logah/graph-ir';
import { graphFromTfjs, keptOperators } from '@logah/graph-ir/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import * as layers from '@tensorflow/tfjs-layers';
import { describe, expect, it } from 'vitest';
import { noise } from './noise.js';
import { expectSame, type Given, type Numbers, numbersOf, run, tensorOf, valuesOf } from './real-models.js';

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

const recurrent = { units: 4, recurrentActivation: 'sigmoid', recurrentInitializer: 'glorotNormal' } as const;
const masked = { inputDim: 9, outputDim: 6, inputLength: 8, maskZero: true };

const FIELDS: Readonly<Record<string, () => Layer[]>> = {
  // As many of time as of features: a norm along the wrong axis would run, too.
  'a layer norm along time': () => [layers.layers.layerNormalization({ inputShape: [5, 5], axis: 1 })],
  'a layer norm along time and features of other sizes': () => [
    layers.layers.layerNormalization({ inputShape: [9, 5], axis: 1 }),
    layers.layers.layerNormalization({ axis: 2, epsilon: 0.1 }),
  ],
  'flattening with channels that are said to be first': () => [
    layers.layers.conv2d({ ...image, filters: 4, kernelSize: 1 }),
    layers.layers.flatten({ dataFormat: 'channelsFirst' }),
  ],
  'straight lines between pixels': () => [
    layers.layers.upSampling2d({ ...image, size: [2, 3], interpolation: 'bilinear' }),
  ],
  'masked tokens that nothing reads the mask of': () => [
    layers.layers.embedding(masked),
    layers.layers.dense({ units: 3 }),
  ],
};

const REFUSED: Readonly<Record<string, readonly [make: () => Layer[], message: string]>> = {
  'a mask that a recurrent layer reads': [
    () => [layers.layers.embedding(masked), layers.layers.dropout({ rate: 0.5 }), layers.layers.lstm(recurrent)],
    'is given a mask (of "mask_zero" or a Masking layer), which is not known',
  ],
  'a mask behind a convolution': [
    () => [
      layers.layers.embedding(masked),
      layers.layers.conv1d({ filters: 3, kernelSize: 3, padding: 'same' }),
      layers.layers.lstm(recurrent),
    ],
    'is given a mask',
  ],
  'a norm without weights': [
    () => [layers.layers.layerNormalization({ ...signal, center: false, scale: false })],
    'has neither a scale nor a center, which is not known',
  ],
  'an LSTM that goes backwards': [
    () => [layers.layers.lstm({ ...signal, ...recurrent, goBackwards: true })],
    'goes backwards',
  ],
};

/** A vector for each channel of an image: its values are spread over the pixels, not over the rows. */
function gated(): layers.LayersModel {
  const input = layers.input({ shape: [3, 2, 2] });
  const seen = layers.layers.conv2d({ filters: 2, kernelSize: 1 }).apply(input) as layers.SymbolicTensor;
  const pooled = layers.layers.globalAveragePooling2d({}).apply(seen) as layers.SymbolicTensor;
  return layers.model({
    inputs: input,
    outputs: [layers.layers.add(), layers.layers.average(), layers.layers.maximum()].map(
      (merge) => merge.apply([seen, pooled]) as layers.SymbolicTensor,
    ),
  });
}

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

/** Compares with what `right` says of the only input, or else with what the model predicts. Gives the operators that are kept. */
async function compare(model: layers.LayersModel, right?: (input: Given) => Numbers): Promise<string[]> {
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
  const wanted = right
    ? [...inputs.values()].map(right)
    : (Array.isArray(predicted) ? predicted : [predicted]).map(numbersOf);
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

  it.each(Object.keys(FIELDS))('%s', { timeout: 20_000 }, async (name) => {
    await tf.setBackend('cpu');
    await compare(layers.sequential({ layers: FIELDS[name]() }));
  });

  // TensorFlow.js' own kernel for the processor normalises along the last axis, whatever the layer says: the right values are worked out here.
  it.each([
    ['rows', [4, 4, 4], 1],
    ['columns', [4, 4, 4], 2],
    ['channels', [4, 4, 4], 3],
    ['time', [5, 5], 1],
  ])('a batch norm along %s', async (_, inputShape, axis) => {
    await tf.setBackend('cpu');
    const model = layers.sequential({ layers: [layers.layers.batchNormalization({ inputShape, axis })] });
    fill(model);
    const [gamma, beta, mean, variance] = model.getWeights().map((weight) => weight.dataSync());
    await compare(model, ({ dims, data }) => {
      const inner = elementCount(dims.slice(axis + 1));
      const normal = Float32Array.from(data, (x, i) => {
        const channel = Math.floor(i / inner) % dims[axis];
        return (gamma[channel] * (x - mean[channel])) / Math.sqrt(variance[channel] + 1e-3) + beta[channel];
      });
      return { dims, data: normal };
    });
  });

  it('that merges values of different numbers of axes', { timeout: 20_000 }, async () => {
    await tf.setBackend('cpu');
    await compare(gated());
  });

  it.each(Object.keys(REFUSED))('%s is refused by name', async (name) => {
    await tf.setBackend('cpu');
    const [make, message] = REFUSED[name];
    await expect(compare(layers.sequential({ layers: make() }))).rejects.toThrow(message);
  });

  it.each([
    ['DepthwiseConv2D', 'groups', 2, 'has groups 2; 1 is known'],
    ['Dense', 'lookahead', 3, 'has the field "lookahead" (3), which is not known'],
    ['Dense', 'dtype', 'float64', 'should be one of float32'],
    ['Dense', 'activation', { class_name: 'relu', config: { max_value: 2 } }, 'has settings of the activation'],
    ['Flatten', 'data_format', 'channels_middle', 'should be "channels_last" or "channels_first"'],
    ['UpSampling2D', 'interpolation', 'bicubic', 'should be "nearest" or "bilinear"'],
  ])('a %s with the field %s %j is refused by name', async (kind, field, value, message) => {
    await tf.setBackend('cpu');
    const model = layers.sequential({
      layers: [
        layers.layers.upSampling2d({ inputShape: [2, 2, 2], size: [2, 2] }),
        layers.layers.depthwiseConv2d({ kernelSize: 1 }),
        layers.layers.flatten({}),
        layers.layers.dense({ units: 2 }),
      ],
    });
    const { modelTopology, weightSpecs } = await saved(model);
    const config = (modelTopology as { config: { layers: Array<{ class_name: string; config: object }> } }).config;
    const topology = {
      ...modelTopology,
      config: {
        ...config,
        layers: config.layers.map((layer) =>
          layer.class_name === kind ? { ...layer, config: { ...layer.config, [field]: value } } : layer,
        ),
      },
    };
    const weightsManifest = [{ paths: ['weights.bin'], weights: weightSpecs }];
    expect(() => graphFromTfjs(JSON.stringify({ modelTopology: topology, weightsManifest }), 'model.json')).toThrow(
      message,
    );
  });

  it('with several inputs, layers and models that are called twice, and a model as a layer', async () => {
    await tf.setBackend('cpu');
    expect((await compare(merged())).sort()).toEqual(['Max', 'Mean', 'Min']);
  });
});
