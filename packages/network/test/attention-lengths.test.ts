// What is raised to attention, rotary embeddings and positions is right for texts of every length: at lengths far from those that a model is looked at with.
import '@logah/backend-ort';
import type { Graph } from '@logah/graph-ir';
import { graphFromOnnx, graphToOnnx } from '@logah/graph-ir/onnx';
import * as tf from '@tensorflow/tfjs-core';
import * as ort from 'onnxruntime-node';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  floats,
  type GraphInit,
  input,
  int,
  integers,
  ints,
  modelOf,
  node,
  TYPES,
} from '../../graph-ir/test/onnx-model.js';
import { forward } from '../src/index.js';
import { valuesOf } from './real-models.js';

beforeAll(() => tf.setBackend('ort'));

type Nodes = NonNullable<GraphInit['node']>;
type Tensors = NonNullable<GraphInit['initializer']>;

const FEATURES = 8;
const wave = (count: number, phase: number): number[] =>
  Array.from({ length: count }, (_, i) => Math.sin(1.7 * i + phase + 0.3 * Math.cos(i * i)));
const scalar = (name: string, value: number) => floats(name, [], [value]);
const cast = (from: string, to: string) => node('Cast', [from], to, [int('to', TYPES.float32)]);

/** Positions of a text as "range", its length as "length", positions of keys "j" and of queries "i". */
const POSITIONS: Nodes = [
  node('Shape', ['x'], 'shape'),
  node('Gather', ['shape', 'one'], 'length'),
  node('Range', ['zero', 'length', 'one'], 'range'),
  node('Unsqueeze', ['range', 'first'], 'j'),
  node('Unsqueeze', ['range', 'second'], 'i'),
  node('Sub', ['i', 'j'], 'apart'),
  node('LessOrEqual', ['j', 'i'], 'causal'),
  cast('length', 'lengthFloat'),
  cast('i', 'iFloat'),
  cast('j', 'jFloat'),
  cast('range', 'rangeFloat'),
];
const NUMBERS: Tensors = [
  integers('zero', [], [0]),
  integers('one', [], [1]),
  integers('first', [1], [0]),
  integers('second', [1], [1]),
  integers('eight', [], [8]),
  integers('twelve', [], [12]),
  integers('origin', [2], [0, 0]),
  integers('apartHeads', [4], [0, 0, 2, 4]),
  integers('joinedHeads', [3], [0, 0, FEATURES]),
  scalar('scale', 0.5),
  scalar('half', 0.5),
  scalar('shut', -1e9),
  scalar('nothing', 0),
  scalar('five', 5),
  scalar('oneFloat', 1),
  scalar('eightFloat', 8),
];

interface Piece {
  /** From products of queries and keys "products" to "logits". */
  readonly logits?: Nodes;
  /** From queries "q" and keys "k" to "q2" and "k2". */
  readonly heads?: Nodes;
  /** From the softmax "weights" to "weights2". */
  readonly weights?: Nodes;
  readonly tensors?: Tensors;
  readonly inputs?: NonNullable<GraphInit['input']>;
}

const SCALED = node('Mul', ['products', 'scale'], 'scaled');
const same = (from: string, to: string) => node('Identity', [from], to);

const modelWith = ({ logits, heads, weights, tensors = [], inputs = [] }: Piece): GraphInit => ({
  input: [input('x', 'float32', ['batch', 'time', FEATURES]), ...inputs],
  output: [input('y', 'float32', ['batch', 'time', FEATURES])],
  initializer: [
    ...NUMBERS,
    ...['q', 'k', 'v'].map((name, i) => floats(`w${name}`, [FEATURES, FEATURES], wave(FEATURES * FEATURES, i))),
    ...tensors,
  ],
  node: [
    ...POSITIONS,
    ...['q', 'k', 'v'].flatMap((name) => [
      node('MatMul', ['x', `w${name}`], `${name}0`),
      node('Reshape', [`${name}0`, 'apartHeads'], `${name}1`),
      node('Transpose', [`${name}1`], name, [ints('perm', [0, 2, 1, 3])]),
    ]),
    ...(heads ?? [same('q', 'q2'), same('k', 'k2')]),
    node('Transpose', ['k2'], 'keys', [ints('perm', [0, 1, 3, 2])]),
    node('MatMul', ['q2', 'keys'], 'products'),
    ...(logits ?? [node('Mul', ['products', 'scale'], 'logits')]),
    node('Softmax', ['logits'], 'weights', [int('axis', -1)]),
    ...(weights ?? [same('weights', 'weights2')]),
    node('MatMul', ['weights2', 'v'], 'mixed'),
    node('Transpose', ['mixed'], 'turned', [ints('perm', [0, 2, 1, 3])]),
    node('Reshape', ['turned', 'joinedHeads'], 'y'),
  ],
});

