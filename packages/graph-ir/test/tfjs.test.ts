import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GraphError } from '../src/index.js';
import { decodeTensor, graphFromTfjs, keptOperators, type TfjsOptions } from '../src/tfjs.js';

const file = (path: string): string => fileURLToPath(new URL(`../node_modules/${path}`, import.meta.url));
const GRAPH_MODEL = file('@vladmandic/human/models/emotion.json');
const LAYERS_MODEL = file('@upscalerjs/default-model/models/model.json');

interface Weight {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly quantization?: { readonly dtype: string; readonly scale?: number; readonly min?: number };
}

/** Nodes of a graph model that takes an image [2, 4, 4, 3] as "x". */
const model = (nodes: readonly object[], weights: readonly Weight[] = [], paths = ['weights.bin']): string => {
  const shape = { dim: [2, 4, 4, 3].map((size) => ({ size: `${size}` })) };
  const x = { name: 'x', op: 'Placeholder', attr: { dtype: { type: 'DT_FLOAT' }, shape: { shape } } };
  const constants = weights.map(({ name }) => ({ name, op: 'Const' }));
  return JSON.stringify({
    modelTopology: { node: [x, ...constants, ...nodes] },
    weightsManifest: [{ paths, weights }],
  });
};

const text = (value: string) => ({ s: btoa(value) });
const integers = (...values: number[]) => ({ list: { i: values.map(String) } });
const CONVOLUTION = { strides: integers(1, 2, 2, 1), padding: text('SAME'), data_format: text('NHWC') };

const read = (json: string, options?: TfjsOptions) => graphFromTfjs(json, 'model.json', options);

