import { readFile } from 'node:fs/promises';
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { type GraphProtoSchema, ModelProtoSchema } from 'onnx-buf';
import { describe, expect, it } from 'vitest';
import { graphFromConfig } from '../src/huggingface.js';
import {
  buildArchitecture,
  elementCount,
  type Graph,
  GraphBuilder,
  GraphError,
  parseArchitecture,
  summarizeComputationalGraph,
  toComputationalGraph,
  withBatchStatistics,
} from '../src/index.js';
import { decodeTensor, graphFromOnnx, graphToOnnx, keptOperators } from '../src/onnx.js';

const SMALL = { hidden_size: 16, num_hidden_layers: 2, num_attention_heads: 4, intermediate_size: 24 };
const preset = (text: string) => (): Graph => buildArchitecture(parseArchitecture(text));
const config = (fields: object) => (): Graph => graphFromConfig(JSON.stringify({ ...SMALL, ...fields }));

const NETWORKS: ReadonlyArray<readonly [name: string, build: () => Graph]> = [
  ['vit', preset('vit:layers=2,heads=4,hidden=32,mlp=64,patch=8')],
  ['gpt2', preset('gpt2:layers=2,heads=4,hidden=32,vocab=50,context=12')],
  ['gpt2 with a head of its own', preset('gpt2:layers=2,heads=4,hidden=32,vocab=50,context=12,tied=false')],
  ['llama', preset('llama:layers=2,heads=4,kvHeads=2,hidden=32,mlp=64,vocab=50')],
  ['bert', config({ model_type: 'bert', vocab_size: 50, max_position_embeddings: 12 })],
  ['transformers’ vit', config({ model_type: 'vit', image_size: 16, patch_size: 4 })],
  ['resnet18', preset('resnet18:image=64,classes=10')],
  ['mobilenet_v2', preset('mobilenet_v2:image=64,classes=10')],
  ['efficientnet_b0', preset('efficientnet_b0:image=64,classes=10')],
  ['densenet121', preset('densenet121:image=64,classes=10')],
  ['convnext', preset('convnext:depth=1,width=16,image=64,classes=10')],
];

const ones = (graph: Graph): Map<string, Float32Array> =>
  new Map(graph.parameters.map(({ name, shape }, i) => [name, new Float32Array(elementCount(shape)).fill(i + 1)]));

const toBytes = (graph: Graph): Uint8Array => graphToOnnx(graph, { values: ones(graph) });