/** Attention of which a condition "mask" says what stays. */
const choosing = (mask: Nodes, tensors: Tensors = []): Piece => ({
  logits: [...mask, SCALED, node('Where', ['mask', 'scaled', 'shut'], 'logits')],
  tensors,
});
/** Attention to whose logits "mask" is added. */
const adding = (mask: Nodes, tensors: Tensors = []): Piece => ({
  logits: [...mask, SCALED, node('Add', ['scaled', 'mask'], 'logits')],
  tensors,
});
/** Attention with rotary embeddings of the positions "at", one for each of a text. */
const turning = (positions: Nodes, tensors: Tensors = []): Piece => ({
  heads: [
    ...positions,
    node('Unsqueeze', ['at', 'second'], 'column'),
    node('Mul', ['column', 'frequencies'], 'angles'),
    node('Concat', ['angles', 'angles'], 'both', [int('axis', -1)]),
    node('Cos', ['both'], 'cos'),
    node('Sin', ['both'], 'sin'),
    ...turned(),
  ],
  tensors: [floats('frequencies', [2], [1, 0.01]), ...HALVES, ...tensors],
});
const HALVES: Tensors = [
  integers('from', [1], [0]),
  integers('middle', [1], [2]),
  integers('to', [1], [4]),
  integers('last', [1], [-1]),
];
function turned(): Nodes {
  return ['q', 'k'].flatMap((name) => [
    node('Slice', [name, 'from', 'middle', 'last'], `${name}Left`),
    node('Slice', [name, 'middle', 'to', 'last'], `${name}Right`),
    node('Neg', [`${name}Right`], `${name}Negative`),
    node('Concat', [`${name}Negative`, `${name}Left`], `${name}Turned`, [int('axis', -1)]),
    node('Mul', [name, 'cos'], `${name}Cos`),
    node('Mul', [`${name}Turned`, 'sin'], `${name}Sin`),
    node('Add', [`${name}Cos`, `${name}Sin`], `${name}2`),
  ]);
}
/** The first rows and columns of a table of 48, as many as a text is long. */
const SLICED: Nodes = [
  node('Unsqueeze', ['length', 'first'], 'end'),
  node('Concat', ['end', 'end'], 'ends', [int('axis', 0)]),
  node('Slice', ['table', 'origin', 'ends'], 'mask'),
];
/** As many rows and columns of ones as a text is long. */
const ONES: Nodes = [
  node('Unsqueeze', ['length', 'first'], 'lengthOnce'),
  node('Concat', ['lengthOnce', 'lengthOnce'], 'square', [int('axis', 0)]),
  node('ConstantOfShape', ['square'], 'zeros'),
  node('Add', ['zeros', 'oneFloat'], 'ones'),
];
const tableOf = (isOpen: (i: number, j: number) => boolean) =>
  floats(
    'table',
    [48, 48],
    Array.from({ length: 48 * 48 }, (_, at) => (isOpen(Math.floor(at / 48), at % 48) ? 0 : -1e9)),
  );
const anglesUpTo = (rows: number, at: (t: number) => number, turn: (angle: number) => number): number[] =>
  Array.from({ length: rows * 4 }, (_, i) => turn(at(Math.floor(i / 4)) * (i % 2 === 0 ? 1 : 0.01)));
const rotaryTables = (at: (t: number) => number): Piece => ({
  heads: [
    node('Unsqueeze', ['length', 'first'], 'end'),
    node('Slice', ['cosines', 'from', 'end'], 'cos'),
    node('Slice', ['sines', 'from', 'end'], 'sin'),
    ...turned(),
  ],
  tensors: [
    floats('cosines', [48, 4], anglesUpTo(48, at, Math.cos)),
    floats('sines', [48, 4], anglesUpTo(48, at, Math.sin)),
    ...HALVES,
  ],
});
const MASK = [input('given', 'float32', ['batch', 1, 'time', 'time'])];
const within = (condition: Nodes): Nodes => [...condition, node('And', ['causal', 'near'], 'mask')];

