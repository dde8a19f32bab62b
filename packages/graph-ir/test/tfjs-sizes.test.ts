// Layers models whose parts contradict each other, and quantised weights: read as TensorFlow.js does, or refused.
import { describe, expect, it } from 'vitest';
import { decodeTensor, graphFromTfjs } from '../src/tfjs.js';

interface Weight {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype?: string;
  readonly quantization?: object;
}

/** A layers model of one layer "d". */
const modelOf = (kind: string, input: readonly number[], config: object, weights: readonly Weight[]): string =>
  JSON.stringify({
    modelTopology: {
      class_name: 'Sequential',
      config: {
        name: 's',
        layers: [{ class_name: kind, config: { name: 'd', batch_input_shape: [null, ...input], ...config } }],
      },
    },
    weightsManifest: [
      {
        paths: ['w.bin'],
        weights: weights.map((weight) => ({ dtype: 'float32', ...weight, name: `d/${weight.name}` })),
      },
    ],
  });

const read = (json: string) => graphFromTfjs(json, 'model.json');

interface Case {
  readonly kind: string;
  readonly input: readonly number[];
  readonly config: Readonly<Record<string, unknown>>;
  readonly weights: readonly Weight[];
}

const DENSE: Case = {
  kind: 'Dense',
  input: [3],
  config: { units: 2 },
  weights: [
    { name: 'kernel', shape: [3, 2] },
    { name: 'bias', shape: [2] },
  ],
};
const CONV2D: Case = {
  kind: 'Conv2D',
  input: [8, 8, 1],
  config: { filters: 2, kernel_size: [3, 5], use_bias: false },
  weights: [{ name: 'kernel', shape: [3, 5, 1, 2] }],
};
const CONV1D: Case = {
  kind: 'Conv1D',
  input: [8, 1],
  config: { filters: 2, kernel_size: 3, use_bias: false },
  weights: [{ name: 'kernel', shape: [3, 1, 2] }],
};
const TRANSPOSED: Case = {
  kind: 'Conv2DTranspose',
  input: [8, 8, 3],
  config: { filters: 2, kernel_size: 4, strides: 2, padding: 'same', use_bias: false },
  weights: [{ name: 'kernel', shape: [4, 4, 2, 3] }],
};
const DEPTHWISE: Case = {
  kind: 'DepthwiseConv2D',
  input: [8, 8, 2],
  config: { depth_multiplier: 1, kernel_size: [3, 3], use_bias: false },
  weights: [{ name: 'depthwise_kernel', shape: [3, 3, 2, 1] }],
};
const SEPARABLE: Case = {
  kind: 'SeparableConv2D',
  input: [8, 8, 2],
  config: { filters: 4, depth_multiplier: 1, kernel_size: 3, use_bias: false },
  weights: [
    { name: 'depthwise_kernel', shape: [3, 3, 2, 1] },
    { name: 'pointwise_kernel', shape: [1, 1, 2, 4] },
  ],
};
const EMBEDDING: Case = {
  kind: 'Embedding',
  input: [4],
  config: { input_dim: 30, output_dim: 2 },
  weights: [{ name: 'embeddings', shape: [30, 2] }],
};
const LSTM: Case = {
  kind: 'LSTM',
  input: [5, 3],
  config: { units: 2, activation: 'tanh', recurrent_activation: 'sigmoid' },
  weights: [
    { name: 'kernel', shape: [3, 8] },
    { name: 'recurrent_kernel', shape: [2, 8] },
    { name: 'bias', shape: [8] },
  ],
};
const CASES = [DENSE, CONV1D, CONV2D, TRANSPOSED, DEPTHWISE, SEPARABLE, EMBEDDING, LSTM];

