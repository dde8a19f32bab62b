// What becomes an operator of ours does what the model did; what only looks like one stays an operator of ONNX.
import { describe, expect, it } from 'vitest';
import { graphFromOnnx } from '../src/onnx.js';
import { floats, type GraphInit, input, int, integers, ints, modelOf, node } from './onnx-model.js';

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
    [0, 6.00005, 'Clip'],
    [0, 5.999995, 'Clip'],
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

describe('attention', () => {
  const matrix = (name: string) =>
    floats(
      name,
      [8, 8],
      Array.from({ length: 64 }, (_, i) => Math.sin(i + 1)),
    );
  /** Two heads of four features; `changes` are nodes that lead from queries "q" to "q2" and from values "v" to "v2". */
  const withChanges = (changes: NonNullable<GraphInit['node']>, initializer: NonNullable<GraphInit['initializer']>) =>
    operatorsOf({
      input: [input('x', 'float32', [2, 5, 8])],
      initializer: [
        ...['wq', 'wk', 'wv'].map(matrix),
        integers('apart', [4], [2, 5, 2, 4]),
        integers('joined', [3], [2, 5, 8]),
        scalar('scale', 0.5),
        ...initializer,
      ],
      node: [
        ...['q', 'k', 'v'].flatMap((name) => [
          node('MatMul', ['x', `w${name}`], `${name}0`),
          node('Reshape', [`${name}0`, 'apart'], `${name}1`),
          node('Transpose', [`${name}1`], name, [ints('perm', [0, 2, 1, 3])]),
        ]),
        ...changes,
        node('Transpose', ['k'], 'kt', [ints('perm', [0, 1, 3, 2])]),
        node('MatMul', ['q2', 'kt'], 'products'),
        node('Mul', ['products', 'scale'], 'logits'),
        node('Softmax', ['logits'], 'weights', [int('axis', -1)]),
        node('MatMul', ['weights', 'v2'], 'mixed'),
        node('Transpose', ['mixed'], 'turned', [ints('perm', [0, 2, 1, 3])]),
        node('Reshape', ['turned', 'joined'], 'y'),
      ],
    });
  const changed = (op: string, ofQueries: readonly number[], ofValues: readonly number[]) =>
    withChanges(
      [node(op, ['q', 'a'], 'q2'), node(op, ['v', 'b'], 'v2')],
      [floats('a', [ofQueries.length], ofQueries), floats('b', [ofValues.length], ofValues)],
    );

  it('is found where nothing more is done', () => {
    expect(changed('Mul', [1], [1])).toContain('grouped_attention');
    expect(changed('Add', [0], [0])).toContain('grouped_attention');
  });

  it.each([
    ['a factor of queries', 'Mul', [1.0009], [1]],
    ['a factor of values', 'Mul', [1], [1.0009]],
    ['a small factor', 'Mul', [1], [1.00001]],
    ['a factor of one feature', 'Mul', [1, 1.00005, 1, 1], [1]],
    ['a sum', 'Add', [0], [0.00005]],
    ['a sum of one feature', 'Add', [0, 0, 0.00005, 0], [0]],
  ] as const)('stays ONNX’s with %s', (_, op, ofQueries, ofValues) => {
    expect(changed(op, ofQueries, ofValues)).not.toContain('grouped_attention');
  });
});

describe('a norm that is written out', () => {
  it('has its epsilon within the root, however small it is', () => {
    const written = (inside: boolean) => {
      const [sum, root] = inside ? (['v', 'r'] as const) : (['d', 'v'] as const);
      return operatorsOf({
        input: [input('x', 'float32', [2, 3, 20])],
        initializer: [
          integers('axes', [1], [-1]),
          scalar('epsilon', 1e-9),
          floats(
            'weight',
            [20],
            Array.from({ length: 20 }, (_, i) => i),
          ),
        ],
        node: [
          node('Mul', ['x', 'x'], 'q'),
          node('ReduceMean', ['q', 'axes'], 'v', [int('keepdims', 1)]),
          ...(inside
            ? [node('Add', [sum, 'epsilon'], 'e'), node('Sqrt', ['e'], root)]
            : [node('Sqrt', [root], 'd'), node('Add', [sum, 'epsilon'], 'e')]),
          node('Div', ['x', inside ? 'r' : 'e'], 'n'),
          node('Mul', ['n', 'weight'], 'y'),
        ],
      });
    };
    expect(written(true)).toEqual(['rms_norm']);
    expect(written(false)).not.toContain('rms_norm');
  });

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
