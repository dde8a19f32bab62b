// Models that are written are sound: their opset has the operators, types are ONNX's, and what cannot be sound is refused.
import type { ValueInfoProto } from 'onnx-buf';
import { describe, expect, it } from 'vitest';
import { renameInGraph } from '../src/edit.js';
import { checkNodes } from '../src/onnx/check.js';
import { graphFromOnnx, graphToOnnx } from '../src/onnx.js';
import {
  doubles,
  floats,
  type GraphInit,
  input,
  int,
  integers,
  ints,
  modelOf,
  node,
  parsed,
  TYPES,
} from './onnx-model.js';

const rewritten = (graph: GraphInit, opset?: number) => {
  const { graph: read } = graphFromOnnx(modelOf(graph, opset), 'm.onnx');
  return parsed(graphToOnnx(read, { values: new Map() }));
};

const typeOf = (info: ValueInfoProto | undefined) =>
  info?.type?.value.case === 'tensorType' ? info.type.value.value : undefined;

describe('a model that is written', () => {
  it('has the opset that its operators need', () => {
    const q = ['q', 'k', 'v'].map((name) => input(name, 'float32', [1, 2, 3, 4]));
    expect(rewritten({ input: q, node: [node('Attention', ['q', 'k', 'v'], 'y')] }, 23).opsetImport[0].version).toBe(
      23n,
    );
    const x = input('x', 'float32', [2, 3]);
    expect(rewritten({ input: [x], node: [node('Swish', ['x'], 'y')] }, 24).opsetImport[0].version).toBe(24n);
    expect(rewritten({ input: [x], node: [node('Tanh', ['x'], 'y')] }, 24).opsetImport[0].version).toBe(20n);
  });

  it('keeps integers of 64 bits, and a value of any number of axes', () => {
    const model = rewritten({
      input: [input('x', 'int64', [2]), input('z', 'float32')],
      output: [{ name: 'y' }, { name: 'u' }],
      node: [node('ConstantOfShape', ['x'], 'y'), node('Sin', ['z'], 'u')],
    });
    expect(model.graph?.input.map((info) => typeOf(info)?.elemType)).toEqual([TYPES.int64, TYPES.float32]);
    expect(typeOf(model.graph?.input[1])?.shape).toBeUndefined();
  });

  it('rounds where the model rounded', () => {
    const model = rewritten({
      input: [input('x', 'float32', [3])],
      node: [
        node('Cast', ['x'], 'b', [int('to', TYPES.bfloat16)]),
        node('Cast', ['b'], 'y', [int('to', TYPES.float32)]),
      ],
    });
    expect(model.graph?.node.map(({ attribute }) => Number(attribute[0].i))).toContain(TYPES.bfloat16);
  });

  it('casts to the narrow type of an operand, which is given as a wider one', () => {
    for (const type of ['int4', 'float8e4m3fn'] as const) {
      const { graph } = rewritten({
        input: [input('x', 'float32', [3]), input('like', type, [1])],
        node: [node('CastLike', ['x', 'like'], 'y')],
      });
      const targets = graph?.node.map(({ opType, attribute }) => `${opType} ${Number(attribute[0].i)}`);
      expect(targets?.[0]).toBe(`Cast ${TYPES[type]}`);
      expect(typeOf(graph?.input[1])?.elemType).not.toBe(TYPES[type]);
    }
  });

  it('has integers of few bits as int32 between its nodes', () => {
    const { graph } = rewritten({
      input: [input('x', 'int32', [3])],
      output: [input('y', 'int32', [3])],
      node: [
        node('Cast', ['x'], 'four', [int('to', TYPES.int4)]),
        node('Cast', ['four'], 'y', [int('to', TYPES.int32)]),
      ],
    });
    const targets = graph?.node.map(({ attribute }) => Number(attribute[0].i));
    expect(targets).toEqual([TYPES.int4, TYPES.int32, TYPES.int32]);
  });

  it('quantises to few bits as the model does', () => {
    const { graph } = rewritten(
      {
        input: [input('x', 'float32', [3])],
        initializer: [floats('scale', [], [0.5])],
        node: [
          node('QuantizeLinear', ['x', 'scale'], 'q', [int('output_dtype', TYPES.int4)]),
          node('DequantizeLinear', ['q', 'scale'], 'y'),
        ],
      },
      21,
    );
    expect(Number(graph?.node[0].attribute[0].i)).toBe(TYPES.int4);
  });

  it('may have names like those that the writer and the reader make', () => {
    const { graph } = rewritten(
      {
        input: [input('x', 'float32', [1, 3])],
        initializer: [floats('k', [], [0.5])],
        node: [
          node('Relu', ['x'], 'y/0'),
          node('Neg', ['y/0'], 'constant_0'),
          node('Squeeze', ['constant_0'], 's', [ints('axes', [0])]),
          node('Min', ['s', 'k'], 'y'),
        ],
      },
      11,
    );
    expect(graph?.node.map(({ opType }) => opType)).toEqual(['Relu', 'Neg', 'Reshape', 'Min']);
  });

  it('may give what is stored in it', () => {
    const { graph } = rewritten({
      input: [input('x', 'float32', [3])],
      output: [input('y', 'float32', [3]), input('k', 'int64', [2])],
      initializer: [integers('k', [2], [2 ** 40, 7])],
      node: [node('Neg', ['x'], 'y')],
    });
    const identity = graph?.node.find(({ opType }) => opType === 'Identity');
    const stored = graph?.initializer.find(({ name }) => name === identity?.input[0]);
    expect([stored?.dataType, ...(stored?.int64Data ?? [])]).toEqual([TYPES.int64, 2n ** 40n, 7n]);
  });

  it('keeps doubles, and casts to them', () => {
    const model = rewritten({
      input: [input('x', 'float64', [2])],
      output: [input('y', 'float64', [2])],
      initializer: [doubles('k', [2], [1 / 3, 1e300])],
      node: [
        node('Cast', ['x'], 'f', [int('to', TYPES.float32)]),
        node('Cast', ['f'], 'd', [int('to', TYPES.float64)]),
        node('Mul', ['d', 'k'], 'y'),
      ],
    });
    const ends = [...(model.graph?.input ?? []), ...(model.graph?.output ?? [])];
    expect(ends.map((info) => typeOf(info)?.elemType)).toEqual([TYPES.float64, TYPES.float64]);
    expect(model.graph?.node.map(({ opType, attribute }) => `${opType} ${attribute.map(({ i }) => i).join()}`)).toEqual(
      ['Cast 1', 'Cast 11', 'Mul '],
    );
    expect(model.graph?.initializer.map(({ doubleData }) => doubleData)).toEqual([[1 / 3, 1e300]]);
  });

  it('quantises to the type of a zero point that it is given', () => {
    const of = (type: 'int4' | 'uint16') =>
      rewritten(
        {
          input: [input('x', 'float32', [3]), input('zero', type, [])],
          initializer: [floats('scale', [], [0.5])],
          node: [node('QuantizeLinear', ['x', 'scale', 'zero'], 'y')],
        },
        21,
      );
    const narrow = of('int4').graph?.node ?? [];
    const quantise = narrow.find(({ opType }) => opType === 'QuantizeLinear');
    const cast = narrow.find(({ output }) => output[0] === quantise?.input[2]);
    expect([cast?.opType, Number(cast?.attribute[0].i)]).toEqual(['Cast', TYPES.int4]);
    expect(of('uint16').opsetImport[0].version).toBe(21n);
  });

  it('may pool a tensor that is stored in it', () => {
    const image = Float32Array.from({ length: 32 }, (_, i) => i);
    const { graph } = graphFromOnnx(
      modelOf({
        input: [input('x', 'float32', [1])],
        initializer: [floats('image', [1, 2, 4, 4], [...image])],
        node: [node('MaxPool', ['image'], 'pooled', [ints('kernel_shape', [2, 2])]), node('Add', ['pooled', 'x'], 'y')],
      }),
      'm.onnx',
    );
    const written = parsed(graphToOnnx(graph, { values: new Map([['image', image]]) }));
    expect(written.graph?.node.map(({ opType }) => opType)).toEqual(['MaxPool', 'Add']);
  });

  it('is refused where ONNX has no such node', () => {
    const one = { op: 'Relu', inputs: ['x'], outputs: ['y'], attributes: {} };
    expect(() => checkNodes([one], ['x'], ['y'])).not.toThrow();
    expect(() => checkNodes([{ ...one, op: 'Rely' }], ['x'], ['y'])).toThrow(
      'Rely "y" cannot be written: it is no operator',
    );
    expect(() => checkNodes([{ ...one, inputs: ['x', 'x'] }], ['x'], ['y'])).toThrow(
      'it has 2 operand(s), ONNX wants 1 to 1',
    );
    expect(() => checkNodes([{ ...one, attributes: { alpha: 1 } }], ['x'], ['y'])).toThrow('has no attribute "alpha"');
    expect(() => checkNodes([one], [], ['y'])).toThrow('it reads "x", which nothing gives before it');
    expect(() => checkNodes([one, one], ['x'], ['y'])).toThrow('"y" is given twice');
    expect(() => checkNodes([one], ['x'], ['z'])).toThrow('the output "z" cannot be written');
  });
});

