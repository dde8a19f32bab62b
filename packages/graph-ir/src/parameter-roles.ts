// What a parameter is to its network: found by following values from operator to operator, never by a parameter's name.
import { type Dataflow, dataflow, REARRANGING } from './dataflow.js';
import { classLayer, type Graph, type Operator, type OperatorType } from './graph.js';

/** What a parameter is to its operator and to what stands around it. */
export const PARAMETER_ROLES = [
  /** A convolution of the input whose windows do not overlap. */
  'patch_embedding',
  /** The table of the network's first input; a head that shares it has this role. */
  'token_embedding',
  'position',
  'class_token',
  /** The packed projection of queries, keys and values. */
  'attention_qkv',
  'attention_query',
  'attention_key',
  'attention_value',
  'attention_out',
  /** The first layer of an MLP on a residual branch. */
  'mlp_in',
  /** Of the two first layers of a gated MLP, the one with the activation. */
  'mlp_gate',
  'mlp_out',
  /** The layer that gives the classes or tokens. */
  'head',
  'kernel',
  /** One input channel for each filter. */
  'depthwise_kernel',
  'pointwise_kernel',
  /** Any other linear layer. */
  'linear',
  'norm_gain',
  'norm_bias',
  /** Of a linear layer or convolution. */
  'bias',
  /** Token types, layer scales, and what kept operators read. */
  'other',
] as const;

export type ParameterRole = (typeof PARAMETER_ROLES)[number];

/** What a norm prepares; a tied head is the token embedding, whose rows are as large as looking them up wants. */
export type NormReader = 'attention' | 'mlp' | 'head' | 'tied_head' | 'other';

/** A parameter's role, and which of its kind it is. */
export interface ParameterPlace {
  readonly role: ParameterRole;
  /** Of a bias, the role of its layer's weight; of a norm's gain and bias, what reads the norm; else the role itself. */
  readonly around: ParameterRole | NormReader;
  /** Which of the parameters of this role and surrounding it is, in the order of the forward pass, from 0. */
  readonly index: number;
  /** How many there are. */
  readonly count: number;
}

/** The role of every parameter of a graph, by name. A shared parameter has the role of its first use. */
export const parameterRoles = (graph: Graph): ReadonlyMap<string, ParameterRole> =>
  new Map([...parameterPlaces(graph)].map(([name, { role }]) => [name, role]));

/** The place of every parameter of a graph, by name, in the order of their first use. A shared parameter has the place of its first use. */
export function parameterPlaces(graph: Graph): ReadonlyMap<string, ParameterPlace> {
  const flow: Surroundings = {
    ...dataflow(graph),
    graph,
    head: classLayer(graph),
    shapes: new Map(graph.parameters.map(({ name, shape }) => [name, shape])),
  };
  const kinds = new Map<string, Pick<ParameterPlace, 'role' | 'around'>>();
  for (const operator of graph.operators) {
    for (const [slot, name] of Object.entries(operator.parameters)) {
      if (!kinds.has(name)) kinds.set(name, kindOf(operator, slot, flow));
    }
  }
  const counts = new Map<string, number>();
  const indexed = [...kinds].map(([name, kind]) => {
    const key = `${kind.role} ${kind.around}`;
    const index = counts.get(key) ?? 0;
    counts.set(key, index + 1);
    return { name, kind, key, index };
  });
  return new Map(indexed.map(({ name, kind, key, index }) => [name, { ...kind, index, count: counts.get(key) ?? 1 }]));
}

/** What a layer's role is told from. */
interface Surroundings extends Dataflow {
  readonly graph: Graph;
  readonly head: Operator | undefined;
  readonly shapes: ReadonlyMap<string, readonly number[]>;
}

