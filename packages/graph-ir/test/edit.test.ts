// Changes to graphs: what holds for all of them, and what is refused.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  cloneGraph,
  extractSubgraph,
  insertOperator,
  removeOperator,
  renameInGraph,
  replaceOperator,
} from '../src/edit.js';
import {
  buildArchitecture,
  type Graph,
  GraphBuilder,
  graphFromJson,
  graphToJson,
  type Operator,
  type Parameter,
  parameterCount,
  parseArchitecture,
  validate,
} from '../src/index.js';
import { anyGraph } from './random-graph.js';

const linear = (name: string, input: string, output = name): Operator => ({
  name,
  type: 'linear',
  inputs: [input],
  parameters: { weight: `${name}.weight` },
  attributes: { layout: 'out_in' },
  outputs: [output],
});
const weightOf = (name: string, out: number, features: number): Parameter => ({
  name: `${name}.weight`,
  shape: [out, features],
  layout: 'out_in',
});

function mlp(): Graph {
  const g = new GraphBuilder('mlp');
  const hidden = g.activation(g.linear(g.input('x', ['batch', 8]), 'fc1', { out: 6 }), 'relu');
  return g.build([g.linear(hidden, 'fc2', { out: 2 })]);
}

/** The graph as text: equal also in the order of everything. */
const text = graphToJson;
/** A graph with one of its values. */
const withValue = anyGraph.chain((graph) =>
  fc.tuple(fc.constant(graph), fc.constantFrom(...Object.keys(graph.values))),
);
const withOperator = anyGraph.chain((graph) =>
  fc.tuple(fc.constant(graph), fc.constantFrom(...graph.operators.map(({ name }) => name))),
);

describe('all graphs', () => {
  it('are what they were when what was inserted is removed, and every result is valid', () => {
    fc.assert(
      fc.property(withValue, fc.boolean(), ([graph, value], isRead) => {
        const before = text(graph);
        const added = insertOperator(graph, linear('new', value), {
          parameters: [weightOf('new', 4, 4)],
          ...(isRead ? { insteadOf: value } : {}),
        });
        validate(added);
        expect(added.operators).toHaveLength(graph.operators.length + 1);
        const readers = added.operators.filter(({ inputs }) => inputs.includes(value)).map(({ name }) => name);
        if (isRead) expect(readers).toEqual(['new']);
        expect(text(removeOperator(added, 'new'))).toBe(before);
        expect(text(graph)).toBe(before);
      }),
    );
  });

  it('lose an operator and its parameters alone when it is removed', () => {
    fc.assert(
      fc.property(withOperator, ([graph, name]) => {
        const removed = removeOperator(graph, name);
        validate(removed);
        expect(removed.operators.map((operator) => operator.name)).toEqual(
          graph.operators.map((operator) => operator.name).filter((other) => other !== name),
        );
        const own = Object.values(graph.operators.find((operator) => operator.name === name)?.parameters ?? {});
        expect(removed.parameters).toEqual(graph.parameters.filter((parameter) => !own.includes(parameter.name)));
      }),
    );
  });

  it('are the same when an operator replaces itself, or comes back', () => {
    fc.assert(
      fc.property(withOperator, ([graph, name]) => {
        const old = graph.operators.find((operator) => operator.name === name);
        if (old === undefined) throw new RangeError(name);
        expect(text(replaceOperator(graph, name, old))).toBe(text(graph));
        const parameters = graph.parameters.filter((parameter) =>
          Object.values(old.parameters).includes(parameter.name),
        );
        const other = replaceOperator(graph, name, linear('other', old.inputs[0]), {
          parameters: [weightOf('other', 4, 4)],
        });
        validate(other);
        expect(replaceOperator(other, 'other', old, { parameters })).toEqual(graph);
      }),
    );
  });

  it('are the same when they are renamed and renamed back, and clones are', () => {
    fc.assert(
      fc.property(anyGraph, (graph) => {
        const names = graph.operators.map(({ name }) => name);
        // Every name is its neighbour's.
        const turned = Object.fromEntries(names.map((name, i) => [name, names[(i + 1) % names.length]]));
        const back = Object.fromEntries(Object.entries(turned).map(([from, to]) => [to, from]));
        const renamed = renameInGraph(graph, { operators: turned, values: turned });
        validate(renamed);
        expect(text(renameInGraph(renamed, { operators: back, values: back }))).toBe(text(graph));
        expect(text(cloneGraph(graph))).toBe(text(graph));
      }),
    );
  });

  it('are what is extracted of everything, and a part leads from its inputs to its outputs', () => {
    fc.assert(
      fc.property(withValue, ([graph, value]) => {
        expect(text(extractSubgraph(graph))).toBe(text(graph));
        const before = extractSubgraph(graph, { outputs: [value] });
        validate(before);
        const inputs = [value];
        const after = ((): Graph | undefined => {
          try {
            return extractSubgraph(graph, { inputs });
          } catch (error) {
            // What does not pass through the value is refused, not cut off.
            expect(String(error)).toMatch(/also depends on the input "x"/);
            return undefined;
          }
        })();
        if (after === undefined) return;
        validate(after);
        expect(after.inputs).toEqual([value]);
        const parts = new Set([...before.operators, ...after.operators].map(({ name }) => name));
        expect(parts).toEqual(new Set(graph.operators.map(({ name }) => name)));
      }),
    );
  });
});

