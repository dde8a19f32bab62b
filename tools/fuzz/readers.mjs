// What is fuzzed: every reader of files that come from outside, with real files to mutate.
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { datasetFromJsonLines } from '@logah/arch-datasets';
import { readDataset } from '@logah/data/node';
import { initTrainer } from '@logah/ghn-trainer';
import { readTrainerState, writeTrainerState } from '@logah/ghn-trainer/node';
import { buildArchitecture, graphFromJson, graphToJson, parseArchitecture } from '@logah/graph-ir';
import { graphFromConfig } from '@logah/graph-ir/huggingface';
import { openModel } from '@logah/graph-ir/node';
import { graphToOnnx } from '@logah/graph-ir/onnx';
import { createHypernet, disposeHypernet, hypernetPreset } from '@logah/hypernet';
import { readHypernet, writeHypernet } from '@logah/hypernet/node';
import { openTensorFile } from '@logah/pytorch-files/node';
import { createRandom } from '@logah/random';
import { encodeSafetensors } from '@logah/safetensors';
import { readSafetensors } from '@logah/safetensors/node';
import * as tf from '@tensorflow/tfjs-core';

const root = new URL('../../packages/', import.meta.url).pathname;
const fixture = (path) => readFileSync(join(root, path));
const json = (value) => Buffer.from(JSON.stringify(value));
const ofArchitecture = (text) => buildArchitecture(parseArchitecture(text));

const VIT = 'vit:layers=1,heads=2,hidden=8,mlp=8,patch=16,classes=3';
const GPT = 'gpt2:layers=1,heads=2,hidden=8,vocab=7,context=4';
const TEMPLATE = hypernetPreset('template-small', { templates: 1, maxChannels: 8, tokens: 5, dim: 8, heads: 2 });

const valuesOf = (graph) =>
  new Map(
    graph.parameters.map(({ name, shape }) => [name, new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(0.5)]),
  );

/** A safetensors file that an ONNX model reads its parameters from. */
function externalModel() {
  const graph = ofArchitecture(VIT);
  let offset = 0;
  const values = valuesOf(graph);
  const offsets = new Map();
  for (const [name, data] of values) {
    offsets.set(name, offset);
    offset += data.byteLength;
  }
  return {
    'model.onnx': graphToOnnx(graph, { externalFile: 'weights.bin', offsets }),
    'weights.bin': Buffer.concat([...values.values()].map((data) => Buffer.from(data.buffer))),
  };
}

function layersModel() {
  const layer = (class_name, name, config, from) => ({
    class_name,
    name,
    config: { name, ...config },
    inbound_nodes: from === undefined ? [] : [[[from, 0, 0, {}]]],
  });
  const topology = {
    class_name: 'Functional',
    config: {
      name: 'net',
      layers: [
        layer('InputLayer', 'in', { batch_input_shape: [null, 8, 8, 3], dtype: 'float32' }),
        layer('Conv2D', 'conv', { kernel_size: [3, 3], strides: [1, 1], padding: 'same', activation: 'relu' }, 'in'),
        layer('Flatten', 'flat', {}, 'conv'),
        layer('Dense', 'out', { units: 2, activation: 'softmax' }, 'flat'),
      ],
      input_layers: [['in', 0, 0]],
      output_layers: [['out', 0, 0]],
    },
  };
  const weights = [
    { name: 'conv/kernel', shape: [3, 3, 3, 2], dtype: 'float32' },
    { name: 'conv/bias', shape: [2], dtype: 'float32' },
    { name: 'out/kernel', shape: [128, 2], dtype: 'float32' },
    { name: 'out/bias', shape: [2], dtype: 'float32' },
  ];
  return {
    'model.json': json({ modelTopology: { model_config: topology }, weightsManifest: [{ paths: ['w.bin'], weights }] }),
    'w.bin': Buffer.alloc(4 * (54 + 2 + 256 + 2), 1),
  };
}

