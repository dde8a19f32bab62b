// Real TensorFlow.js models, as npm packages ship them, through our graph: its forward pass and its way out as ONNX against TensorFlow.js' own runtime.
import '@logah/backend-ort';
import '@tensorflow/tfjs-backend-cpu';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Dimension, elementCount, graphFromJson, graphToJson, toComputationalGraph } from '@logah/graph-ir';
import { drawGraph, fold, toSvg } from '@logah/graph-ir/draw';
import { openModel } from '@logah/graph-ir/node';
import { graphToOnnx } from '@logah/graph-ir/onnx';
import { keptOperators } from '@logah/graph-ir/tfjs';
import { GraphModel } from '@tensorflow/tfjs-converter';
import * as tf from '@tensorflow/tfjs-core';
import { loadLayersModel } from '@tensorflow/tfjs-layers';
import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { noise } from './noise.js';
import { expectSame, type Given, type Numbers, numbersOf, run, tensorOf } from './real-models.js';

const MODULES = fileURLToPath(new URL('../node_modules', import.meta.url));
const human = (name: string): string => join(MODULES, '@vladmandic', 'human', 'models', `${name}.json`);

interface RealModel {
  readonly name: string;
  readonly path: string;
  /** What stays an operator of ONNX. */
  readonly kept: readonly string[];
}

const MODELS: readonly RealModel[] = [
  { name: 'face detection (BlazeFace)', path: human('blazeface'), kept: ['Pad'] },
  { name: 'face mesh', path: human('facemesh'), kept: ['PRelu', 'Pad'] },
  { name: 'iris', path: human('iris'), kept: ['PRelu', 'Pad'] },
  { name: 'emotion', path: human('emotion'), kept: ['Softmax'] },
  { name: 'face description (MobileNet)', path: human('faceres'), kept: ['Add', 'Softmax'] },
  { name: 'hand landmarks', path: human('handlandmark-lite'), kept: ['Add'] },
  { name: 'liveness', path: human('liveness'), kept: ['Add', 'Mul', 'Softmax'] },
  { name: 'anti-spoofing', path: human('antispoof'), kept: [] },
  {
    name: 'poses (MoveNet)',
    path: human('movenet-lightning'),
    kept: ['Add', 'ArgMax', 'Cast', 'Concat', 'Div', 'GatherND', 'Mod', 'Mul', 'Resize', 'Split', 'Sqrt', 'Sub'],
  },
  {
    name: 'objects (CenterNet, MobileNetV3)',
    path: human('centernet'),
    kept: ['Add', 'Cast', 'Div', 'Equal', 'Gather', 'Mod', 'Mul', 'Resize', 'Slice', 'Sub', 'TopK'],
  },
  {
    name: 'notes of music (Basic Pitch)',
    path: join(MODULES, '@spotify', 'basic-pitch', 'model', 'model.json'),
    kept: [
      'Add',
      'Div',
      'Equal',
      'Log',
      'Mul',
      'Neg',
      'Pad',
      'ReduceMax',
      'ReduceMin',
      'ReduceSum',
      'Slice',
      'Sqrt',
      'Sub',
      'Where',
    ],
  },
  {
    name: 'larger images (ESRGAN, a layers model)',
    path: join(MODULES, '@upscalerjs', 'default-model', 'models', 'model.json'),
    kept: ['Resize'],
  },
];

const sizeOf = (size: Dimension): number => (typeof size === 'number' ? size : size === 'batch' ? 1 : 24);

/** What TensorFlow.js' own runtime computes. */
async function theirs(path: string, inputs: ReadonlyMap<string, Given>, outputs: string[]): Promise<Numbers[]> {
  const { modelTopology, weightsManifest, format, signature } = JSON.parse(readFileSync(path, 'utf8'));
  const groups: Array<{ paths: string[]; weights: tf.io.WeightsManifestEntry[] }> = weightsManifest;
  const shards = groups.flatMap(({ paths }) => paths.map((shard) => readFileSync(join(dirname(path), shard))));
  const handler = tf.io.fromMemory({
    modelTopology,
    format,
    signature,
    weightSpecs: groups.flatMap(({ weights }) => weights),
    weightData: Uint8Array.from(Buffer.concat(shards)).buffer,
  });
  const tensors = [...inputs].map(([name, input]) => [name, tensorOf(input)] as const);
  let results: tf.Tensor | tf.Tensor[];
  if (modelTopology.node) {
    const model = new GraphModel(handler);
    await model.load();
    results = model.execute(Object.fromEntries(tensors), outputs);
  } else {
    const model = await loadLayersModel(handler);
    results = model.predict(tensors.map(([, tensor]) => tensor)) as tf.Tensor | tf.Tensor[];
  }
  return (Array.isArray(results) ? results : [results]).map(numbersOf);
}

describe('a real TensorFlow.js model', () => {
  it.each(MODELS)(
    '$name computes what TensorFlow.js does, here and as ONNX',
    { timeout: 240_000 },
    async ({ path }) => {
      const model = openModel(path);
      const graph = graphFromJson(graphToJson(model.graph));
      const values = new Map(graph.parameters.map(({ name }) => [name, model.values(name)]));
      model.close();
      const inputs = new Map(
        graph.inputs.map((name, i): [string, Given] => {
          const { dtype, shape } = graph.values[name];
          const dims = shape.map(sizeOf);
          const whole = dtype === 'int32';
          // Pixels: of 256 shades, or between 0 and 1.
          const data = noise(elementCount(dims), i, (x) => (whole ? Math.floor(128 * (x + 1)) : (x + 1) / 2));
          return [name, { dims, data, dtype: whole ? 'int32' : 'float32' }];
        }),
      );
      await tf.setBackend('cpu');
      const wanted = await theirs(path, inputs, [...graph.outputs]);
      await tf.setBackend('ort');
      const found = run(graph, values, inputs);
      const session = await ort.InferenceSession.create(graphToOnnx(graph, { values }));
      const returned = await session.run(
        Object.fromEntries(
          [...inputs].map(([name, { dims, data, dtype }]) => [
            name,
            dtype === 'int32'
              ? new ort.Tensor('int32', Int32Array.from(data), dims)
              : new ort.Tensor('float32', Float32Array.from(data), dims),
          ]),
        ),
      );
      graph.outputs.forEach((name, i) => {
        expectSame(found[i], wanted[i]);
        const { dims, data } = returned[name];
        expectSame({ dims: [...dims], data: data as Float32Array }, wanted[i]);
      });
    },
  );

  it.each(MODELS)('$name has its layers found, is lowered and drawn', ({ path, kept }) => {
    const { graph, close } = openModel(path);
    close();
    expect(
      keptOperators(graph)
        .map(({ operator }) => operator)
        .sort(),
    ).toEqual(kept);
    const count = (type: string): number => graph.operators.filter((operator) => operator.type === type).length;
    expect(count('conv2d')).toBeGreaterThan(2);
    expect(toComputationalGraph(graph).nodes.length).toBeGreaterThan(10);
    expect(toSvg(fold(drawGraph(graph)))).toContain('<svg');
  });
});