describe('an edit', () => {
  it('infers shapes anew behind it', () => {
    const graph = buildArchitecture(parseArchitecture('vit:layers=1,heads=2,hidden=16,mlp=32,patch=8'));
    const head = graph.operators.at(-1);
    if (head === undefined) throw new RangeError('no operators');
    const wider = replaceOperator(
      graph,
      head.name,
      { ...linear('head', head.inputs[0]) },
      {
        parameters: [weightOf('head', 100, 16)],
      },
    );
    expect(wider.values[wider.outputs[0]].shape).toEqual(['batch', 100]);
    expect(parameterCount(wider)).toBe(parameterCount(graph) - 10 * 17 + 1600);
    expect(graphFromJson(graphToJson(wider))).toEqual(wider);
  });

  it('replaces by several, and a parameter by another of its name', () => {
    const graph = mlp();
    const two = replaceOperator(graph, 'fc2', [linear('a', 'relu_0'), linear('b', 'a')], {
      parameters: [weightOf('a', 5, 6), weightOf('b', 3, 5)],
    });
    expect(two.operators.map(({ name }) => name)).toEqual(['fc1', 'relu_0', 'a', 'b']);
    expect(two.outputs).toEqual(['b']);
    const wide = replaceOperator(graph, 'fc2', linear('fc2', 'relu_0'), { parameters: [weightOf('fc2', 9, 6)] });
    expect(wide.parameters.map(({ shape }) => shape)).toEqual([[6, 8], [6], [9, 6]]);
  });

  it('of a clone leaves the graph as it is', () => {
    const graph = mlp();
    const before = text(graph);
    const copy = cloneGraph(graph);
    (copy.operators[0].inputs as string[])[0] = 'else';
    (copy.parameters[0].shape as number[])[0] = 7;
    expect(text(graph)).toBe(before);
  });

  it.each<[string, (graph: Graph) => Graph, string]>([
    [
      'reads what is not there',
      (g) => insertOperator(g, linear('new', 'y')),
      'linear "new": reads "y", which no input',
    ],
    ['has a name that is taken', (g) => insertOperator(g, linear('fc1', 'x', 'z')), 'two operators are named "fc1"'],
    [
      'gives a value twice',
      (g) => insertOperator(g, linear('new', 'x', 'fc1'), { parameters: [weightOf('new', 6, 8)] }),
      'two operators or inputs give the value "fc1"',
    ],
    [
      'is of another shape than its readers want',
      (g) => insertOperator(g, linear('new', 'x'), { parameters: [weightOf('new', 4, 8)], insteadOf: 'x' }),
      'linear "fc1": a weight [6, 8] (out_in) wants 8 features',
    ],
    [
      'takes the place of nothing',
      (g) => insertOperator(g, linear('new', 'x'), { insteadOf: 'fc3' }),
      'has no value "fc3"; did you mean "fc1"?',
    ],
    [
      'comes too late to take a place',
      (g) => insertOperator(g, linear('new', 'fc1'), { parameters: [weightOf('new', 8, 6)], insteadOf: 'x' }),
      'linear "new": reads what is given only after "fc1" reads "x"',
    ],
    ['removes what is not there', (g) => removeOperator(g, 'fc3'), 'has no operator "fc3"; did you mean "fc1"?'],
    ['leaves readers with another shape', (g) => removeOperator(g, 'fc1'), 'linear "fc2": a weight [2, 6]'],
    [
      'names a result that is none',
      (g) => removeOperator(g, 'relu_0', { instead: { fc1: 'x' } }),
      '"relu_0" does not give "fc1", only "relu_0"',
    ],
    ['replaces by nothing', (g) => replaceOperator(g, 'relu_0', []), 'nothing is named to replace "relu_0"'],
    ['renames what is not there', (g) => renameInGraph(g, { parameters: { fc1: 'a' } }), 'has no parameter "fc1"'],
    [
      'gives two the same name',
      (g) => renameInGraph(g, { values: { fc1: 'relu_0' } }),
      'two values would be named "relu_0"',
    ],
    ['takes a name away', (g) => renameInGraph(g, { values: { x: '' } }), 'the value "x" would have no name'],
    [
      'cuts off an input',
      (g) => extractSubgraph(g, { inputs: ['relu_0'], outputs: ['fc1'] }),
      '"fc1" also depends on the input "x", which is not among "relu_0"',
    ],
  ])('is refused that %s', (_, edit, message) => {
    expect(() => edit(mlp())).toThrow(message);
  });

  it('is refused that leaves a result without a replacement', () => {
    const g = new GraphBuilder('positions');
    const tokens = g.input('x', [1, 3, 4]);
    const graph = g.build([g.add(tokens, g.positionEmbedding('position', 3, 4))]);
    expect(() => removeOperator(graph, 'position')).toThrow(
      'position_embedding "position" cannot be removed: "add_0" reads "position", and nothing is named',
    );
    const removed = removeOperator(graph, 'position', { instead: { position: 'x' } });
    expect(removed.operators[0].inputs).toEqual(['x', 'x']);
  });
});

