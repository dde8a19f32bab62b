// Models of doubles are computed and written with doubles: tensors of 32 bits stand in for them only at a graph's ends.
import '@logah/backend-ort';
import { decodeTensor, graphFromOnnx, graphToOnnx } from '@logah/graph-ir/onnx';
import * as tf from '@tensorflow/tfjs-core';
import * as ort from 'onnxruntime-node';
import { beforeAll, describe, expect, it } from 'vitest';
import { doubles, type GraphInit, input, int, modelOf, node, TYPES } from '../../graph-ir/test/onnx-model.js';
import { forward } from '../src/index.js';

beforeAll(() => tf.setBackend('ort'));

const opened = (graph: GraphInit) => {
  const { graph: read, tensors } = graphFromOnnx(modelOf(graph), 'm.onnx');
  const values = new Map(
    [...tensors].map(([name, stored]) => {
      if (stored.place.kind !== 'bytes') throw new Error(`"${name}" is elsewhere`);
      return [name, decodeTensor(name, stored, stored.place.bytes)];
    }),
  );
  return { graph: read, values };
};

const toDouble = (from: string, to: string) => node('Cast', [from], to, [int('to', TYPES.float64)]);
const toInteger = (from: string, to: string) => node('Cast', [from], to, [int('to', TYPES.int64)]);

describe('integers that pass through doubles', () => {
  const WIDE = [2 ** 24 + 1, 2 ** 31 - 2, -(2 ** 24) - 3];
  const graph = {
    input: [input('x', 'int64', [3])],
    output: [input('y', 'int64', [3])],
    initializer: [doubles('one', [], [1])],
    node: [toDouble('x', 'd'), node('Add', ['d', 'one'], 'e'), toInteger('e', 'y')],
  };

  it('keep all of their digits', () => {
    const [y] = forward(opened(graph).graph, {}, { x: tf.tensor1d(WIDE, 'int32') });
    expect([...y.dataSync()]).toEqual(WIDE.map((value) => value + 1));
  });

  it('do so in what is written', async () => {
    const { graph: read, values } = opened(graph);
    const session = await ort.InferenceSession.create(graphToOnnx(read, { values }));
    const { y } = await session.run({ x: new ort.Tensor('int64', BigInt64Array.from(WIDE.map(BigInt)), [3]) });
    expect(y.data).toEqual(BigInt64Array.from(WIDE.map((value) => BigInt(value + 1))));
  });

  it('are refused where only a tensor of floats could give them', () => {
    const { graph: read } = opened({
      input: [input('x', 'int64', [1])],
      output: [input('y', 'float64', [1])],
      node: [toDouble('x', 'y')],
    });
    const of = (value: number) => forward(read, {}, { x: tf.tensor1d([value], 'int32') })[0].dataSync();
    expect([...of(2 ** 24)]).toEqual([2 ** 24]);
    expect(() => of(2 ** 24 + 1)).toThrow('the output "y" is of float64 in the model: it has 16777217');
  });

  it('are rounded down as doubles are', () => {
    const { graph: read } = opened({
      input: [input('x', 'int64', [400])],
      output: [input('y', 'int64', [400])],
      initializer: [doubles('share', [], [1 / 49])],
      node: [toDouble('x', 'd'), node('Mul', ['d', 'share'], 'e'), node('Floor', ['e'], 'f'), toInteger('f', 'y')],
    });
    const numbers = Array.from({ length: 400 }, (_, i) => i);
    const [y] = forward(read, {}, { x: tf.tensor1d(numbers, 'int32') });
    const wanted = numbers.map((x) => Math.floor(x * (1 / 49)));
    expect([...y.dataSync()]).toEqual(wanted);
    // A float's share would round otherwise.
    expect(numbers.map((x) => Math.floor(Math.fround(Math.fround(1 / 49) * x)))).not.toEqual(wanted);
  });
});

describe('a layer of doubles', () => {
  const weight = Array.from({ length: 32 }, (_, i) => Math.sin(i + 1));
  const graph = {
    input: [input('x', 'float64', [2, 4])],
    output: [input('y', 'float64', [2, 8])],
    initializer: [doubles('w', [4, 8], weight)],
    node: [node('MatMul', ['x', 'w'], 'h'), node('Relu', ['h'], 'y')],
  };
  const x = Array.from({ length: 8 }, (_, i) => Math.cos(i));
  const wanted = Array.from({ length: 16 }, (_, at) => {
    const [row, column] = [Math.floor(at / 8), at % 8];
    return Math.max(
      0,
      [0, 1, 2, 3].reduce((sum, i) => sum + x[4 * row + i] * weight[8 * i + column], 0),
    );
  });

  it('is written with all of their digits', async () => {
    const { graph: read, values } = opened(graph);
    const session = await ort.InferenceSession.create(graphToOnnx(read, { values }));
    const { y } = await session.run({ x: new ort.Tensor('float64', Float64Array.from(x), [2, 4]) });
    expect(y.type).toBe('float64');
    wanted.forEach((value, i) => {
      expect(y.data[i]).toBeCloseTo(value, 14);
    });
  });

  it('runs with the floats that it is given', () => {
    const [y] = forward(opened(graph).graph, {}, { x: tf.tensor2d(x, [2, 4]) });
    y.dataSync().forEach((value, i) => {
      expect(value).toBeCloseTo(wanted[i], 6);
    });
  });

  it('is one of floats where the model casts its weights', () => {
    const { graph: read, values } = opened({
      input: [input('x', 'float32', [2, 4])],
      output: [input('y', 'float32', [2, 8])],
      initializer: [doubles('w', [4, 8], weight)],
      node: [node('Cast', ['w'], 'f', [int('to', TYPES.float32)]), node('MatMul', ['x', 'f'], 'y')],
    });
    expect(read.operators.map(({ type }) => type)).toEqual(['linear']);
    expect(values.get('w')).toEqual(Float32Array.from(weight));
  });

  it('that is too large for a graph is refused by name', () => {
    const size = 300;
    const large = { ...graph, input: [input('x', 'float64', [1, size])], output: [input('y', 'float64', [1, size])] };
    const zeros = doubles('w', [size, size], new Array<number>(size * size).fill(0));
    expect(() => opened({ ...large, initializer: [zeros] })).toThrow(
      'm.onnx: MatMul "h" reads "w" float64 [300, 300], but parameters have 32 bits',
    );
  });
});
