// What becomes an operator of ours does what the model did; what only looks like one stays an operator of ONNX.
import { describe, expect, it } from 'vitest';
import { graphFromOnnx } from '../src/onnx.js';
import { floats, type GraphInit, input, int, integers, modelOf, node } from './onnx-model.js';

/** The operators of a model, those of ONNX with their names there. */
const operatorsOf = (graph: GraphInit, opset?: number): string[] =>
  graphFromOnnx(modelOf(graph, opset), 'm.onnx').graph.operators.map((operator) =>
    operator.type === 'onnx'
      ? operator.attributes.operator
      : operator.type === 'activation'
        ? operator.attributes.function
        : operator.type,
  );

const x = input('x', 'float32', ['batch', 8]);
const scalar = (name: string, value: number) => floats(name, [], [value]);

describe('an activation', () => {
  const clipped = (least: number, most: number) =>
    operatorsOf({
      input: [x],
      initializer: [scalar('a', least), scalar('b', most)],
      node: [node('Clip', ['x', 'a', 'b'], 'y')],
    });

  it.each([
    [0, 6, 'relu6'],
    [0, Number.POSITIVE_INFINITY, 'relu'],
    [0, 3.4028234663852886e38, 'relu'],
    // Caps and floors that no point of a grid shows.
    [0, 20, 'Clip'],
    [0, 5e4, 'Clip'],
    [1e-10, Number.POSITIVE_INFINITY, 'Clip'],
    [-1e-7, 6, 'Clip'],
  ])('clipped to [%d, %d] is %s', (least, most, name) => {
    expect(clipped(least, most)).toEqual([name]);
  });

  it('keeps a cap or a floor that comes after it', () => {
    const then = (op: string, value: number) =>
      operatorsOf({
        input: [x],
        initializer: [scalar('c', value)],
        node: [node('Gelu', ['x'], 'g'), node(op, ['g', 'c'], 'y')],
      });
    expect(then('Min', 10)).toEqual(['gelu', 'Min']);
    expect(then('Max', -0.1)).toEqual(['gelu', 'Max']);
  });

  it('is found however it is written out', () => {
    const gelu = operatorsOf({
      input: [x],
      initializer: [scalar('half', 0.5), scalar('one', 1), scalar('root', Math.SQRT2)],
      node: [
        node('Div', ['x', 'root'], 'd'),
        node('Erf', ['d'], 'e'),
        node('Add', ['e', 'one'], 's'),
        node('Mul', ['x', 's'], 'p'),
        node('Mul', ['p', 'half'], 'y'),
      ],
    });
    expect(gelu).toEqual(['gelu']);
  });
});

describe('a norm that is written out', () => {
  const size = 20;
  const ramp = Array.from({ length: size }, (_, i) => 1 + i / size);
  const normOver = (axes: number[], shape: ReadonlyArray<number | string>) =>
    operatorsOf({
      input: [input('x', 'float32', shape)],
      initializer: [
        integers('axes', [axes.length], axes),
        scalar('epsilon', 1e-5),
        scalar('two', 2),
        floats('weight', [size], ramp),
        floats('bias', [size], ramp),
      ],
      node: [
        node('ReduceMean', ['x', 'axes'], 'm', [int('keepdims', 1)]),
        node('Sub', ['x', 'm'], 'c'),
        node('Pow', ['c', 'two'], 'q'),
        node('ReduceMean', ['q', 'axes'], 'v', [int('keepdims', 1)]),
        node('Add', ['v', 'epsilon'], 've'),
        node('Sqrt', ['ve'], 'r'),
        node('Div', ['c', 'r'], 'n'),
        node('Mul', ['n', 'weight'], 'w'),
        node('Add', ['w', 'bias'], 'y'),
      ],
    });

  it('is a layer norm over the last axis alone', () => {
    expect(normOver([-1], ['batch', 3, size])).toEqual(['layer_norm']);
    for (const [axes, shape] of [
      [
        [1, 2],
        ['batch', 3, size],
      ],
      [
        [0, 1],
        ['batch', size],
      ],
      [
        [1, 2, 3],
        ['batch', 3, 4, size],
      ],
      [[1], ['batch', 3, size]],
    ] as const)
      expect(normOver([...axes], shape)).not.toContain('layer_norm');
  });
});

describe('a number for each channel', () => {
  it('is a scale or a bias only where it is the same for every image', () => {
    const times = (dims: number[]) =>
      operatorsOf({
        input: [input('x', 'float32', [2, 20, 4, 4])],
        initializer: [
          floats(
            'w',
            dims,
            Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => i),
          ),
        ],
        node: [node('Mul', ['x', 'w'], 'y')],
      });
    expect(times([20, 1, 1])).toEqual(['scale']);
    expect(times([1, 20, 1, 1])).toEqual(['scale']);
    expect(times([2, 20, 1, 1])).toEqual(['Mul']);
  });
});
