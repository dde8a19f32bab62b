// Graphs that left as ONNX, run by ONNX Runtime, against our own forward pass.
import '@logah/backend-ort';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type ActivationFunction,
  buildArchitecture,
  elementCount,
  type Graph,
  GraphBuilder,
  parseArchitecture,
} from '@logah/graph-ir';
import { graphFromConfig } from '@logah/graph-ir/huggingface';
import { graphToOnnx } from '@logah/graph-ir/onnx';
import * as tf from '@tensorflow/tfjs-core';
import * as ort from 'onnxruntime-node';
import { beforeAll, describe, expect, it } from 'vitest';
import { forward } from '../src/index.js';
import { noise } from './noise.js';

beforeAll(() => tf.setBackend('ort'));

const config = (fields: object): Graph => graphFromConfig(JSON.stringify(fields));
const small = { hidden_size: 16, num_hidden_layers: 2, num_attention_heads: 4, intermediate_size: 24 };

const ACTIVATIONS: readonly ActivationFunction[] = [
  'gelu_tanh',
  'tanh',
  'hard_sigmoid',
  'hard_swish',
  'sigmoid',
  'relu6',
];

/** What no architecture has: other activations, pooling that does not divide, means of windows with padding. */
function oddNetwork(): Graph {
  const g = new GraphBuilder('odd');
  const image = g.input('image', ['batch', 3, 9, 7]);
  let x = g.conv2d(image, 'conv', { out: 6, kernel: 3, dilation: 2, padding: 2, groups: 3 });
  for (const name of ACTIVATIONS) x = g.activation(x, name);
  x = g.avgPool(x, { kernel: 3, stride: 2, padding: 1 });
  return g.build([g.reshape(g.adaptiveAvgPool(x, 3), [0, -1])]);
}

const CASES: ReadonlyArray<readonly [name: string, graph: () => Graph]> = [
  ['vit', () => buildArchitecture(parseArchitecture('vit:layers=2,heads=4,hidden=32,mlp=64,patch=8'))],
  ['gpt2', () => buildArchitecture(parseArchitecture('gpt2:layers=2,heads=4,hidden=32,vocab=50,context=12'))],
  ['llama', () => buildArchitecture(parseArchitecture('llama:layers=2,heads=4,kvHeads=2,hidden=32,mlp=64,vocab=50'))],
  ['bert', () => config({ model_type: 'bert', ...small, vocab_size: 50, max_position_embeddings: 12 })],
  ['transformers’ vit', () => config({ model_type: 'vit', ...small, image_size: 16, patch_size: 4 })],
  ['gemma', () => config({ model_type: 'gemma', ...small, num_key_value_heads: 1, head_dim: 6, vocab_size: 50 })],
  ['phi3', () => config({ model_type: 'phi3', ...small, num_key_value_heads: 2, vocab_size: 50 })],
  ['roberta', () => config({ model_type: 'roberta', ...small, vocab_size: 50, max_position_embeddings: 12 })],
  [
    'deit',
    () =>
      config({
        model_type: 'deit',
        ...small,
        image_size: 16,
        patch_size: 4,
        architectures: ['DeiTForImageClassificationWithTeacher'],
      }),
  ],
  ['resnet18', () => buildArchitecture(parseArchitecture('resnet18:image=64,classes=10'))],
  ['mobilenet_v2', () => buildArchitecture(parseArchitecture('mobilenet_v2:image=64,classes=10'))],
  ['efficientnet_b0', () => buildArchitecture(parseArchitecture('efficientnet_b0:image=64,classes=10'))],
  ['densenet121', () => buildArchitecture(parseArchitecture('densenet121:image=64,classes=10'))],
  ['convnext', () => buildArchitecture(parseArchitecture('convnext:depth=1,width=16,image=64,classes=10'))],
  ['odd operators', oddNetwork],
];