describe('graphFromOnnx', () => {
  it.each(NETWORKS)(
    'gives the computational graph of %s back, with its names, and keeps no operator',
    (name, build) => {
      const graph = build();
      const { graph: found, tensors } = graphFromOnnx(toBytes(graph), name);
      const summary = (of: Graph) => summarizeComputationalGraph(toComputationalGraph(of));
      expect(summary(found)).toEqual(summary(graph));
      expect(keptOperators(found)).toEqual([]);
      const values = ones(graph);
      for (const parameter of found.parameters) {
        const stored = tensors.get(parameter.name);
        if (stored?.place.kind !== 'bytes') throw new Error(`"${parameter.name}" has no bytes`);
        const decoded = decodeTensor(parameter.name, stored, stored.place.bytes);
        const [value] = values.get(parameter.name) ?? [];
        expect(decoded.every((found) => found === value)).toBe(true);
      }
    },
  );

  it('copies no weights', () => {
    const bytes = toBytes(NETWORKS[0][1]());
    for (const { place } of graphFromOnnx(bytes, 'vit.onnx').tensors.values())
      expect(place.kind === 'bytes' && place.bytes.buffer).toBe(bytes.buffer);
  });

  it('says where weights are that a file beside the model holds, and reads nothing', () => {
    const graph = NETWORKS[0][1]();
    const { tensors } = graphFromOnnx(graphToOnnx(graph, { externalFile: '../vit.data' }), 'vit.onnx');
    expect(tensors.get('conv_proj.weight')?.place).toMatchObject({
      kind: 'files',
      parts: [{ location: '../vit.data' }],
    });
  });

  it('takes numbers for sizes that have names', () => {
    const bytes = toBytes(NETWORKS[1][1]());
    const { graph } = graphFromOnnx(bytes, 'gpt2.onnx', { dimensions: { batch: 1, time: 12 } });
    expect(graph.values[graph.outputs[0]].shape).toEqual([1, 12, 50]);
    expect(() => graphFromOnnx(bytes, 'gpt2.onnx', { dimensions: { height: 3 } })).toThrow(
      'gpt2.onnx: "height" is not a size of the model; known are batch, time',
    );
  });

  it('leaves statistics out where networks are to be trained', () => {
    const g = new GraphBuilder('net');
    const graph = g.build([g.batchNorm(g.input('x', ['batch', 32, 4, 4]), 'bn')]);
    const [operator] = graph.operators;
    const statistics = ['mean', 'variance'].map((name) => ({ name, shape: [32], layout: 'features' as const }));
    const trained: Graph = {
      ...graph,
      operators: [{ ...operator, parameters: { ...operator.parameters, mean: 'mean', variance: 'variance' } }],
      parameters: [...graph.parameters, ...statistics],
    };
    const back = graphFromOnnx(toBytes(trained), 'net.onnx').graph;
    expect(back.operators[0].parameters).toEqual(trained.operators[0].parameters);
    expect(withBatchStatistics(back).parameters).toEqual(graph.parameters);
  });

  it('says what is wrong with a file that is cut off, of another format or empty', () => {
    const bytes = toBytes(NETWORKS[0][1]());
    expect(() => graphFromOnnx(bytes.subarray(0, 5000), 'cut.onnx')).toThrow(/^cut\.onnx: /);
    expect(() => graphFromOnnx(new TextEncoder().encode('{"a": 1}'), 'a.onnx')).toThrow(/^a\.onnx: /);
    expect(() => graphFromOnnx(new Uint8Array(), 'no.onnx')).toThrow(
      'no.onnx: not a whole ONNX model: it has no graph',
    );
  });

  it('gives a graph or a GraphError for any damage to a file', () => {
    const files = [NETWORKS[0], NETWORKS[3], NETWORKS[6]].map(([, build]) => withoutWeights(build()));
    const damage = fc.record({
      file: fc.constantFrom(...files),
      places: fc.array(fc.tuple(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), fc.nat(255)), {
        minLength: 1,
        maxLength: 4,
      }),
      length: fc.double({ min: 0.5, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(damage, ({ file, places, length }) => {
        const bytes = file.slice(0, Math.ceil(file.length * length));
        for (const [place, value] of places) bytes[Math.floor(place * bytes.length)] = value;
        try {
          graphFromOnnx(bytes, 'damaged.onnx');
        } catch (error) {
          expect(error).toBeInstanceOf(GraphError);
        }
      }),
      { numRuns: 300, seed: 6 },
    );
  });
});

type GraphInit = Exclude<MessageInitShape<typeof GraphProtoSchema>, { readonly $typeName: string }>;

/** A file of opset 20 with this graph, whose output is "y". */
const fileOf = (graph: GraphInit): Uint8Array =>
  toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      opsetImport: [{ domain: '', version: 20n }],
      graph: { name: 'g', output: [{ name: 'y' }], ...graph },
    }),
  );

/** An input "x" with these sizes. */
const input = (...sizes: bigint[]) => ({
  name: 'x',
  type: {
    value: {
      case: 'tensorType' as const,
      value: { elemType: 1, shape: { dim: sizes.map((value) => ({ value: { case: 'dimValue' as const, value } })) } },
    },
  },
});

const node = (opType: string, from: string[], to: string) => ({ opType, name: to, input: from, output: [to] });
const int64s = (name: string, values: bigint[]) => ({
  name,
  dataType: 7,
  dims: [BigInt(values.length)],
  int64Data: values,
});