function graphModel() {
  const node = (name, op, input = [], attr = {}) => ({ name, op, input, attr });
  const nodes = [
    node('x', 'Placeholder', [], {
      dtype: { type: 'DT_FLOAT' },
      shape: { shape: { dim: [{ size: '-1' }, { size: '8' }, { size: '8' }, { size: '3' }] } },
    }),
    node('k', 'Const', [], { dtype: { type: 'DT_FLOAT' } }),
    node('axes', 'Const', [], { dtype: { type: 'DT_INT32' } }),
    node('conv', 'Conv2D', ['x', 'k'], {
      strides: { list: { i: ['1', '1', '1', '1'] } },
      padding: { s: 'U0FNRQ==' },
      data_format: { s: 'TkhXQw==' },
    }),
    node('relu', 'Relu', ['conv']),
    node('mean', 'Mean', ['relu', 'axes'], { keep_dims: { b: false } }),
  ];
  const weights = [
    { name: 'k', shape: [3, 3, 3, 2], dtype: 'float32' },
    { name: 'axes', shape: [2], dtype: 'int32' },
  ];
  const bytes = Buffer.alloc(4 * 56, 0);
  bytes.writeInt32LE(1, 216);
  bytes.writeInt32LE(2, 220);
  return {
    'model.json': json({
      format: 'graph-model',
      modelTopology: { node: nodes },
      weightsManifest: [{ paths: ['w.bin'], weights }],
    }),
    'w.bin': bytes,
  };
}

function idx(isCompressed) {
  const header = (magic, ...sizes) => {
    const bytes = Buffer.alloc(4 + 4 * sizes.length);
    bytes.writeUInt32BE(magic);
    sizes.forEach((size, i) => bytes.writeUInt32BE(size, 4 + 4 * i));
    return bytes;
  };
  const files = {};
  for (const split of ['train', 't10k']) {
    const images = Buffer.concat([header(0x803, 4, 5, 5), Buffer.alloc(100, 7)]);
    files[`${split}-images-idx3-ubyte${isCompressed ? '.gz' : ''}`] = isCompressed ? gzipSync(images) : images;
    files[`${split}-labels-idx1-ubyte`] = Buffer.concat([header(0x801, 4), Buffer.of(0, 1, 2, 1)]);
  }
  return files;
}

function cifar() {
  const record = (label) => Buffer.concat([Buffer.of(label), Buffer.alloc(3072, label)]);
  const files = { 'batches.meta.txt': Buffer.from(Array.from({ length: 10 }, (_, i) => `class${i}\n`).join('')) };
  for (const name of [1, 2, 3, 4, 5].map((i) => `data_batch_${i}.bin`).concat('test_batch.bin'))
    files[name] = Buffer.concat([record(1), record(9)]);
  return files;
}

async function pictures() {
  const { default: sharp } = await import(createRequire(join(root, 'data/package.json')).resolve('sharp'));
  const picture = (background, format) =>
    sharp({ create: { width: 9, height: 7, channels: 3, background } })
      .toFormat(format)
      .toBuffer();
  const files = {};
  for (const split of ['train', 'test']) {
    files[`${split}/cat/1.png`] = await picture('#f00', 'png');
    files[`${split}/dog/1.jpg`] = await picture('#00f', 'jpeg');
  }
  return files;
}

async function written(write) {
  const { mkdtempSync, rmSync } = await import('node:fs');
  const { tmpdir } = await import('node:os');
  const folder = mkdtempSync(join(tmpdir(), 'logah-corpus-'));
  const path = join(folder, 'file.safetensors');
  await write(path);
  const bytes = readFileSync(path);
  rmSync(folder, { recursive: true });
  return bytes;
}

const GPT_CONFIG = { model_type: 'gpt2', n_layer: 1, n_head: 2, n_embd: 8, vocab_size: 7, n_positions: 4 };
const BERT_CONFIG = {
  ...{ model_type: 'bert', architectures: ['BertForMaskedLM'], num_hidden_layers: 1, num_attention_heads: 2 },
  ...{ hidden_size: 8, intermediate_size: 8, vocab_size: 7, max_position_embeddings: 4, hidden_act: 'gelu' },
};
const RESNET_CONFIG = {
  ...{ model_type: 'resnet', hidden_sizes: [8, 8], depths: [1, 1], embedding_size: 8, layer_type: 'basic' },
  id2label: { 0: 'a', 1: 'b' },
};

const dataset = (data) => async (path) => {
  const dataDir = path.slice(0, path.lastIndexOf('/'));
  const { train } = await readDataset({ data, dataDir, tokenizer: 'bytes', context: 4 });
  const { inputs, labels } = train.batch([0]);
  tf.dispose([inputs, labels]);
};

async function model(path) {
  const opened = openModel(path);
  try {
    for (const { name, shape } of opened.graph.parameters)
      if (shape.reduce((a, b) => a * b, 1) < 1e6) opened.values(name);
  } finally {
    opened.close();
  }
}