describe('a layer', () => {
  it.each(CASES)('$kind is read with the sizes that its weights have', ({ kind, input, config, weights }) => {
    expect(read(modelOf(kind, input, config, weights)).graph.operators.length).toBeGreaterThan(0);
  });

  it.each<readonly [Case, string, unknown, string]>([
    [DENSE, 'units', 5, 'be 2, as its weight "kernel" [3, 2] has it, got 5'],
    [DENSE, 'units', 0, 'be a positive integer, got 0'],
    [DENSE, 'units', '2', 'be a number, got "2"'],
    [DENSE, 'units', 2.5, 'be a positive integer, got 2.5'],
    [CONV1D, 'filters', 7, 'be 2, as its weight "kernel" [3, 1, 2] has it, got 7'],
    [CONV1D, 'kernel_size', [2], 'be 3, as its weight "kernel" [3, 1, 2] has it, got [2]'],
    [CONV2D, 'filters', 7, 'be 2, as its weight "kernel" [3, 5, 1, 2] has it, got 7'],
    [CONV2D, 'kernel_size', 3, 'be [3,5], as its weight "kernel" [3, 5, 1, 2] has it, got 3'],
    [CONV2D, 'kernel_size', [5, 3], 'be [3,5], as its weight "kernel" [3, 5, 1, 2] has it, got [5,3]'],
    [CONV2D, 'kernel_size', [3, 5, 1], 'be one size or 2, got [3,5,1]'],
    [TRANSPOSED, 'filters', 3, 'be 2, as its weight "kernel" [4, 4, 2, 3] has it, got 3'],
    [DEPTHWISE, 'depth_multiplier', 2, 'be 1, as its weight "depthwise_kernel" [3, 3, 2, 1] has it, got 2'],
    [SEPARABLE, 'filters', 2, 'be 4, as its weight "pointwise_kernel" [1, 1, 2, 4] has it, got 2'],
    [EMBEDDING, 'input_dim', 1000, 'be 30, as its weight "embeddings" [30, 2] has it, got 1000'],
    [EMBEDDING, 'output_dim', 9, 'be 2, as its weight "embeddings" [30, 2] has it, got 9'],
    [LSTM, 'units', 8, 'be 2, as its weight "kernel" [3, 8] has it, got 8'],
  ])(
    '$kind with another %s than its weights have is refused: %j',
    ({ kind, input, config, weights }, field, value, wanted) => {
      expect(() => read(modelOf(kind, input, { ...config, [field]: value }, weights))).toThrow(
        `model.json: modelTopology.config.layers[0].config.${field} should ${wanted}`,
      );
    },
  );

  it('with a kernel of integers is refused, as TensorFlow.js refuses it', () => {
    const [kernel, bias] = DENSE.weights;
    const quantization = { dtype: 'uint8', scale: 0.4, min: 0 };
    for (const odd of [
      { ...kernel, dtype: 'int32' },
      { ...kernel, dtype: 'int32', quantization },
    ])
      expect(() => read(modelOf('Dense', [3], { units: 2 }, [odd, bias]))).toThrow(
        'model.json: Dense "d": the weight "d/kernel" should be float32, got int32',
      );
  });

  it('with a bias of another size than its kernel is refused', () => {
    const [kernel] = DENSE.weights;
    expect(() => read(modelOf('Dense', [3], { units: 2 }, [kernel, { name: 'bias', shape: [1] }]))).toThrow(
      'units should be 1, as its weight "bias" [1] has it, got 2',
    );
  });
});

describe('a quantised weight', () => {
  const quantised = (dtype: string, quantization: object): string =>
    modelOf('Embedding', [4], { input_dim: 30, output_dim: 2 }, [
      { name: 'embeddings', shape: [30, 2], dtype, quantization },
    ]);

  it.each([
    ['uint8', 1e300, 0],
    ['uint16', 1e34, 0],
    ['uint8', 1, 1e39],
  ])('in %s with the scale %d and the minimum %d is refused', (dtype, scale, min) => {
    expect(() => read(quantised('float32', { dtype, scale, min }))).toThrow(
      'weights[0].quantization should be a scale and a minimum whose numbers are within those of float32, got ',
    );
  });

  it('with a number beyond all as its scale is refused', () => {
    const json = quantised('float32', { dtype: 'uint8', scale: 0.5, min: 0 }).replace('0.5', '1e999');
    expect(() => read(json)).toThrow('weights[0].quantization.scale should be a number up to 1.797');
  });

  it.each([
    ['bool', { dtype: 'uint8', scale: 1, min: 0 }, 'dtype should be "float32" or "int32", got "bool"'],
    ['int32', { dtype: 'float16' }, 'dtype should be "float32" where halves are stored, got "int32"'],
    ['int32', { dtype: 'uint8', scale: 1e9, min: 0 }, 'whose numbers are within those of int32'],
  ])('that means %s by %j is refused', (dtype, quantization, message) => {
    expect(() => read(quantised(dtype, quantization))).toThrow(message);
  });

  it('of integers is rounded as TensorFlow.js rounds it', () => {
    const stored = {
      type: 'uint8',
      shape: [6],
      place: { kind: 'bytes', bytes: new Uint8Array() },
      quantization: { scale: 0.5, offset: -1.5, meant: 'int32' },
    } as const;
    // tfjs-core's decodeWeight: Math.round(v * scale + min), halves up.
    expect([...decodeTensor('w', stored, Uint8Array.of(0, 1, 2, 3, 4, 255))]).toEqual([-1, -1, -0, 0, 1, 126]);
  });
});