describe('a model of an old opset', () => {
  it('spreads an operand from the axis that a node of opset 6 names', () => {
    const bias = floats('b', [3], [1, 2, 3]);
    const { graph } = graphFromOnnx(
      modelOf(
        {
          input: [input('x', 'float32', [2, 3, 4])],
          initializer: [bias],
          node: [node('Add', ['x', 'b'], 'y', [int('broadcast', 1), int('axis', 1)])],
        },
        6,
      ),
      'old.onnx',
    );
    const [{ attributes }] = graph.operators;
    expect(attributes).toMatchObject({ operator: 'Add', operands: ['input', { shape: [3, 1] }] });
  });

  it('has attributes that became operands', () => {
    const { graph } = graphFromOnnx(
      modelOf(
        { input: [input('x', 'float32', [2, 3])], node: [node('Reshape', ['x'], 'y', [ints('shape', [3, 2])])] },
        1,
      ),
      'old.onnx',
    );
    expect(graph.operators[0]).toMatchObject({ type: 'reshape', attributes: { shape: [3, 2] } });
  });

  it('is refused by name for what no later opset has', () => {
    const read = (graph: GraphInit, opset: number) => () => graphFromOnnx(modelOf(graph, opset), 'old.onnx');
    const x = input('x', 'float32', [2]);
    expect(read({ input: [x], node: [node('ScaledTanh', ['x'], 'y')] }, 1)).toThrow('was an experiment');
    expect(read({ input: [x], node: [] }, 0)).toThrow('does not say which opset');
  });
});

