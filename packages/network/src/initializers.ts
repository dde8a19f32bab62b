// RandInit: the first values PyTorch gives a network's parameters, operator by operator.
import { classLayer, elementCount, type Graph, type Operator, type OperatorOf, type Parameter } from '@logah/graph-ir';
import type { Random } from '@logah/random';
import type { TensorRecord } from '@logah/tensor-ops';
import * as tf from '@tensorflow/tfjs-core';

type Draw = (random: Random, parameter: Parameter) => Float32Array;

const uniform =
  (bound: number): Draw =>
  (random, { shape }) =>
    random.uniforms(elementCount(shape), -bound, bound);
const normal =
  (std: number): Draw =>
  (random, { shape }) =>
    random.normals(elementCount(shape), 0, std);
const constant =
  (value: number): Draw =>
  (_, { shape }) =>
    new Float32Array(elementCount(shape)).fill(value);

/** The deviation of Hugging Face's GPT-2 (`initializer_range`) and of torchvision's positional encodings. */
const TRANSFORMER_STD = 0.02;

/**
 * Fresh parameters for a network, as PyTorch's modules draw them: linear and convolution layers uniform in ±1/√fan_in with their biases;
 * the input projection of attention Xavier-uniform and attention's biases 0 (`nn.MultiheadAttention`); in language models, as Hugging Face has it, all
 * matrices N(0, 0.02) (GPT-2's residual projections smaller by √(2 · layers)) with biases 0; positional encodings N(0, 0.02); class tokens 0; norms 1 and 0.
 * The caller owns the tensors. The same stream of random numbers gives the same parameters.
 */
export function randomParameters(graph: Graph, random: Random): Record<string, tf.Tensor> {
  const draws = new Map<string, Draw>();
  for (const operator of graph.operators) {
    for (const [role, draw] of Object.entries(operatorDraws(operator, graph))) {
      const name = operator.parameters[role];
      // A shared parameter keeps what its first operator draws.
      if (name !== undefined && !draws.has(name)) draws.set(name, draw);
    }
  }
  return Object.fromEntries(
    graph.parameters.map((parameter) => {
      const draw = draws.get(parameter.name) ?? constant(0);
      return [parameter.name, tf.tensor(draw(random, parameter), [...parameter.shape])];
    }),
  );
}

/**
 * Parameters with a fresh class layer, for a network that moves to another data set: its weight Kaiming-normal, N(0, 2 / fan_in), its bias 0 (arXiv
 * 2405.16287 §4.4). Other parameters are copied; the caller owns the result.
 */
export function withFreshClassLayer(graph: Graph, parameters: TensorRecord, random: Random): Record<string, tf.Tensor> {
  const { weight, bias } = classLayer(graph)?.parameters ?? {};
  return Object.fromEntries(
    Object.entries(parameters).map(([name, tensor]) => {
      if (name === bias) return [name, tf.zeros(tensor.shape)];
      if (name !== weight) return [name, tf.clone(tensor)];
      const fanIn = elementCount(tensor.shape.slice(1));
      return [name, tf.tensor(random.normals(tensor.size, 0, Math.sqrt(2 / fanIn)), tensor.shape)];
    }),
  );
}

function operatorDraws(operator: Operator, graph: Graph): Record<string, Draw> {
  const shapeOf = (role: string): readonly number[] =>
    graph.parameters.find(({ name }) => name === operator.parameters[role])?.shape ?? [];
  switch (operator.type) {
    case 'linear': {
      if (graph.operators.some(({ type }) => type === 'embedding')) {
        return { weight: normal(languageModelStd(operator, graph)), bias: constant(0) };
      }
      const [outputs, inputs] = shapeOf('weight');
      const feedsAttention = graph.operators.some(
        ({ type, inputs: read }) => type === 'attention' && read.includes(operator.outputs[0]),
      );
      if (feedsAttention) return { weight: uniform(Math.sqrt(6 / (inputs + outputs))), bias: constant(0) };
      const followsAttention = graph.operators.some(
        ({ type, outputs: given }) => type === 'attention' && given[0] === operator.inputs[0],
      );
      const bound = 1 / Math.sqrt(inputs);
      return { weight: uniform(bound), bias: followsAttention ? constant(0) : uniform(bound) };
    }
    case 'conv2d': {
      const [, ...fanIn] = shapeOf('weight');
      const bound = 1 / Math.sqrt(elementCount(fanIn));
      return { weight: uniform(bound), bias: uniform(bound) };
    }
    case 'rms_norm':
      return { weight: constant(1 - (operator.attributes.offset ?? 0)) };
    case 'layer_norm':
    case 'batch_norm':
      return { weight: constant(1), bias: constant(0) };
    case 'embedding':
    case 'position_embedding':
      return { weight: normal(TRANSFORMER_STD) };
    default:
      return {};
  }
}

/** GPT-2's projections into the residual stream (Hugging Face's `c_proj`) start smaller by √(2 · layers); all else has 0.02. */
function languageModelStd(operator: OperatorOf<'linear'>, graph: Graph): number {
  const isConv1d = operator.attributes.layout === 'in_out';
  const entersResidual = graph.operators.some(
    ({ type, inputs }) => type === 'add' && inputs.includes(operator.outputs[0]),
  );
  if (!isConv1d || !entersResidual) return TRANSFORMER_STD;
  const layers = graph.operators.filter(({ type }) => type === 'attention').length;
  return TRANSFORMER_STD / Math.sqrt(2 * layers);
}
