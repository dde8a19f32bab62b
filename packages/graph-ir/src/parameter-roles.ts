// What a parameter is for, told by the operators that read it and what stands around them.
import { type Dataflow, dataflow } from './dataflow.js';
import { classLayer, type Graph, type Operator, type OperatorOf } from './graph.js';

/**
 * What a parameter is to its network. `bias` is that of a linear layer or a convolution, `other` whatever has no role
 * of its own.
 */
export type ParameterRole =
  | 'patch_embedding'
  | 'token_embedding'
  | 'position'
  | 'class_token'
  | 'attention_qkv'
  | 'attention_query'
  | 'attention_key'
  | 'attention_value'
  | 'attention_out'
  | 'mlp_in'
  | 'mlp_gate'
  | 'mlp_out'
  | 'head'
  | 'kernel'
  | 'depthwise_kernel'
  | 'pointwise_kernel'
  | 'linear'
  | 'norm_gain'
  | 'norm_bias'
  | 'bias'
  | 'other';

const ATTENTION_INPUTS = ['attention_query', 'attention_key', 'attention_value'] as const;

/**
 * The role of every parameter of a graph, by name. One that several operators share has the role that the first of
 * them gives it.
 */
export function parameterRoles(graph: Graph): ReadonlyMap<string, ParameterRole> {
  const roles = new Map<string, ParameterRole>();
  const flow = dataflow(graph);
  for (const operator of graph.operators) {
    for (const [place, name] of Object.entries(operator.parameters)) {
      if (!roles.has(name)) roles.set(name, roleOf(operator, place, graph, flow));
    }
  }
  return roles;
}

function roleOf(operator: Operator, place: string, graph: Graph, flow: Dataflow): ParameterRole {
  switch (operator.type) {
    case 'embedding':
      return flow.source(operator.inputs[0])?.type === 'positions' ? 'position' : 'token_embedding';
    case 'position_embedding':
      return 'position';
    case 'prepend_token':
      return 'class_token';
    case 'layer_norm':
    case 'batch_norm':
    case 'rms_norm':
      return place === 'weight' ? 'norm_gain' : place === 'bias' ? 'norm_bias' : 'other';
    case 'linear':
      return place === 'bias' ? 'bias' : linearRole(operator, graph, flow);
    case 'conv2d':
      return place === 'bias' ? 'bias' : kernelRole(operator, graph, flow);
    default:
      return 'other';
  }
}

function linearRole(operator: OperatorOf<'linear'>, graph: Graph, { source, readers }: Dataflow): ParameterRole {
  if (operator === classLayer(graph)) return 'head';
  const read = readers(operator.outputs[0]);
  for (const { operator: reader, place } of read) {
    if (reader.type === 'attention') return 'attention_qkv';
    if (reader.type === 'grouped_attention' && place < ATTENTION_INPUTS.length) return ATTENTION_INPUTS[place];
  }
  const given = source(operator.inputs[0]);
  if (given?.type === 'attention' || given?.type === 'grouped_attention') return 'attention_out';
  const feedsLinear = (value: string): boolean =>
    readers(value).some(({ operator: reader }) => reader.type === 'linear' && reader !== classLayer(graph));
  for (const { operator: reader } of read) {
    if (reader.type === 'multiply' && feedsLinear(reader.outputs[0])) return 'mlp_in';
    if (reader.type !== 'activation') continue;
    if (feedsLinear(reader.outputs[0])) return 'mlp_in';
    const isGate = readers(reader.outputs[0]).some(
      ({ operator: gated }) => gated.type === 'multiply' && feedsLinear(gated.outputs[0]),
    );
    if (isGate) return 'mlp_gate';
  }
  const isAfterHidden =
    given?.type === 'multiply' || (given?.type === 'activation' && source(given.inputs[0])?.type === 'linear');
  return isAfterHidden ? 'mlp_out' : 'linear';
}

function kernelRole(operator: OperatorOf<'conv2d'>, graph: Graph, { readers }: Dataflow): ParameterRole {
  if (operator === classLayer(graph)) return 'head';
  const [, inputs, height, width] =
    graph.parameters.find(({ name }) => name === operator.parameters.weight)?.shape ?? [];
  const { stride, groups } = operator.attributes;
  const isWholeImage = graph.inputs.includes(operator.inputs[0]);
  const becomesSequence = readers(operator.outputs[0]).some(
    ({ operator: { type } }) =>
      type === 'prepend_token' || type === 'add' || type === 'concat' || type === 'layer_norm',
  );
  if (isWholeImage && becomesSequence && stride[0] === height && stride[1] === width) return 'patch_embedding';
  if (groups > 1 && inputs === 1) return 'depthwise_kernel';
  return height === 1 && width === 1 ? 'pointwise_kernel' : 'kernel';
}