const RAISED: Record<string, Piece> = {
  'no mask': {},
  'a causal mask': choosing([same('causal', 'mask')]),
  'a causal mask by a triangle': choosing([
    ...ONES,
    node('Trilu', ['ones'], 'triangle', [int('upper', 0)]),
    node('Cast', ['triangle'], 'mask', [int('to', TYPES.bool)]),
  ]),
  'a causal table': adding(SLICED, [tableOf((i, j) => j <= i)]),
  'a mask that is given': { ...adding([same('given', 'mask')]), inputs: MASK },
  'rotary embeddings': turning([same('rangeFloat', 'at')]),
  'rotary embeddings of tables': rotaryTables((t) => t),
  'a guard of rows that are never shut': {
    ...choosing([same('causal', 'mask')]),
    weights: [node('IsNaN', ['weights'], 'odd'), node('Where', ['odd', 'nothing', 'weights'], 'weights2')],
  },
};

const KEPT: Record<string, Piece> = {
  'a mask before the scale': {
    logits: [node('Add', ['products', 'given'], 'masked'), node('Mul', ['masked', 'scale'], 'logits')],
    inputs: MASK,
  },
  'a mask before a divisor': {
    logits: [node('Add', ['products', 'given'], 'masked'), node('Div', ['masked', 'two'], 'logits')],
    tensors: [scalar('two', 2)],
    inputs: MASK,
  },
  'a mask between two scales': {
    logits: [
      node('Mul', ['products', 'root'], 'less'),
      node('Add', ['less', 'given'], 'masked'),
      node('Mul', ['masked', 'root'], 'logits'),
    ],
    tensors: [scalar('root', Math.SQRT1_2)],
    inputs: MASK,
  },
  'a guard of rows that a mask may shut': {
    ...adding([same('given', 'mask')]),
    weights: [node('IsNaN', ['weights'], 'odd'), node('Where', ['odd', 'nothing', 'weights'], 'weights2')],
    inputs: MASK,
  },
  'a guard that fills': {
    ...adding([same('given', 'mask')]),
    weights: [node('IsNaN', ['weights'], 'odd'), node('Where', ['odd', 'five', 'weights'], 'weights2')],
    inputs: MASK,
  },
  'a guard of something else': {
    weights: [
      node('Log', ['given'], 'other'),
      node('IsNaN', ['other'], 'odd'),
      node('Where', ['odd', 'nothing', 'weights'], 'weights2'),
    ],
    inputs: MASK,
  },
  'a window': choosing(within([node('Less', ['apart', 'eight'], 'near')])),
  'a window of floats': choosing(
    within([node('Sub', ['iFloat', 'jFloat'], 'd'), node('Less', ['d', 'eightFloat'], 'near')]),
  ),
  'a window by division': choosing(
    within([node('Div', ['apart', 'eight'], 'whole'), node('Equal', ['whole', 'zero'], 'near')]),
  ),
  'a window by halves': choosing(
    within([
      node('Sub', ['iFloat', 'jFloat'], 'd'),
      node('Mul', ['d', 'half'], 'h'),
      node('Less', ['h', 'eightFloat'], 'near'),
    ]),
  ),
  'a window by a cast': choosing(
    within([
      node('Sub', ['iFloat', 'jFloat'], 'd'),
      node('Div', ['d', 'eightFloat'], 'h'),
      node('Cast', ['h'], 'whole', [int('to', TYPES.int64)]),
      node('Equal', ['whole', 'zero'], 'near'),
    ]),
  ),
  'a window by a triangle': choosing(
    [
      ...ONES,
      node('Trilu', ['ones'], 'lower', [int('upper', 0)]),
      node('Trilu', ['lower', 'back'], 'band', [int('upper', 1)]),
      node('Cast', ['band'], 'mask', [int('to', TYPES.bool)]),
    ],
    [integers('back', [], [-8])],
  ),
  blocks: choosing([
    node('Div', ['j', 'eight'], 'jBlock'),
    node('Div', ['i', 'eight'], 'iBlock'),
    node('Equal', ['jBlock', 'iBlock'], 'mask'),
  ]),
  'causal blocks': choosing(
    within([
      node('Div', ['j', 'eight'], 'jBlock'),
      node('Div', ['i', 'eight'], 'iBlock'),
      node('Equal', ['jBlock', 'iBlock'], 'near'),
    ]),
  ),
  'the first keys': choosing([node('Less', ['jFloat', 'eightFloat'], 'mask')]),
  'a least position': choosing([node('Min', ['i', 'eight'], 'least'), node('LessOrEqual', ['j', 'least'], 'mask')]),
  'a mask of one length': choosing([
    node('Equal', ['length', 'twelve'], 'isTwelve'),
    node('Not', ['isTwelve'], 'isOther'),
    node('And', ['causal', 'isOther'], 'stays'),
    node('Equal', ['i', 'j'], 'self'),
    node('Or', ['stays', 'self'], 'mask'),
  ]),
  'a distance that costs from 8 on': adding([
    node('Sub', ['iFloat', 'jFloat'], 'd'),
    node('Abs', ['d'], 'far'),
    node('Sub', ['far', 'eightFloat'], 'over'),
    node('Relu', ['over'], 'cost'),
    node('Neg', ['cost'], 'mask'),
  ]),
  'a table of a window': adding(SLICED, [tableOf((i, j) => j <= i && i - j < 9)]),
  'a table that is not causal in one of its last rows': adding(SLICED, [tableOf((i, j) => j <= i || i === 38)]),
  'keys that come again from 8 on': {
    heads: [
      same('q', 'q2'),
      node('Unsqueeze', ['length', 'first'], 'end'),
      node('Min', ['end', 'eightOnce'], 'most'),
      node('Slice', ['k', 'first', 'most', 'timeAxis'], 'kept'),
      node('Sub', ['end', 'most'], 'missing'),
      node('Slice', ['k', 'first', 'missing', 'timeAxis'], 'again'),
      node('Concat', ['kept', 'again'], 'k2', [int('axis', 2)]),
    ],
    tensors: [integers('eightOnce', [1], [8]), integers('timeAxis', [1], [2])],
  },
  'a factor that grows': {
    heads: [
      node('Div', ['lengthFloat', 'eightFloat'], 'ratio'),
      node('Max', ['ratio', 'oneFloat'], 'factor'),
      node('Mul', ['q', 'factor'], 'q2'),
      same('k', 'k2'),
    ],
  },
  'rotary embeddings of a least position': turning([node('Min', ['range', 'eight'], 'least'), cast('least', 'at')]),
  'rotary embeddings of a remainder': turning([node('Mod', ['range', 'eight'], 'rest'), cast('rest', 'at')]),
  'rotary embeddings of a clipped position': turning([node('Clip', ['rangeFloat', '', 'eightFloat'], 'at')]),
  'rotary embeddings of long texts': turning([
    node('Greater', ['length', 'twelve'], 'isLong'),
    node('Mul', ['rangeFloat', 'half'], 'slow'),
    node('Where', ['isLong', 'slow', 'rangeFloat'], 'at'),
  ]),
  'rotary embeddings of tables that are bent': rotaryTables((t) => Math.min(t, 30)),
};
const LENGTHS = [4, 6, 12, 13, 20, 40, 48];

