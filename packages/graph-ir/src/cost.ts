// What a network costs to run: an estimate from its shapes.
import { elementCount, type Graph, GraphError, type Operator, type Shape } from './graph.js';

export interface NetworkCost {
  /** Floating-point operations of a forward pass, a multiplication and an addition counting as two. */
  readonly flops: number;
  /** Elements of all values that operators give: what training keeps for the backward pass. */
  readonly activations: number;
}

/**
 * The cost of one forward pass, with sizes for the dimensions that have names ("batch", "time"). Products are counted exactly, everything else as one
 * operation for each element of its result. Throws {@link GraphError} naming a dimension without a size.
 */
export function estimateCost(graph: Graph, sizes: Readonly<Record<string, number>>): NetworkCost {
  const resolve = (shape: Shape): number[] =>
    shape.map((size) => {
      const value = typeof size === 'number' ? size : sizes[size];
      if (value === undefined) throw new GraphError(`the cost of "${graph.name}" depends on "${size}": give it a size`);
      return value;
    });
  const shapeOf = new Map(graph.parameters.map(({ name, shape }) => [name, shape]));
  let flops = 0;
  let activations = 0;
  for (const operator of graph.operators) {
    const given = elementCount(resolve(graph.values[operator.outputs[0]].shape));
    activations += given;
    const read = operator.inputs.map((name) => resolve(graph.values[name].shape));
    flops += operations(operator, given, read, shapeOf.get(operator.parameters.weight) ?? []);
  }
  return { flops, activations };
}

function operations(operator: Operator, given: number, inputs: readonly number[][], weight: readonly number[]): number {
  switch (operator.type) {
    case 'linear': {
      const features = operator.attributes.layout === 'out_in' ? weight[1] : weight[0];
      return 2 * given * features;
    }
    case 'conv2d':
      return 2 * given * elementCount(weight.slice(1));
    // Scores and mixtures: two products of [time, head size] with [head size, time] in every head.
    case 'attention': {
      const [batch, time, packed] = inputs[0];
      return (4 * batch * time * time * packed) / 3;
    }
    case 'grouped_attention': {
      const [batch, time, features] = inputs[0];
      return 4 * batch * time * time * features;
    }
    case 'reshape':
    case 'transpose':
    case 'select':
    case 'embedding':
    case 'positions':
    case 'position_embedding':
    case 'prepend_token':
    case 'concat':
      return 0;
    default:
      return given;
  }
}