/** Weights with the deviation √(2 / fan-in), vectors around 1. */
const parametersOf = (graph: Graph): Map<string, Float32Array> =>
  new Map(
    graph.parameters.map(({ name, shape }, i) => {
      const scale = shape.length > 1 ? Math.sqrt(6 / elementCount(shape.slice(1))) : 0.1;
      const isGain = shape.length === 1 && name.endsWith('weight');
      return [name, noise(elementCount(shape), i + 1, (x) => (isGain ? 1 : 0) + scale * x)];
    }),
  );

function inputsOf(graph: Graph): Array<readonly [name: string, shape: number[], data: Float32Array | Int32Array]> {
  return graph.inputs.map((name) => {
    const { dtype, shape } = graph.values[name];
    const sizes = shape.map((size) => (size === 'batch' ? 2 : size === 'time' ? 7 : Number(size)));
    const values = noise(elementCount(sizes), 0, (x) => x);
    // Token types are 0 or 1, which every vocabulary has.
    return [name, sizes, dtype === 'int32' ? Int32Array.from(values, (x) => Number(x > 0)) : values];
  });
}

function ours(graph: Graph, parameters: ReadonlyMap<string, Float32Array>) {
  return tf.tidy(() => {
    const tensors = Object.fromEntries(
      graph.parameters.map(({ name, shape }) => [name, tf.tensor(parameters.get(name) ?? [], [...shape])]),
    );
    const inputs = Object.fromEntries(
      inputsOf(graph).map(([name, shape, data]) => [
        name,
        tf.tensor(data, shape, data instanceof Int32Array ? 'int32' : 'float32'),
      ]),
    );
    const [output] = forward(graph, tensors, inputs);
    return { shape: output.shape, data: output.dataSync<'float32'>().slice() };
  });
}

async function theirs(graph: Graph, model: Uint8Array | string) {
  const session = await (typeof model === 'string'
    ? ort.InferenceSession.create(model)
    : ort.InferenceSession.create(model));
  const feeds = Object.fromEntries(
    inputsOf(graph).map(([name, shape, data]) => [
      name,
      data instanceof Int32Array ? new ort.Tensor('int32', data, shape) : new ort.Tensor('float32', data, shape),
    ]),
  );
  const { [graph.outputs[0]]: output } = await session.run(feeds);
  return { shape: output.dims, data: output.data as Float32Array };
}

function expectSame(own: Awaited<ReturnType<typeof theirs>>, other: Awaited<ReturnType<typeof theirs>>): void {
  expect(other.shape).toEqual(own.shape);
  const largest = own.data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  let difference = 0;
  own.data.forEach((value, i) => {
    difference = Math.max(difference, Math.abs(value - other.data[i]));
  });
  // Up to some hundred layers of float32 sums in another order.
  expect(difference / largest).toBeLessThan(1e-4);
}

describe('ONNX Runtime', () => {
  it.each(CASES)('computes what we do from %s', async (_, build) => {
    const graph = build();
    const values = parametersOf(graph);
    expectSame(ours(graph, values), await theirs(graph, graphToOnnx(graph, { values })));
  });

  it('reads parameters from a file beside the model', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'logah-onnx-'));
    const graph = CASES[0][1]();
    const values = parametersOf(graph);
    const path = join(folder, 'net.onnx');
    await writeFile(path, graphToOnnx(graph, { externalFile: 'net.onnx.data' }));
    const bytes = graph.parameters.map(({ name }) => Buffer.from(values.get(name)?.buffer ?? new ArrayBuffer(0)));
    await writeFile(join(folder, 'net.onnx.data'), Buffer.concat(bytes));
    expectSame(ours(graph, values), await theirs(graph, path));
    await rm(folder, { recursive: true });
  });
});

describe('graphToOnnx', () => {
  it('names a parameter without values', () => {
    const graph = CASES[0][1]();
    const values = parametersOf(graph);
    values.set('conv_proj.bias', new Float32Array(3));
    expect(() => graphToOnnx(graph, { values })).toThrow('the parameter "conv_proj.bias" wants 32 values, got 3');
    values.delete('conv_proj.bias');
    expect(() => graphToOnnx(graph, { values })).toThrow(
      'the parameter "conv_proj.bias" wants 32 values, but has none',
    );
  });
});