const typesOf = ({ operators }: Graph): string[] => operators.map(({ type }) => type);

/** Runs a model here, written again and as it is, and says whether all agree at each length. */
async function expectRight(graph: GraphInit, feed: (length: number) => Record<string, ort.Tensor>): Promise<Graph> {
  const bytes = modelOf(graph, 20, { irVersion: 9n });
  const { graph: read, tensors } = graphFromOnnx(bytes, 'm.onnx');
  const values = valuesOf(tensors);
  const session = await ort.InferenceSession.create(bytes);
  const back = await ort.InferenceSession.create(graphToOnnx(read, { values }));
  for (const length of LENGTHS) {
    const feeds = feed(length);
    const wanted = (await session.run(feeds)).y;
    const written = (await back.run(Object.fromEntries(read.inputs.map((name) => [name, feeds[name]]))))[
      read.outputs[0]
    ];
    const found = tf.tidy(() => {
      const parameters = Object.fromEntries(
        read.parameters.map(({ name, shape }) => [name, tf.tensor(values.get(name) ?? [], [...shape])]),
      );
      const given = Object.fromEntries(
        read.inputs.map((name) => {
          const { data, dims, type } = feeds[name];
          const numbers = Array.from(data as ArrayLike<number | bigint>, Number);
          return [name, tf.tensor(numbers, [...dims], type === 'int64' ? 'int32' : 'float32')];
        }),
      );
      return forward(read, parameters, given)[0].dataSync();
    });
    const numbers = Array.from(wanted.data as Float32Array);
    for (const other of [found, written.data as Float32Array])
      numbers.forEach((number, i) => {
        const isSame = Number.isNaN(number) ? Number.isNaN(other[i]) : Math.abs(other[i] - number) < 1e-4;
        if (!isSame) expect.fail(`length ${length}: element ${i} is ${other[i]}, not ${number}`);
      });
  }
  return read;
}

