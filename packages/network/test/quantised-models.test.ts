// Models whose weights are integers of 8 bits, as ONNX Runtime's quantisation writes them, against ONNX Runtime.
import '@logah/backend-ort';
import { readFile } from 'node:fs/promises';
import { elementCount } from '@logah/graph-ir';
import { graphFromOnnx, graphToOnnx, keptOperators } from '@logah/graph-ir/onnx';
import * as tf from '@tensorflow/tfjs-core';
import * as ort from 'onnxruntime-node';
import { beforeAll, describe, expect, it } from 'vitest';
import { noise } from './noise.js';
import { expectSame, type Given, run, valuesOf } from './real-models.js';

beforeAll(() => tf.setBackend('ort'));

describe('a quantised model', () => {
  it.each([
    { name: 'vit-int8', dims: [1, 3, 16, 16], isText: false },
    { name: 'llama-int8', dims: [1, 7], isText: true },
  ])('$name computes what ONNX Runtime does', async ({ name, dims, isText }) => {
    const bytes = await readFile(new URL(`fixtures/${name}.onnx`, import.meta.url));
    const { graph, tensors } = graphFromOnnx(bytes, name);
    expect(keptOperators(graph).map(({ operator }) => operator)).toContain('MatMulInteger');
    const data = noise(elementCount(dims), 1, (x) => (isText ? Math.floor(25 * (x + 1)) : x));
    const [input] = graph.inputs;
    const given: Given = { dims, data, dtype: isText ? 'int32' : 'float32' };
    const session = await ort.InferenceSession.create(bytes);
    const tensor = isText
      ? new ort.Tensor('int64', BigInt64Array.from(Array.from(data), BigInt), dims)
      : new ort.Tensor('float32', data, dims);
    const wanted = (await session.run({ [input]: tensor }))[session.outputNames[0]];
    const values = valuesOf(tensors);
    const [found] = run(graph, values, new Map([[input, given]]));
    expectSame(found, { dims: [...wanted.dims], data: wanted.data as Float32Array });
    // Written again, its integers are of 8 bits where zero points say so.
    const again = await ort.InferenceSession.create(graphToOnnx(graph, { values }));
    const back = (await again.run({ [again.inputNames[0]]: tensor }))[again.outputNames[0]];
    expectSame(found, { dims: [...back.dims], data: back.data as Float32Array });
  });
});
