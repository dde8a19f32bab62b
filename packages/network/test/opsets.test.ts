// Operators whose meaning changed with an opset: read, run and written again, they compute what ONNX Runtime makes of the model itself.
import '@logah/backend-ort';
import { graphFromOnnx, graphToOnnx } from '@logah/graph-ir/onnx';
import * as tf from '@tensorflow/tfjs-core';
import * as ort from 'onnxruntime-node';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  float,
  floats,
  type GraphInit,
  input,
  int,
  integers,
  ints,
  modelOf,
  node,
  text,
} from '../../graph-ir/test/onnx-model.js';
import { forward } from '../src/index.js';
import { noise } from './noise.js';

beforeAll(() => tf.setBackend('ort'));

const SIZES = [2, 6, 5, 4];
const image = input('x', 'float32', SIZES);
const single = { irVersion: 8n };

const groupNorm = (sizes: Array<number | string>): GraphInit => ({
  input: [input('x', 'float32', sizes)],
  output: [input('y', 'float32', sizes)],
  initializer: [floats('s', [3], [0.5, -1, 2]), floats('b', [3], [1, 0.25, -3])],
  node: [node('GroupNormalization', ['x', 's', 'b'], 'y', [int('num_groups', 3), float('epsilon', 1e-3)])],
});

const rois: GraphInit = {
  input: [image],
  output: [input('y', 'float32', [2, 6, 2, 3])],
  initializer: [floats('r', [2, 4], [0.3, 0.7, 3.2, 4.1, 1, 1, 3, 4]), integers('i', [2], [0, 1])],
  node: [
    node('RoiAlign', ['x', 'r', 'i'], 'y', [int('output_height', 2), int('output_width', 3), int('sampling_ratio', 2)]),
  ],
};

const sampled = (mode: string): GraphInit => ({
  input: [image],
  output: [input('y', 'float32', [2, 6, 1, 2])],
  initializer: [floats('g', [2, 1, 2, 2], [0.3, -0.6, 0.1, 0.8, -0.9, 0.2, 0.55, 0.4])],
  node: [node('GridSample', ['x', 'g'], 'y', [text('mode', mode)])],
});

/** A mean that counts padding, of which there is only some at one end. */
const meanWithPadding = (autoPad: string, kernel: readonly number[], stride: number): GraphInit => ({
  input: [image],
  node: [
    node('AveragePool', ['x'], 'y', [
      ints('kernel_shape', kernel),
      ints(
        'strides',
        kernel.map(() => stride),
      ),
      int('count_include_pad', 1),
      text('auto_pad', autoPad),
    ]),
  ],
});

const resized = (scale: number): GraphInit => ({
  input: [image],
  initializer: [floats('s', [4], [1, 1, 1, scale])],
  node: [node('Resize', ['x', 's'], 'y', [text('mode', 'nearest')])],
});

const CASES: ReadonlyArray<readonly [name: string, opset: number, graph: GraphInit]> = [
  ['GroupNormalization with a scale for each group', 18, groupNorm(SIZES)],
  ['GroupNormalization of sizes with names', 20, groupNorm(['batch', 6, 'height', 'width'])],
  ['RoiAlign of pixels’ corners', 10, rois],
  ['RoiAlign of pixels’ centres', 16, rois],
  ['GridSample by the older names: bilinear', 16, sampled('bilinear')],
  ['GridSample by the older names: bicubic', 16, sampled('bicubic')],
  ['GridSample: cubic', 20, sampled('cubic')],
  ['Resize of opset 10 that makes smaller', 10, resized(0.7)],
  ['Resize of opset 10 that enlarges', 10, resized(1.6)],
  ['AveragePool that counts padding at the end', 19, meanWithPadding('SAME_UPPER', [2, 2], 1)],
  ['AveragePool that counts padding at the beginning', 19, meanWithPadding('SAME_LOWER', [2, 2], 1)],
  ['AveragePool that counts padding behind every second pixel', 19, meanWithPadding('SAME_UPPER', [2, 3], 2)],
];

describe.each(CASES)('%s', (_, opset, init) => {
  const bytes = modelOf(init, opset, single);
  const x = noise(2 * 6 * 5 * 4, 1, (value) => value);
  const inRuntime = async (model: Uint8Array): Promise<readonly number[]> => {
    const session = await ort.InferenceSession.create(model);
    const { y } = await session.run({ x: new ort.Tensor('float32', x, SIZES) });
    return [...(y.data as Float32Array)];
  };
  const expectSame = (found: readonly number[], wanted: readonly number[]): void => {
    expect(found.length).toBe(wanted.length);
    found.forEach((value, i) => {
      expect(value).toBeCloseTo(wanted[i], 4);
    });
  };

  it('runs', async () => {
    const [y] = forward(graphFromOnnx(bytes, 'm.onnx').graph, {}, { x: tf.tensor(x, SIZES) });
    expectSame([...y.dataSync()], await inRuntime(bytes));
  });

  it('is written', async () => {
    const written = graphToOnnx(graphFromOnnx(bytes, 'm.onnx').graph, { values: new Map() });
    expectSame(await inRuntime(written), await inRuntime(bytes));
  });
});