function kindOf(operator: Operator, slot: string, flow: Surroundings): Pick<ParameterPlace, 'role' | 'around'> {
  const plain = (role: ParameterRole) => ({ role, around: role });
  switch (operator.type) {
    case 'linear':
    case 'conv2d': {
      const role = layerRole(operator, flow);
      return slot === 'weight' ? plain(role) : { role: 'bias', around: role };
    }
    case 'layer_norm':
    case 'rms_norm':
    case 'batch_norm':
      if (slot !== 'weight' && slot !== 'bias') return plain('other');
      return { role: slot === 'weight' ? 'norm_gain' : 'norm_bias', around: normReader(operator, flow) };
    case 'embedding':
      if (flow.source(operator.inputs[0])?.type === 'positions') return plain('position');
      return plain(operator.inputs[0] === flow.graph.inputs[0] ? 'token_embedding' : 'other');
    case 'position_embedding':
      return plain('position');
    case 'prepend_token':
      return plain('class_token');
    case 'onnx': {
      const isConvolution = /^Conv(Transpose)?$/.test(operator.attributes.operator);
      if (isConvolution && slot === '1') return plain('kernel');
      return isConvolution && slot === '2' ? { role: 'bias', around: 'kernel' } : plain('other');
    }
    default:
      return plain('other');
  }
}

/** The role of a linear layer's or convolution's weight. */
function layerRole(operator: Operator, flow: Surroundings): ParameterRole {
  if (operator === flow.head) return 'head';
  if (operator.type === 'conv2d') return kernelRole(operator, flow);
  const [output] = operator.outputs;
  const attention = flow.readers(output).find((reader) => isAttention(reader.operator));
  if (attention !== undefined) {
    if (attention.operator.type === 'attention') return 'attention_qkv';
    return PROJECTIONS[attention.place] ?? 'linear';
  }
  if (isAttention(flow.source(operator.inputs[0]))) return 'attention_out';
  if (isMlpOut(operator, flow)) return 'mlp_out';
  const isMlpIn = flow.readers(output, WITHIN_MLP).some((reader) => isMlpOut(reader.operator, flow));
  if (!isMlpIn) return 'linear';
  const isGate =
    flow.readers(output, []).every((reader) => reader.operator.type === 'activation') &&
    flow.readers(output, ['activation']).some((reader) => reader.operator.type === 'multiply');
  return isGate ? 'mlp_gate' : 'mlp_in';
}

const PROJECTIONS: readonly ParameterRole[] = ['attention_query', 'attention_key', 'attention_value'];

const isAttention = (operator: Operator | undefined): boolean =>
  operator?.type === 'attention' || operator?.type === 'grouped_attention';

const WITHIN_MLP: readonly OperatorType[] = [...REARRANGING, 'activation', 'multiply'];

/** Whether a linear layer reads an activation or a gated product, and is added to something: the end of a residual branch. */
function isMlpOut(operator: Operator, flow: Surroundings): boolean {
  if (operator.type !== 'linear' || operator === flow.head) return false;
  const source = flow.source(operator.inputs[0])?.type;
  if (source !== 'activation' && source !== 'multiply') return false;
  return flow.readers(operator.outputs[0], [...REARRANGING, 'scale']).some((reader) => reader.operator.type === 'add');
}

function kernelRole(operator: Extract<Operator, { type: 'conv2d' }>, flow: Surroundings): ParameterRole {
  const { stride, groups } = operator.attributes;
  const [, inputs, height, width] = flow.shapes.get(operator.parameters.weight) ?? [];
  const isPatch = height > 1 && height === stride[0] && width === stride[1] && groups === 1;
  if (isPatch && flow.graph.inputs.includes(operator.inputs[0])) return 'patch_embedding';
  if (groups > 1 && inputs === 1) return 'depthwise_kernel';
  return height === 1 && width === 1 ? 'pointwise_kernel' : 'kernel';
}

function normReader(operator: Operator, flow: Surroundings): NormReader {
  const roles = flow
    .readers(operator.outputs[0])
    .flatMap((reader) => (reader.operator.type === 'linear' ? [layerRole(reader.operator, flow)] : []));
  if (roles.some((role) => role.startsWith('attention_'))) return 'attention';
  if (roles.some((role) => role === 'mlp_in' || role === 'mlp_gate')) return 'mlp';
  if (!roles.includes('head')) return 'other';
  const isTied = flow.graph.operators.some(
    ({ type, parameters }) => type === 'embedding' && parameters.weight === flow.head?.parameters.weight,
  );
  return isTied ? 'tied_head' : 'head';
}