describe('a function of the model', () => {
  const twice = { name: 'Twice', domain: 'my', input: ['a'], output: ['b'], node: [node('Add', ['a', 'a'], 'b')] };
  const call = { ...node('Twice', ['x'], 'y'), domain: 'my' };
  const x = input('x', 'float32', [2]);

  it('is what it holds', () => {
    const { graph } = graphFromOnnx(modelOf({ input: [x], node: [call] }, 20, { functions: [twice] }), 'm.onnx');
    expect(graph.operators.map(({ type }) => type)).toEqual(['add']);
  });

  it('that calls itself is refused', () => {
    const endless = { ...twice, node: [{ ...node('Twice', ['a'], 'b'), domain: 'my' }] };
    expect(() => graphFromOnnx(modelOf({ input: [x], node: [call] }, 20, { functions: [endless] }), 'm.onnx')).toThrow(
      'm.onnx: the function "Twice" calls itself',
    );
  });
});

describe('a loop', () => {
  const model = (): Uint8Array =>
    modelOf({
      input: [input('x', 'float32', [2])],
      initializer: [integers('count', [], [3])],
      node: [
        node('Loop', ['count', '', 'x'], 'y', [
          {
            name: 'body',
            type: 5,
            g: {
              input: [{ name: 'i' }, { name: 'go' }, { name: 'v' }],
              output: [{ name: 'goes' }, { name: 'next' }],
              node: [node('Identity', ['go'], 'goes'), node('Add', ['v', 'x'], 'next')],
            },
          },
        ]),
      ],
    });

  it('is kept with its body, and written back', () => {
    const { graph } = graphFromOnnx(model(), 'loop.onnx');
    const [operator] = graph.operators;
    expect(operator.attributes).toMatchObject({ attributes: { body: { body: { captures: ['x'] } } } });
    const back = parsed(graphToOnnx(graph, { values: new Map() }));
    const body = back.graph?.node.find(({ opType }) => opType === 'Loop')?.attribute[0].g;
    expect(body?.node.map(({ opType }) => opType)).toEqual(['Identity', 'Add']);
  });

  it.each(['v', 'goes', 'next', 'i'])('reads what is around it when that gets its own name "%s"', (name) => {
    const { graph } = graphFromOnnx(model(), 'loop.onnx');
    const back = parsed(graphToOnnx(renameInGraph(graph, { values: { x: name } }), { values: new Map() }));
    const body = back.graph?.node.find(({ opType }) => opType === 'Loop')?.attribute[0].g;
    const own = [
      ...(body?.input ?? []).map((value) => value.name),
      ...(body?.node ?? []).flatMap(({ output }) => output),
    ];
    expect(own).not.toContain(name);
    expect(new Set(own).size).toBe(own.length);
    const [, add] = body?.node ?? [];
    expect(add.input).toEqual([body?.input[2].name, name]);
    expect(body?.output.map((value) => value.name)).toEqual([body?.node[0].output[0], add.output[0]]);
  });
});

it('branches that are always taken may have the same names within', () => {
  const branch = (name: string, value: number) => ({
    name,
    type: 5,
    g: { output: [{ name: 'r' }], initializer: [floats('c', [], [value])], node: [node('Mul', ['x', 'c'], 'r')] },
  });
  const chosen = (name: string, value: number) =>
    node('If', ['yes'], name, [branch('then_branch', value), branch('else_branch', 0)]);
  const { graph } = graphFromOnnx(
    modelOf({
      input: [input('x', 'float32', [2])],
      initializer: [{ name: 'yes', dataType: TYPES.bool, dims: [], int32Data: [1] }],
      node: [chosen('u', 2), chosen('v', 3), node('Sub', ['u', 'v'], 'y')],
    }),
    'm.onnx',
  );
  const texts = graph.operators.map(({ attributes }) => JSON.stringify(attributes));
  for (const factor of [2, 3]) expect(texts.filter((text) => text.includes(`"values":[${factor}]`))).toHaveLength(1);
});

it('a pointer of git-lfs is named as such', () => {
  const pointer = new TextEncoder().encode('version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n');
  expect(() => graphFromOnnx(pointer, 'm.onnx')).toThrow('m.onnx: this is a pointer of git-lfs');
});