describe('callers without a compiler', () => {
  // What TypeScript would not let through.
  const insert = insertOperator as (...given: unknown[]) => Graph;
  const remove = removeOperator as (...given: unknown[]) => Graph;
  const replace = replaceOperator as (...given: unknown[]) => Graph;
  const rename = renameInGraph as (...given: unknown[]) => Graph;
  const extract = extractSubgraph as (...given: unknown[]) => Graph;
  const clone = cloneGraph as (...given: unknown[]) => Graph;
  const add = { name: 'sum', type: 'add', inputs: ['fc1', 'relu_0'], outputs: ['sum'] };

  it('may leave out parameters and attributes that there are none of', () => {
    expect(insert(mlp(), add).operators.at(-2)).toEqual({ ...add, parameters: {}, attributes: {} });
    const relu = { name: 'act', type: 'activation', inputs: ['fc1'], outputs: ['act'] };
    expect(replace(mlp(), 'relu_0', { ...relu, attributes: { function: 'tanh' } }).operators[1].name).toBe('act');
  });

  const notGraphs = [undefined, null, 7, 'graph', [], {}, { name: 'g' }, { ...mlp(), operators: [null] }];
  it.each(notGraphs)('are told that %o is no graph', (graph) => {
    const of = { insert, remove, replace, rename, extract, clone };
    for (const [name, edit] of Object.entries(of))
      expect(() => edit(graph, {}, {}), name).toThrow(/^(\w+): graph\S* should be .+, got /);
  });

  it.each<readonly [name: string, edit: (graph: Graph) => unknown, message: string]>([
    ['no operator', (g) => insert(g), 'insertOperator: operator should be an object, got nothing'],
    ['no inputs', (g) => insert(g, { ...add, inputs: undefined }), 'insertOperator: operator.inputs should be a list'],
    ['a number as a name', (g) => insert(g, { ...add, name: 1 }), 'insertOperator: operator.name should be a string'],
    ['another type', (g) => insert(g, { ...add, type: 'plus' }), 'insertOperator: operator.type should be "linear" or'],
    [
      'an attribute that is missing',
      (g) => insert(g, { ...add, type: 'activation', inputs: ['fc1'] }),
      'insertOperator: operator.attributes.function should be "relu" or',
    ],
    ['a text as inputs', (g) => insert(g, { ...add, inputs: 'fc1' }), 'operator.inputs should be a list, got "fc1"'],
    ['null as options', (g) => insert(g, add, null), 'insertOperator: options should be an object, got null'],
    [
      'an option in other letters',
      (g) => insert(g, add, { insteadof: 'fc1' }),
      'insertOperator has no option "insteadof"; known are parameters, insteadOf; did you mean "insteadOf"?',
    ],
    [
      'a parameter without a shape',
      (g) => insert(g, add, { parameters: [{ name: 'w', layout: 'out_in' }] }),
      'insertOperator: options.parameters[0].shape should be a list',
    ],
    ['no name', (g) => remove(g), 'removeOperator: name should be a string, got nothing'],
    ['a number to remove', (g) => remove(g, 1), 'removeOperator: name should be a string, got 1'],
    [
      'a number instead',
      (g) => remove(g, 'relu_0', { instead: { relu_0: 1 } }),
      'removeOperator: options.instead.relu_0 should be a string',
    ],
    ['no replacement', (g) => replace(g, 'relu_0'), 'replaceOperator: replacement should be an object, got nothing'],
    ['null among them', (g) => replace(g, 'relu_0', [null]), 'replaceOperator: replacement[0] should be an object'],
    ['nothing to rename', (g) => rename(g, null), 'renameInGraph: options should be an object, got null'],
    ['a number as a new name', (g) => rename(g, { values: { x: 1 } }), 'options.values.x should be a string, got 1'],
    ['a text as outputs', (g) => extract(g, { outputs: 'fc1' }), 'extractSubgraph: options.outputs should be a list'],
  ])('are told of %s', (_, edit, message) => {
    expect(() => edit(mlp())).toThrow(message);
  });
});
