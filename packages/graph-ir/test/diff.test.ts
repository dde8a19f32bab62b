// What differs between networks: nothing where nothing does, and otherwise what was changed, by its name.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { diffGraphs, drawDifference, isEmptyDifference, valueDifference } from '../src/diff.js';
import { fold, toSvg } from '../src/draw.js';
import { insertOperator, removeOperator, renameInGraph, replaceOperator } from '../src/edit.js';
import { buildArchitecture, type Graph, type Operator, parseArchitecture } from '../src/index.js';
import { graphFromOnnx } from '../src/onnx.js';
import { doubles, input, int, modelOf, node } from './onnx-model.js';
import { anyGraph } from './random-graph.js';

const graphOf = (architecture: string): Graph => buildArchitecture(parseArchitecture(architecture));
const VIT = 'vit:layers=3,heads=2,hidden=16,mlp=32,patch=8';

/** All names, but not the parameters', are others. */
const withOtherNames = (graph: Graph): Graph => {
  const renamed = (names: readonly string[]) => Object.fromEntries(names.map((name, i) => [name, `n${i}`]));
  return renameInGraph(graph, {
    operators: renamed(graph.operators.map(({ name }) => name)),
    values: renamed(Object.keys(graph.values).filter((name) => !graph.inputs.includes(name))),
  });
};
const otherParameters = (graph: Graph): Graph =>
  renameInGraph(graph, { parameters: Object.fromEntries(graph.parameters.map(({ name }, i) => [name, `p${i}`])) });

const activation = (input: string): Operator => ({
  name: 'new',
  type: 'activation',
  inputs: [input],
  parameters: {},
  attributes: { function: 'silu' },
  outputs: ['new'],
});

describe('a difference', () => {
  it('is empty between a graph and itself, whatever operators and values are called', () => {
    fc.assert(
      fc.property(anyGraph, (graph) => {
        const difference = diffGraphs(graph, withOtherNames(graph));
        expect(difference.operators.same).toHaveLength(graph.operators.length);
        expect(isEmptyDifference(difference)).toBe(true);
      }),
    );
  });

  it('says outputs of one type that have changed places', () => {
    const read = (output: readonly string[]): Graph =>
      graphFromOnnx(
        modelOf({
          input: [input('x', 'float32', [3])],
          output: output.map((name) => ({ name })),
          node: [node('Sin', ['x'], 'u'), node('Cos', ['x'], 'v')],
        }),
        'm.onnx',
      ).graph;
    const difference = diffGraphs(read(['u', 'v']), read(['v', 'u']));
    expect(difference.interface).toEqual([
      { kind: 'output', a: 'u: float32 [3]', b: 'v: float32 [3]' },
      { kind: 'output', a: 'v: float32 [3]', b: 'u: float32 [3]' },
    ]);
    expect(isEmptyDifference(difference)).toBe(false);
  });

  it('says results of one operator that have changed places', () => {
    const read = (reads: string[]): Graph =>
      graphFromOnnx(
        modelOf({
          input: [input('x', 'float32', [4])],
          node: [node('Split', ['x'], ['u', 'v'], [int('num_outputs', 2)]), node('Sub', reads, 'y')],
        }),
        'm.onnx',
      ).graph;
    const { changed } = diffGraphs(read(['u', 'v']), read(['v', 'u'])).operators;
    expect(changed.map(({ a, changes }) => [a, changes])).toEqual([['y', [{ what: 'inputs', a: 'u, v', b: 'v, u' }]]]);
  });

  it('says elements of another type', () => {
    const read = (type: 'int32' | 'int64'): Graph =>
      graphFromOnnx(modelOf({ input: [input('x', type, [3])], node: [node('Neg', ['x'], 'y')] }), 'm.onnx').graph;
    expect(diffGraphs(read('int32'), read('int64')).interface).toEqual([
      { kind: 'input', a: 'x: int32 [3]', b: 'x: int64 [3]' },
      { kind: 'output', a: 'int32 [3]', b: 'int64 [3]' },
    ]);
  });

  it('says doubles that are the same in float32', () => {
    const read = (value: number): Graph =>
      graphFromOnnx(
        modelOf({
          input: [input('x', 'float64', [3])],
          initializer: [doubles('c', [], [value])],
          node: [node('Mul', ['x', 'c'], 'y')],
        }),
        'm.onnx',
      ).graph;
    expect(diffGraphs(read(0.1), read(0.1 + 1e-12)).operators.changed).toHaveLength(1);
    expect(isEmptyDifference(diffGraphs(read(0.1), read(0.1)))).toBe(true);
  });

  it('says renamed parameters, each by the one that it is', () => {
    for (const architecture of [VIT, 'resnet18', 'gpt2:layers=2,heads=2,hidden=16,vocab=50,context=8']) {
      const graph = graphOf(architecture);
      const { parameters, operators } = diffGraphs(graph, withOtherNames(otherParameters(graph)));
      expect(operators.same).toHaveLength(graph.operators.length);
      expect(parameters.renamed.map(({ a, b }) => [a.name, b.name])).toEqual(
        graph.parameters.map(({ name }, i) => [name, `p${i}`]),
      );
      expect([parameters.same, parameters.removed, parameters.added, parameters.changed].flat()).toEqual([]);
    }
  });

  it('names the operator that was inserted, and no other', () => {
    const graph = graphOf(VIT);
    for (const { outputs } of graph.operators) {
      const added = insertOperator(graph, activation(outputs[0]), { insteadOf: outputs[0] });
      for (const [a, b, which] of [
        [graph, added, 'added'],
        [added, graph, 'removed'],
      ] as const) {
        const { operators, parameters } = diffGraphs(a, b);
        expect(operators[which]).toEqual(['new']);
        expect(operators.changed).toEqual([]);
        expect(parameters.same).toHaveLength(graph.parameters.length);
      }
    }
  });

  it('names what was changed, with what it was and is', () => {
    const graph = graphOf(VIT);
    const gelu = graph.operators.find(({ type }) => type === 'activation');
    if (gelu === undefined) throw new RangeError('no activation');
    const changed = diffGraphs(
      graph,
      replaceOperator(graph, gelu.name, { ...activation(gelu.inputs[0]), name: gelu.name, outputs: gelu.outputs }),
    );
    expect(changed.operators.changed).toEqual([
      { a: gelu.name, b: gelu.name, changes: [{ what: 'function', a: 'gelu', b: 'silu' }] },
    ]);
    const wider = diffGraphs(graph, graphOf(`${VIT},classes=12`));
    expect(wider.parameters.changed.map(({ a, b }) => [a.name, a.shape, b.shape])).toEqual([
      ['heads.head.weight', [10, 16], [12, 16]],
      ['heads.head.bias', [10], [12]],
    ]);
    expect(wider.interface).toHaveLength(1);
    expect(wider.operators.changed.map(({ changes }) => changes.map(({ what }) => what))).toEqual([['result']]);
  });

  it('of a network with fewer layers is those layers', () => {
    const [three, two] = [graphOf(VIT), graphOf(VIT.replace('layers=3', 'layers=2'))];
    const { operators, parameters } = diffGraphs(three, two);
    expect(operators.removed).toHaveLength(three.operators.length - two.operators.length);
    expect(parameters.removed.every(({ name }) => name.includes('encoder_layer_2.'))).toBe(true);
    expect([operators.added, operators.changed, parameters.added, parameters.changed].flat()).toEqual([]);
  });

  it('sees operators that read each other’s values', () => {
    const graph = graphOf(VIT);
    const norms = graph.operators.filter(({ type }) => type === 'layer_norm');
    const [first, second] = norms;
    // The second norm's readers read the first one's result.
    const crossed = {
      ...graph,
      operators: graph.operators.map(
        (operator): Operator => ({
          ...operator,
          inputs: operator.inputs.map((value) => (value === second.outputs[0] ? first.outputs[0] : value)),
        }),
      ),
    };
    const { operators } = diffGraphs(graph, crossed);
    expect(operators.changed.flatMap(({ changes }) => changes.map(({ what }) => what))).toEqual(['inputs']);
  });

  it('of layouts is one even where the shape is the same', () => {
    const graph = graphOf('gpt2:layers=1,heads=1,hidden=16,vocab=50,context=8');
    const turned: Graph = {
      ...graph,
      parameters: graph.parameters.map((parameter) =>
        parameter.name.endsWith('attn.c_proj.weight') ? { ...parameter, layout: 'out_in' } : parameter,
      ),
    };
    expect(diffGraphs(graph, turned).parameters.changed).toHaveLength(1);
  });

  it('is found in seconds in large networks that have nothing in common', () => {
    const [a, b] = [graphOf('densenet121'), otherParameters(graphOf('gpt2-xl'))];
    const started = performance.now();
    const { operators } = diffGraphs(a, b);
    expect(performance.now() - started).toBeLessThan(20_000);
    expect(operators.same.length + operators.changed.length + operators.removed.length).toBe(a.operators.length);
    expect(operators.same.length + operators.changed.length + operators.added.length).toBe(b.operators.length);
  });
});

