// What a network costs to run: an estimate from its shapes.
import { sizeIn } from './dimensions.js';
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
      const value = sizeIn(sizes, size);
      if (value === undefined) throw new GraphError(`the cost of "${graph.name}" depends on "${size}": give it a size`);
      return value;
    });
  const shapeOf = new Map(graph.parameters.map(({ name, shape }) => [name, shape]));
  const weightOf = ({ type, parameters }: Operator): readonly number[] =>
    shapeOf.get(type === 'onnx' ? (parameters[1] ?? '') : parameters.weight) ?? [];
  let flops = 0;
  let activations = 0;
  for (const operator of graph.operators) {
    const given = elementCount(resolve(graph.values[operator.outputs[0]].shape));
    activations += given;
    const read = operator.inputs.map((name) => resolve(graph.values[name].shape));
    flops += operations(operator, given, read, weightOf(operator));
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
    case 'onnx':
      return keptOperations(operator.attributes.operator, given, inputs, weight);
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

function keptOperations(
  operator: string,
  given: number,
  inputs: readonly number[][],
  weight: readonly number[],
): number {
  const [first = [], second = weight] = inputs;
  switch (operator) {
    case 'MatMul':
      return 2 * given * (first.at(-1) ?? 0);
    case 'Conv':
      return 2 * given * elementCount(second.slice(1));
    case 'ConvTranspose':
      return 2 * elementCount(first) * elementCount(second.slice(1));
    default:
      return MOVES.has(operator) ? 0 : given;
  }
}

/** Operators that only put elements in another place. */
const MOVES: ReadonlySet<string> = new Set([
  ...['Reshape', 'Transpose', 'Squeeze', 'Unsqueeze', 'Flatten', 'Identity', 'Shape', 'Concat', 'Split', 'Slice'],
  ...['Gather', 'GatherND', 'Pad', 'Expand', 'Tile', 'DepthToSpace', 'SpaceToDepth', 'ConstantOfShape'],
]);