/** Reads the options of `logah train`, and fails for want of data when they are accepted. */
async function options(path) {
  const dist = join(root, 'cli/dist');
  const chunk = readdirSync(dist).find((name) => /^train-.*\.js$/.test(name));
  const { trainCommand } = await import(join(dist, chunk));
  const command = trainCommand()
    .exitOverride()
    .configureOutput({ writeErr: () => {} });
  try {
    await command.parseAsync(
      ['--config', path, '--data-dir', '/nowhere', '--backend', 'cpu', '--out', '/nowhere/out'],
      {
        from: 'user',
      },
    );
  } catch (error) {
    if (!/\/nowhere/.test(error.message)) throw error;
  }
}

const text = (read) => async (path) => read(readFileSync(path, 'utf8'), path);

/** Every reader: files to mutate, by name, and what reads the one that is named first. */
export async function readers() {
  const hypernet = createHypernet(TEMPLATE, createRandom(0));
  const checkpoint = await written((path) => writeHypernet(path, hypernet));
  const state = await written((path) => writeTrainerState(path, initTrainer(hypernet)));
  disposeHypernet(hypernet);
  const one = (name, bytes) => ({ [name]: bytes });
  return {
    onnx: {
      corpus: [
        one('model.onnx', graphToOnnx(ofArchitecture(VIT), { values: valuesOf(ofArchitecture(VIT)) })),
        one('model.onnx', graphToOnnx(ofArchitecture(GPT), { values: valuesOf(ofArchitecture(GPT)) })),
        one('model.onnx', fixture('graph-ir/test/fixtures/vit-pytorch.onnx')),
      ],
      read: model,
    },
    'external data': { corpus: [externalModel()], read: model },
    'TensorFlow.js': { corpus: [layersModel(), graphModel()], read: model },
    'Hugging Face': {
      corpus: [GPT_CONFIG, BERT_CONFIG, RESNET_CONFIG].map((config) => one('config.json', json(config))),
      read: text(graphFromConfig),
    },
    'graph JSON': {
      corpus: [VIT, GPT].map((name) => one('net.graph.json', Buffer.from(graphToJson(ofArchitecture(name))))),
      read: text(graphFromJson),
    },
    safetensors: {
      corpus: [
        one('a.safetensors', fixture('safetensors/test/fixtures/pytorch-written.safetensors')),
        one(
          'a.safetensors',
          encodeSafetensors([['w', { shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) }]], { a: 'b' }),
        ),
      ],
      read: readSafetensors,
    },
    PyTorch: {
      corpus: ['vit-mini.pt', 'vit-mini.legacy.pt', 'ghn3-vit-mini.joblib.pt'].map((name) =>
        one('a.pt', fixture(`hypernet/test/fixtures/${name}`)),
      ),
      read: async (path) => {
        const file = await openTensorFile(path);
        try {
          for (const name of file.tensors.keys()) await file.readBytes(name);
        } finally {
          await file.close();
        }
      },
    },
    checkpoints: {
      corpus: [one('h.safetensors', checkpoint), one('h.pt', fixture('hypernet/test/fixtures/vit-mini.pt'))],
      read: async (path) => disposeHypernet(await readHypernet(path)),
    },
    states: {
      corpus: [one('step-0000000.safetensors', state)],
      read: async (path) => {
        const { hypernet: own, optimizer } = await readTrainerState(path);
        tf.dispose([own.parameters, optimizer.first, optimizer.second].map((record) => Object.values(record)));
      },
    },
    'JSON Lines': {
      corpus: [
        one(
          'nets.jsonl',
          Buffer.from([VIT, GPT].map((name) => `${JSON.stringify({ architecture: name, split: 'train' })}\n`).join('')),
        ),
      ],
      read: text(datasetFromJsonLines),
    },
    'config files': {
      corpus: [
        one(
          'options.json',
          json({ lr: 0.001, 'meta-batch': 2, saveEvery: 3, data: 'text', json: true, reference: true }),
        ),
      ],
      read: options,
    },
    IDX: { corpus: [idx(true), idx(false)], read: dataset('idx') },
    CIFAR: { corpus: [cifar()], read: dataset('cifar10') },
    'image folders': {
      corpus: [await pictures()],
      read: async (path) => dataset('folder')(path.replace(/\/(train|test)\/[^/]+/, '')),
    },
    text: {
      corpus: [{ 'train.txt': Buffer.from('some words to read'), 'test.txt': Buffer.from('and others') }],
      read: dataset('text'),
    },
  };
}