const feedOf = (piece: Piece) => (length: number) => {
  const tensor = (data: number[], dims: number[]) => new ort.Tensor('float32', Float32Array.from(data), dims);
  // The second text's first row is shut altogether; the logarithm of what is below 0 is NaN.
  const given = wave(2 * length * length, 3).map((value, i) =>
    i >= length * length && i < length * (length + 1) ? Number.NEGATIVE_INFINITY : value,
  );
  return {
    x: tensor(wave(2 * length * FEATURES, 5), [2, length, FEATURES]),
    ...(piece.inputs ? { given: tensor(given, [2, 1, length, length]) } : {}),
  };
};

describe('attention', () => {
  it.each(Object.entries(RAISED))('is found with %s', async (_, piece) => {
    expect(typesOf(await expectRight(modelWith(piece), feedOf(piece)))).toContain('grouped_attention');
  });

  it.each(Object.entries(KEPT))('is right at every length with %s', async (_, piece) => {
    const read = await expectRight(modelWith(piece), feedOf(piece));
    const fused = read.operators.find(({ type }) => type === 'grouped_attention');
    // A mask that is no other than an operand may stay one.
    if (fused !== undefined) expect(fused.inputs).toHaveLength(4);
    expect(typesOf(read)).not.toContain('rotary_embedding');
  });
});

describe('positions of a text', () => {
  const embedded = (positions: Nodes, tensors: Tensors = []): GraphInit => ({
    input: [input('x', 'int64', ['batch', 'time'])],
    output: [input('y', 'float32', ['batch', 'time', 4])],
    initializer: [...NUMBERS, floats('rows', [48, 4], wave(192, 1)), floats('words', [9, 4], wave(36, 2)), ...tensors],
    node: [
      ...POSITIONS,
      ...positions,
      node('Gather', ['rows', 'at'], 'places'),
      node('Gather', ['words', 'x'], 'embedded'),
      node('Add', ['embedded', 'places'], 'y'),
    ],
  });
  const feed = (length: number) => ({
    x: new ort.Tensor(
      'int64',
      BigInt64Array.from({ length: 2 * length }, (_, i) => BigInt((i * i) % 9)),
      [2, length],
    ),
  });
  const stored = (at: (t: number) => number): readonly [Nodes, Tensors] => [
    [node('Unsqueeze', ['length', 'first'], 'end'), node('Slice', ['table', 'first', 'end'], 'at')],
    [
      integers(
        'table',
        [48],
        Array.from({ length: 48 }, (_, t) => at(t)),
      ),
    ],
  ];

  it.each<[string, readonly [Nodes, Tensors?]]>([
    ['a range', [[same('range', 'at')]]],
    ['a table', stored((t) => t)],
  ])('are found as %s', async (_, made) => {
    expect(typesOf(await expectRight(embedded(...made), feed))).toContain('positions');
  });

  it.each<[string, readonly [Nodes, Tensors?]]>([
    ['a least one', [[node('Min', ['range', 'eight'], 'at')]]],
    ['a remainder', [[node('Mod', ['range', 'eight'], 'at')]]],
    ['a table that ends otherwise', stored((t) => Math.min(t, 40))],
    [
      'half of long texts',
      [
        [
          node('Greater', ['length', 'twelve'], 'isLong'),
          node('Div', ['range', 'two'], 'slow'),
          node('Where', ['isLong', 'slow', 'range'], 'at'),
        ],
        [integers('two', [], [2])],
      ],
    ],
  ])('stay ONNX’s with %s', async (_, made) => {
    expect(typesOf(await expectRight(embedded(...made), feed))).not.toContain('positions');
  });
});