describe('graphFromTfjs', () => {
  it('turns images and kernels round, and puts biases and activations where the graph has them', () => {
    const weights = [
      { name: 'kernel', shape: [3, 3, 3, 8], dtype: 'float32' },
      { name: 'bias', shape: [8], dtype: 'float32' },
    ];
    const fused = { ...CONVOLUTION, fused_ops: { list: { s: [btoa('BiasAdd'), btoa('Relu6')] } } };
    const { graph, tensors } = read(
      model([{ name: 'y', op: '_FusedConv2D', input: ['x', 'kernel', 'bias'], attr: fused }], weights),
    );
    expect(graph.operators.map(({ type }) => type)).toEqual(['transpose', 'conv2d', 'activation', 'transpose']);
    expect(graph.parameters).toEqual([
      { name: 'kernel', shape: [8, 3, 3, 3], layout: 'out_in_h_w' },
      { name: 'bias', shape: [8], layout: 'features' },
    ]);
    expect(graph.operators[1].attributes).toMatchObject({ stride: [2, 2], padding: { top: 0, bottom: 1 } });
    expect(graph.values.y.shape).toEqual([2, 2, 2, 8]);
    expect(tensors.get('kernel')).toMatchObject({
      shape: [3, 3, 3, 8],
      permutation: [3, 2, 0, 1],
      place: { kind: 'files', parts: [{ location: 'weights.bin', offset: 0, length: 864 }] },
    });
  });

  it('finds weights that begin in one shard and end in another', () => {
    const weights = [
      { name: 'kernel', shape: [3, 3, 3, 8], dtype: 'float32' },
      { name: 'bias', shape: [20], dtype: 'float32' },
    ];
    const json = model(
      [
        { name: 'c', op: 'Conv2D', input: ['x', 'kernel'], attr: CONVOLUTION },
        { name: 'b', op: 'Identity', input: ['bias'] },
      ],
      weights,
      ['a.bin', 'b.bin'],
    );
    expect(() => read(json)).toThrow('"shardLength"');
    const shardLength = (location: string): number => (location === 'a.bin' ? 500 : 444);
    expect(read(json, { shardLength }).tensors.get('kernel')?.place).toEqual({
      kind: 'files',
      parts: [
        { location: 'a.bin', offset: 0, length: 500 },
        { location: 'b.bin', offset: 0, length: 364 },
      ],
    });
    expect(() => read(json, { shardLength: () => 460 })).toThrow(
      'model.json: weightsManifest[0].weights[1] should be a weight within the shards: it ends at 944 bytes',
    );
  });

  it('reads weights that were quantised', () => {
    const kernel = { name: 'kernel', shape: [1, 1, 3, 8], dtype: 'float32' };
    const nodes = [{ name: 'y', op: 'Conv2D', input: ['x', 'kernel'], attr: CONVOLUTION }];
    const bytes = Uint8Array.from({ length: 24 }, (_, i) => i);
    const bytewise = { ...kernel, quantization: { dtype: 'uint8', scale: 0.5, min: -3 } };
    const stored = read(model(nodes, [bytewise])).tensors.get('kernel');
    if (stored === undefined) throw new Error('no kernel');
    // [in, out] becomes [out, in].
    expect([...decodeTensor('kernel', stored, bytes)].slice(0, 4)).toEqual([-3, 1, 5, -2.5]);
    const half = { ...kernel, quantization: { dtype: 'float16' } };
    expect(read(model(nodes, [half])).tensors.get('kernel')?.type).toBe('float16');
  });

  it('keeps operators that it does not know, with their results', () => {
    const nodes = [
      { name: 'odd', op: 'FakeQuant', input: ['x'], attr: { num_bits: { i: '8' }, narrow: { b: true } } },
      { name: 'y', op: 'Relu', input: ['odd:1'] },
    ];
    const { graph } = read(model(nodes));
    expect(keptOperators(graph)).toEqual([{ operator: 'tensorflow.FakeQuant', count: 1 }]);
    expect(graph.operators[0]).toMatchObject({
      outputs: ['odd', 'odd:1'],
      attributes: { attributes: { num_bits: 8, narrow: 1 } },
    });
  });

  it('slices as Python does', () => {
    const cut = (begin: number[], end: number[], masks: Record<string, number>) => {
      const constants = { begin, end, strides: begin.map(() => 1) };
      const weights = Object.entries(constants).map(([name, values]) => ({
        name,
        shape: [values.length],
        dtype: 'int32',
      }));
      const bytes = new Uint8Array(Int32Array.from(Object.values(constants).flat()).buffer);
      const attr = Object.fromEntries(Object.entries(masks).map(([name, bits]) => [`${name}_mask`, { i: `${bits}` }]));
      const nodes = [{ name: 'y', op: 'StridedSlice', input: ['x', 'begin', 'end', 'strides'], attr }];
      const readPlace = (_: string, offset: number, length: number) => bytes.subarray(offset, offset + length);
      return read(model(nodes, weights), { readPlace }).graph.values.y.shape;
    };
    // x[:, 1:3], x[..., 0], x[1, None], x[..., None, 1:]
    expect(cut([0, 1], [0, 3], { begin: 1, end: 1 })).toEqual([2, 2, 4, 3]);
    expect(cut([0, 0], [0, 1], { ellipsis: 1, shrink_axis: 2 })).toEqual([2, 4, 4]);
    expect(cut([1, 0], [2, 0], { shrink_axis: 1, new_axis: 2 })).toEqual([1, 4, 4, 3]);
    expect(cut([0, 0, 1], [0, 0, 0], { ellipsis: 1, new_axis: 2, end: 4 })).toEqual([2, 4, 4, 1, 2]);
  });

  it('says what is wrong', () => {
    const relu = { name: 'y', op: 'Relu', input: ['x'] };
    expect(() => read('{')).toThrow('model.json: not JSON');
    expect(() => read('{}')).toThrow('model.json: not a TensorFlow.js model: it has no "modelTopology"');
    expect(() => read(model([{ ...relu, input: ['z'] }]))).toThrow(
      'model.json: Relu "y" reads "z", which nothing gives',
    );
    expect(() => read(model([{ ...relu, op: 'DepthwiseConv2dNative', input: ['x', 'x'] }]))).toThrow(
      'model.json: DepthwiseConv2dNative "y": the kernel "x" should be a weight of 4 axes, got a value that is computed',
    );
    expect(() => read(model([relu], [{ name: 'w', shape: [2], dtype: 'string' }]))).toThrow(
      'model.json: weightsManifest[0].weights[0].dtype should be one of float32, float16, int32, bool, uint8, got "string"',
    );
    expect(() => read(model([relu], [{ name: 'w', shape: [2 ** 30, 2 ** 30], dtype: 'float32' }]))).toThrow(
      'model.json: weightsManifest[0].weights[0].shape should be a shape that memory can hold, got [1073741824,1073741824]',
    );
    expect(() =>
      read(
        model([
          { ...relu, input: ['z'] },
          { name: 'z', op: 'Relu', input: ['y'] },
        ]),
      ),
    ).toThrow('model.json: Relu "y" waits for itself: the graph has a cycle');
    const shape = { name: 'shape', shape: [2], dtype: 'int32' };
    expect(() => read(model([{ name: 'y', op: 'Transpose', input: ['x', 'shape'] }], [shape]))).toThrow(
      'model.json: the option "readPlace" is needed to read "shape"',
    );
  });

  it('gives a graph or a GraphError whatever a file says', () => {
    const files = [GRAPH_MODEL, LAYERS_MODEL].map((path) => readFileSync(path, 'utf8'));
    const readPlace = (_: string, __: number, length: number) => new Uint8Array(length);
    const damage = fc.record({
      json: fc.constantFrom(...files),
      place: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      value: fc.oneof(fc.jsonValue(), fc.constantFrom(0, -1, 1e9, 1e15, '', 'x', [], {}, [-1], [0, 0, 0, 0])),
    });
    fc.assert(
      fc.property(damage, ({ json, place, value }) => {
        const root: unknown = JSON.parse(json);
        const holders = holdersOf(root);
        const [holder, key] = holders[Math.floor(place * holders.length)];
        holder[key] = value;
        try {
          read(JSON.stringify(root), { readPlace });
        } catch (error) {
          expect(error).toBeInstanceOf(GraphError);
        }
      }),
      { numRuns: 400, seed: 6 },
    );
  });
});

/** Every field of a JSON value, with the object or list that holds it. */
function holdersOf(value: unknown): Array<[holder: Record<string, unknown>, key: string]> {
  if (typeof value !== 'object' || value === null) return [];
  const holder = value as Record<string, unknown>;
  return Object.keys(holder).flatMap((key) => [[holder, key], ...holdersOf(holder[key])]);
}