describe('a hostile ONNX file', () => {
  const read = (graph: GraphInit) => graphFromOnnx(fileOf(graph), 'bad.onnx');

  it('with a cycle is an error that names a node on it', () => {
    expect(() =>
      read({
        input: [input(2n)],
        node: [node('Add', ['x', 'b'], 'a'), node('Relu', ['a'], 'b'), node('Relu', ['b'], 'y')],
      }),
    ).toThrow('bad.onnx: Add "a" waits for itself: the graph has a cycle');
  });

  it('with a tensor of more bytes than there are is an error, and nothing is set aside for it', () => {
    const before = process.memoryUsage().rss;
    const huge = (dims: bigint[]) => () =>
      read({
        node: [node('Relu', ['w'], 'y')],
        initializer: [{ name: 'w', dataType: 1, dims, rawData: new Uint8Array(8) }],
      });
    expect(huge([2n ** 20n, 2n ** 12n])).toThrow(
      'bad.onnx: the tensor "w" float32 [1048576, 4096] takes 17179869184 bytes, but the file holds 8',
    );
    expect(huge([2n ** 40n, 2n ** 40n])).toThrow('which no memory holds');
    expect(huge([-1n])).toThrow('bad.onnx: a size of the tensor "w" is -1');
    expect(process.memoryUsage().rss - before).toBeLessThan(2 ** 28);
  });

  it('that asks for tensors of gigabytes is read without making them', () => {
    const before = process.memoryUsage().rss;
    const { graph } = read({
      initializer: [int64s('shape', [2n ** 16n, 2n ** 16n])],
      node: [node('ConstantOfShape', ['shape'], 'big'), node('Relu', ['big'], 'y')],
    });
    expect(graph.values.y.shape).toEqual([2 ** 16, 2 ** 16]);
    expect(process.memoryUsage().rss - before).toBeLessThan(2 ** 28);
  });

  it('whose length fields say gigabytes is an error', () => {
    // Field 7, the graph, of 2^31 - 1 bytes; then nothing.
    const bytes = Uint8Array.of(0x3a, 0xff, 0xff, 0xff, 0xff, 0x07, 0x0a);
    expect(() => graphFromOnnx(bytes, 'bad.onnx')).toThrow('bad.onnx: not a whole ONNX model: ');
  });

  it('that is damaged, cut short or no model is called that, in no words of its encoding', () => {
    const wrong = [
      Uint8Array.of(),
      // An end of a group that never began, alone and in a graph.
      Uint8Array.of(0x0c),
      Uint8Array.of(0x3a, 0x01, 0x0c),
      new TextEncoder().encode('this is no model'),
      // A graph that ends before its length.
      Uint8Array.of(0x3a, 0x10, 0x0a),
    ];
    for (const bytes of wrong) {
      expect(() => graphFromOnnx(bytes, 'bad.onnx')).toThrow(/^bad\.onnx: not a whole ONNX model: [^()]*$/);
    }
  });

  it('with operands that do not fit is an error that names the node', () => {
    expect(() =>
      read({
        input: [input(2n, 3n)],
        initializer: [int64s('shape', [7n])],
        node: [node('Reshape', ['x', 'shape'], 'y')],
      }),
    ).toThrow(/^bad\.onnx: Reshape "y": /);
    expect(() => read({ input: [input(2n)], node: [node('Relu', ['nothing'], 'y')] })).toThrow(
      'bad.onnx: Relu "y" reads "nothing", which nothing gives',
    );
  });

  it('with an Upsample of old is resized by its scales', () => {
    const scales = { name: 'scales', dataType: 1, dims: [4n], floatData: [1, 1, 2, 2.5] };
    const bytes = toBinary(
      ModelProtoSchema,
      create(ModelProtoSchema, {
        opsetImport: [{ domain: '', version: 9n }],
        graph: {
          name: 'g',
          input: [input(1n, 3n, 4n, 4n)],
          output: [{ name: 'y' }],
          initializer: [scales],
          node: [node('Upsample', ['x', 'scales'], 'y')],
        },
      }),
    );
    const { graph } = graphFromOnnx(bytes, 'old.onnx');
    expect(graph.values.y.shape).toEqual([1, 3, 8, 10]);
    expect(graph.operators[0].attributes).toMatchObject({
      operator: 'Resize',
      attributes: { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' },
    });
  });
});

/** A model whose weights are elsewhere: all of its bytes say what it computes. */
const withoutWeights = (graph: Graph): Uint8Array => graphToOnnx(graph, { externalFile: 'weights.bin' });

describe('a model that PyTorch’s exporter wrote', () => {
  const FILES = [
    ['vit', { model_type: 'vit', image_size: 16, patch_size: 4, num_labels: 10 }],
    ['llama', { model_type: 'llama', num_key_value_heads: 2, vocab_size: 50 }],
  ] as const;

  it.each(FILES)('has the computational graph of transformers’ %s', async (name, fields) => {
    const sizes = { hidden_size: 32, num_hidden_layers: 2, num_attention_heads: 4, intermediate_size: 64 };
    const wanted = graphFromConfig(JSON.stringify({ ...sizes, ...fields }));
    const file = new URL(`fixtures/${name}-pytorch.onnx`, import.meta.url);
    const { graph } = graphFromOnnx(await readFile(file), name);
    expect(keptOperators(graph)).toEqual([]);
    // Exporters give parameters names of their own.
    const summary = (of: Graph) => {
      const { nodes, ...rest } = summarizeComputationalGraph(toComputationalGraph(of));
      return { ...rest, nodes: nodes.map(({ op, shape }) => ({ op, shape })) };
    };
    expect(summary(graph)).toEqual(summary(wanted));
  });
});

describe('stored integers of 64 bits', () => {
  const stored = (value: bigint) => {
    const bytes = new Uint8Array(BigInt64Array.of(value).buffer);
    return () => decodeTensor('k', { type: 'int64', shape: [1], place: { kind: 'bytes', bytes } }, bytes);
  };

  it.each([2n ** 53n + 1n, -(2n ** 53n) - 1n, 2n ** 62n + 1n, -7046029254386353131n])(
    'that no number holds are refused: %s',
    (value) => {
      expect(stored(value)).toThrow(`the tensor "k" of int64 has ${value}, which cannot be computed with exactly`);
    },
  );

  it.each([0n, -1n, 2n ** 53n, 2n ** 62n, 2n ** 63n - 1n, -(2n ** 63n), -(2n ** 63n) + 1n])(
    'that one holds, or that mean the end, are read: %s',
    (value) => {
      expect([...stored(value)()]).toEqual([Math.fround(Number(value))]);
    },
  );
});
