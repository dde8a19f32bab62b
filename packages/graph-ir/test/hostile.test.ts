// Models that are nested too deep, ask for too much, or whose nodes lack what their operator takes.
import { create, toBinary } from '@bufbuild/protobuf';
import { GraphProtoSchema, ModelProtoSchema, NodeProtoSchema, TensorProto_DataType } from 'onnx-buf';
import { describe, expect, it } from 'vitest';
import { graphFromConfig } from '../src/huggingface.js';
import { GraphError, graphFromJson, parseArchitecture } from '../src/index.js';
import { graphFromOnnx } from '../src/onnx.js';
import { graphFromTfjs } from '../src/tfjs.js';

const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

/** An ONNX model of one node on the input "x" `[2, 3]`. */
function modelOf(opType: string, input: readonly string[]): Uint8Array {
  const type = {
    value: {
      case: 'tensorType' as const,
      value: {
        elemType: TensorProto_DataType.FLOAT,
        shape: { dim: [2n, 3n].map((size) => ({ value: { case: 'dimValue' as const, value: size } })) },
      },
    },
  };
  const graph = create(GraphProtoSchema, {
    name: 'net',
    input: [{ name: 'x', type }],
    output: [{ name: 'y' }],
    node: [create(NodeProtoSchema, { opType, input: [...input], output: ['y'] })],
  });
  return toBinary(ModelProtoSchema, create(ModelProtoSchema, { opsetImport: [{ domain: '', version: 20n }], graph }));
}

describe('JSON that is nested a hundred thousand deep', () => {
  it.each([
    ['a graph', (text: string) => graphFromJson(text, 'f')],
    ['a configuration', (text: string) => graphFromConfig(text, 'f')],
    ['a model of TensorFlow.js', (text: string) => graphFromTfjs(text, 'f')],
  ])('is refused as %s, with the file and the path', (_, read) => {
    expect(() => read(`{"model_type":${nested(100_000)}}`)).toThrow(
      /^f: model_type(\[0\])+… is nested more than 100 deep$/,
    );
    expect(() => read(`{"model_type":${nested(100_000)}}`)).toThrow(GraphError);
  });
});

describe('a node without a name and results', () => {
  it('is refused without naming what is not there', () => {
    const graph = create(GraphProtoSchema, { node: [create(NodeProtoSchema, { opType: 'Relu', input: ['x'] })] });
    const model = create(ModelProtoSchema, { opsetImport: [{ domain: '', version: 20n }], graph });
    expect(() => graphFromOnnx(toBinary(ModelProtoSchema, model), 'f.onnx')).toThrow(
      /^f\.onnx: Relu "" reads "x", which nothing gives$/,
    );
  });
});

describe('a node without the operands of its operator', () => {
  it.each([
    'Concat',
    'Add',
    'MatMul',
    'Gather',
    'Where',
    'Sum',
    'Max',
    'Slice',
    'Reshape',
    'Transpose',
    'Conv',
    'Split',
  ])('%s is refused by its file', (op) => {
    for (const inputs of [[], [''], ['', 'x']]) {
      const read = (): unknown => graphFromOnnx(modelOf(op, inputs), 'net.onnx');
      try {
        read();
      } catch (error) {
        expect(error).toBeInstanceOf(GraphError);
        expect(String(error)).toMatch(/^GraphError: .*net\.onnx/);
      }
    }
    expect(() => graphFromOnnx(modelOf(op, []), 'net.onnx')).toThrow(GraphError);
  });
});

it('sizes that no memory holds, and layers without end, are refused at once', () => {
  expect(() => parseArchitecture('vit:layers=1000000000')).toThrow('layers is at most 10000');
  expect(() => parseArchitecture('vit:hidden=4000000000')).toThrow('hidden is at most 2147483647');
  const config = (fields: object): string => JSON.stringify({ model_type: 'gpt2', ...fields });
  expect(() => graphFromConfig(config({ n_layer: 1e9 }))).toThrow('n_layer should be at most 10000');
  expect(() => graphFromConfig(config({ n_embd: 1e15 }))).toThrow('n_embd should be at most 2147483647');
});