describe('the picture of a difference', () => {
  it('marks what only one has and what is not the same', () => {
    const graph = graphOf(VIT);
    const [first] = graph.operators.filter(({ type }) => type === 'layer_norm');
    const b = insertOperator(removeOperator(graph, first.name), activation(graph.inputs[0]));
    const drawing = drawDifference(graph, b, diffGraphs(graph, b), (name) => name === 'heads.head.weight');
    const count = (mark: string): number => drawing.nodes.filter((node) => node.mark === mark).length;
    expect(['added', 'removed', 'changed', 'values'].map(count)).toEqual([1, 1, 0, 1]);
    expect(drawing.nodes).toHaveLength(graph.inputs.length + graph.operators.length + 1 + graph.outputs.length);
    for (const { from, to } of drawing.edges) expect(from).toBeLessThan(to);
    const svg = toSvg(fold(drawing));
    expect(svg.match(/data-mark="removed"><title>removed: /g)).toHaveLength(1);
    expect(svg).toContain('>+ silu</text>');
    expect(svg).toContain('>≈ linear</text>');
  });

  it('of any two graphs has every operator of both', () => {
    fc.assert(
      fc.property(anyGraph, anyGraph, (a, b) => {
        const difference = diffGraphs(a, b);
        const { nodes, edges } = drawDifference(a, b, difference);
        const { same, changed, removed, added } = difference.operators;
        const outputs = Math.max(a.outputs.length, b.outputs.length);
        expect(nodes).toHaveLength(1 + same.length + changed.length + removed.length + added.length + outputs);
        for (const { from, to } of edges) expect(from).toBeLessThan(to);
      }),
    );
  });
});

describe('values', () => {
  it('differ by what they differ', () => {
    expect(valueDifference(Float32Array.of(1, 2, -4), Float32Array.of(1, 2.5, -2))).toEqual({
      maxAbsolute: 2,
      maxRelative: 0.5,
      count: 2,
      elements: 3,
    });
    expect(valueDifference(Float32Array.of(Number.NaN, 0), Float32Array.of(Number.NaN, -0)).count).toBe(0);
    expect(valueDifference(Float32Array.of(Number.NaN), Float32Array.of(1)).maxAbsolute).toBe(Number.POSITIVE_INFINITY);
    expect(() => valueDifference(new Float32Array(2), new Float32Array(3))).toThrow('2 with 3 elements');
  });
});
