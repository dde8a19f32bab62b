// Inputs whose numbers are fixed as a model is read.
import { describe, expect, it } from 'vitest';
import { graphFromOnnx } from '../src/onnx.js';
import { input, int, modelOf, node } from './onnx-model.js';

describe('an input that is the same in every run', () => {
  const read = (type: 'int64' | 'uint8' | 'bool' | 'float32', constants: Record<string, number>) => {
    const rate = { input: [input('x', 'float32', [2]), input('rate', type, [1])] };
    const bytes = modelOf({
      ...rate,
      node: [node('Cast', ['rate'], 'r', [int('to', 1)]), node('Mul', ['x', 'r'], 'y')],
    });
    return () => graphFromOnnx(bytes, 'm.onnx', { constants }).graph;
  };

  it('is an input no more', () => {
    expect(read('int64', { rate: 16000 })().inputs).toEqual(['x']);
    expect(read('float32', { rate: 0.1 })().inputs).toEqual(['x']);
  });

  it.each([
    ['int64', 16000.5, 'is of int64, which takes whole numbers from -9007199254740991 to 9007199254740991'],
    ['int64', 2 ** 60, 'is of int64, which takes whole numbers from -9007199254740991 to 9007199254740991'],
    ['int64', Number.NaN, 'is of int64, which takes whole numbers from -9007199254740991 to 9007199254740991'],
    ['uint8', 256, 'is of uint8, which takes whole numbers from 0 to 255'],
    ['uint8', -1, 'is of uint8, which takes whole numbers from 0 to 255'],
    ['bool', 2, 'is of bool, which is 0 or 1'],
    ['float32', 1e39, 'is of float32, whose numbers are smaller'],
  ] as const)('of %s cannot be %s', (type, value, why) => {
    expect(read(type, { rate: value })).toThrow(`m.onnx: the input "rate" ${why}: it cannot be ${value}`);
  });

  it('has a name of the model', () => {
    expect(read('int64', { rat: 1 })).toThrow(
      '"rat" is not an input of the model; known are x, rate; did you mean "rate"?',
    );
  });
});
