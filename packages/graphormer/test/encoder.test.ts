import '@logah/backend-ort';
import { createRandom } from '@logah/random';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  type EncoderGraph,
  encodeGraph,
  type GraphormerConfig,
  graphormerParameters,
  shapeVocabulary,
} from '../src/index.js';
import { shapeRows } from '../src/shape-index.js';

const vocabulary = shapeVocabulary(10, 16, 'vision');
const config: GraphormerConfig = { dim: 16, heads: 4, layers: 2, nodeTypes: 15, vocabulary };

/** A chain of four nodes. */
const chain: EncoderGraph = {
  nodeTypes: [9, 4, 10, 12],
  nodeShapes: [null, [32, 3, 2, 2], [32], [32]],
  edges: [0, 1, 1, 2, 2, 3],
  distances: [0, 1, 2, 3, 0, 0, 1, 2, 0, 0, 0, 1, 0, 0, 0, 0],
};

let parameters: Record<string, tf.Tensor>;
beforeAll(async () => {
  await tf.setBackend('ort');
  const random = createRandom(5);
  parameters = Object.fromEntries(
    graphormerParameters(config).map(({ name, shape, initial }) => [name, tf.tensor(initial(random), [...shape])]),
  );
});

const rowsOf = (embeddings: tf.Tensor2D): number[][] => embeddings.arraySync();

describe('encodeGraph', () => {
  it('knows a graph by its structure: nodes in another order have their embeddings in that order', () => {
    const order = [0, 2, 1, 3]; // the input stays first, for distances from it
    const permuted: EncoderGraph = {
      nodeTypes: order.map((node) => chain.nodeTypes[node]),
      nodeShapes: order.map((node) => chain.nodeShapes[node]),
      edges: Array.from(chain.edges, (node) => order.indexOf(node)),
      distances: order.flatMap((from) => order.map((to) => chain.distances[from * 4 + to])),
    };
    const [original, moved] = tf.tidy(() =>
      [chain, permuted].map((graph) => rowsOf(encodeGraph(parameters, graph, config))),
    );
    order.forEach((node, place) => {
      moved[place].forEach((value, i) => expect(value).toBeCloseTo(original[node][i], 5));
    });
  });

  it('gives nodes the same embeddings when the batch is padded', () => {
    const [plain, padded] = tf.tidy(() =>
      [{}, { paddedTo: 7 }].map((options) => rowsOf(encodeGraph(parameters, chain, config, options))),
    );
    expect(padded).toHaveLength(7);
    plain.forEach((row, node) => row.forEach((value, i) => expect(padded[node][i]).toBeCloseTo(value, 5)));
    expect(padded[4]).toEqual(padded[6]);
  });

  it('leaves no tensor behind, forward and backward', () => {
    const before = tf.memory().numTensors;
    const names = Object.keys(parameters);
    const run = (...values: tf.Tensor[]): tf.Tensor =>
      tf.sum(encodeGraph(Object.fromEntries(names.map((name, i) => [name, values[i]])), chain, config));
    tf.dispose(tf.grads(run)(names.map((name) => parameters[name])));
    expect(tf.memory().numTensors).toBe(before);
  });

  it('refuses arrays that disagree, a padding that is too small, and a missing parameter', () => {
    expect(() => encodeGraph(parameters, { ...chain, distances: [0, 1] }, config)).toThrow(
      'a graph of 4 node types wants 4 shapes and 16 distances, got 4 and 2',
    );
    expect(() => encodeGraph(parameters, chain, config, { paddedTo: 3 })).toThrow(
      'a graph of 4 nodes cannot be padded to 3',
    );
    const { 'embed.weight': _, ...rest } = parameters;
    expect(() => encodeGraph(rest, chain, config)).toThrow('the encoder\'s parameter "embed.weight" is missing');
  });
});

describe('shapeRows', () => {
  const sizesOf = (shape: readonly number[]): number[] => {
    const [out, inputs, height, width] = shapeRows(shape, vocabulary);
    return [
      vocabulary.channels[out],
      vocabulary.channels[inputs],
      vocabulary.spatial[height],
      vocabulary.spatial[width],
    ];
  };

  it.each([
    [
      [384, 96],
      [384, 96, 1, 1],
    ],
    [
      [5, 3, 3, 3],
      [8, 3, 3, 3],
    ], // 4 to 7 channels count as 8
    [
      [72, 1, 2, 2],
      [64, 1, 3, 3],
    ], // the lower of two near sizes; a kernel of 2 counts as 3
    [
      [50000, 768],
      [8192, 768, 1, 1],
    ],
    [
      [1, 384, 16, 16],
      [1, 384, 16, 16],
    ],
    [
      [1, 384, 31, 31],
      [1, 384, 16, 16],
    ],
    [
      [64, 10],
      [64, 10, 1, 1],
    ], // the number of classes has a row
  ])('%j is looked up as %j', (shape, known) => {
    expect(sizesOf(shape)).toEqual(known);
  });

  it('has a row of its own for no parameter', () => {
    expect(shapeRows(null, vocabulary)).toEqual([
      vocabulary.channels.length,
      vocabulary.channels.length,
      vocabulary.spatial.length,
      vocabulary.spatial.length,
    ]);
  });
});
