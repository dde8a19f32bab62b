// Names out of files are names: none of what every object inherits is taken for one, and none is lost.
import '@tensorflow/tfjs-backend-cpu';
import { type Graph, GraphBuilder, GraphError, graphFromJson, graphToJson } from '@logah/graph-ir';
import { graphFromConfig } from '@logah/graph-ir/huggingface';
import { graphFromOnnx, graphToOnnx } from '@logah/graph-ir/onnx';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { forward } from '../src/index.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const NAMES = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf'];

/** Two inputs, a parameter and a size of these names, added up. */
function graphOf(name: string): Graph {
  const g = new GraphBuilder('names');
  const x = g.input(name, [name, 4]);
  const y = g.linear(x, 'layer', { out: 4, weight: `${name}`, bias: 'bias' });
  return g.build([g.add(y, x)]);
}

const run = (graph: Graph, name: string): number[] => {
  const parameters = Object.fromEntries(
    graph.parameters.map((parameter) => [parameter.name, tf.ones([...parameter.shape])]),
  );
  const [output] = forward(graph, parameters, Object.fromEntries([[name, tf.tensor2d([[1, 2, 3, 4]])]]));
  return [...output.dataSync()];
};

describe.each(NAMES)('a graph with the name "%s" for an input, a size and a parameter', (name) => {
  it('is written, read and run as under any other name', () => {
    const graph = graphOf(name);
    expect(run(graph, name)).toEqual([12, 13, 14, 15]);
    const read = graphFromJson(graphToJson(graph));
    expect(Object.keys(read.values)).toEqual(Object.keys(graph.values));
    expect(run(read, name)).toEqual([12, 13, 14, 15]);
    const values = new Map(
      graph.parameters.map((parameter) => [
        parameter.name,
        new Float32Array(parameter.shape.reduce((a, b) => a * b, 1)).fill(1),
      ]),
    );
    const imported = graphFromOnnx(graphToOnnx(graph, { values }), 'names.onnx').graph;
    // An input and a parameter of one name are two in a graph; ONNX has one space of names.
    expect(run(imported, imported.inputs[0])).toEqual([12, 13, 14, 15]);
  });

  it('misses what is not given, though every object inherits it', () => {
    expect(() => forward(graphOf(name), {}, {})).toThrow(GraphError);
    const json = JSON.parse(graphToJson(graphOf('x')));
    json.inputs = [name];
    expect(() => graphFromJson(JSON.stringify(json))).toThrow(`the input "${name}" has no type`);
    const config = { model_type: 'vit', hidden_act: name };
    expect(() => graphFromConfig(JSON.stringify(config))).toThrow('hidden_act should be one of');
  });
});
