// Lowers a graph to what a graph hypernetwork reads: nodes of 18 types, edges along the forward pass, shortest-path lengths.
// The vocabulary and the rules are GHN-3's (arXiv 2303.04143), with the additions of LoGAH for language models.
import { adjacencyOf, shortestPathLengths } from './distances.js';
import { classLayer, type Graph, GraphError, type Operator, type OperatorOf, type Parameter } from './graph.js';
import { type ParameterPlace, parameterPlaces } from './parameter-roles.js';

/** Node types by index. The first 15 are the vision vocabulary; language models add the last three. */
export const NODE_TYPES = [
  'max_pool',
  'avg_pool',
  'sep_conv',
  'dil_conv',
  'conv',
  'msa',
  'cse',
  'sum',
  'concat',
  'input',
  'bias',
  'bn',
  'ln',
  'pos_enc',
  'glob_avg',
  'rmsnorm',
  'rot_emb',
  'gate',
] as const;

/** How many of them vision models' hypernetworks know. */
const VISION_NODE_TYPES = NODE_TYPES.indexOf('rmsnorm');

export type NodeType = (typeof NODE_TYPES)[number];

export interface ComputationalNode {
  readonly op: NodeType;
  /** The parameter this node stands for; a norm's bias has no node of its own. */
  readonly parameter: string | null;
  /** The parameter's shape, a positional encoding as `[1, features, side, side]`; `[1, 1, height, width]` for a pooling window. */
  readonly shape: readonly number[] | null;
}

/** How a parameter is read off its node: a `matrix` fills a tensor, a `norm_weight` or `bias` is a vector. */
export type TargetRole = 'matrix' | 'embedding' | 'position' | 'norm_weight' | 'bias';

/** A parameter that a hypernetwork predicts, and the node it is predicted from. */
export interface Target {
  readonly parameter: Parameter;
  readonly node: number;
  readonly role: TargetRole;
  /** Whether it belongs to the layer that gives the classes, the last one. */
  readonly isClassLayer: boolean;
  /** What it is to its network, and which of its kind. */
  readonly place: ParameterPlace;
}

export interface ComputationalGraph {
  /** In topological order, the input first. */
  readonly nodes: readonly ComputationalNode[];
  /** Direct edges `[from, to, from, to, …]`, sorted. */
  readonly edges: Uint32Array;
  /** `[nodes, nodes]` row-major: shortest path lengths up to `cutoff`, 0 where there is none. */
  readonly distances: Uint16Array;
  readonly cutoff: number;
  /** In the order of the graph's parameters; parameters without a node (a class token) are not here. */
  readonly targets: readonly Target[];
}

export interface LoweringOptions {
  /** The longest path that becomes a virtual edge; 50 by default, as GHN-3 trains. */
  readonly cutoff?: number;
  /**
   * Wires and names nodes as LoGAH's authors' code does, for checkpoints that were trained with it; false by default,
   * for what networks compute.
   * A language model's untied head hangs on the input. A weight that is embedding and head is a `conv` called
   * "lm_head.weight", and its values are a matrix's. The product of a squeeze-and-excitation is a `gate` where the
   * vocabulary has one.
   */
  readonly reference?: boolean;
  /**
   * How many of {@link NODE_TYPES} the hypernetwork knows, 15 or 18; by default 18 for language models and 15 for
   * others.
   */
  readonly nodeTypes?: number;
}

const DEFAULT_CUTOFF = 50;

/**
 * The name of the authors' node for a weight that is embedding and head: modules are named in order, and the head is
 * the last.
 */
const TIED_HEAD = 'lm_head.weight';

interface DraftNode extends ComputationalNode {
  /** Nodes with an edge to this one, in the order of the operands. */
  readonly from: readonly number[];
}

/**
 * The computational graph of a network.
 * A layer with a bias is two nodes, weight and bias; activations and reshapes have none; a sum or concatenation of one node is dropped.
 * Throws {@link GraphError} for a cutoff that is not an integer in 1..65535.
 */
export function toComputationalGraph(graph: Graph, options: LoweringOptions = {}): ComputationalGraph {
  const { cutoff = DEFAULT_CUTOFF } = options;
  if (!Number.isInteger(cutoff) || cutoff < 1 || cutoff > 0xffff)
    throw new GraphError(`cutoff is an integer in 1..65535, got ${cutoff}`);
  const { drafts, owners } = draftNodes(graph, options);
  const order = forwardOrder(drafts);
  const position = new Uint32Array(drafts.length);
  order.forEach((draft, i) => {
    position[draft] = i;
  });

  const pairs = order.flatMap((draft, to) => drafts[draft].from.map((from) => [position[from], to] as const));
  pairs.sort(([fromA, toA], [fromB, toB]) => fromA - fromB || toA - toB);
  const edges = Uint32Array.from(pairs.flat());
  const places = parameterPlaces(graph);
  const ofClassLayer = new Set(Object.values(classLayer(graph)?.parameters ?? {}));
  return {
    nodes: order.map((draft) => ({
      op: drafts[draft].op,
      parameter: drafts[draft].parameter,
      shape: drafts[draft].shape,
    })),
    edges,
    distances: shortestPathLengths(drafts.length, adjacencyOf(drafts.length, edges), cutoff),
    cutoff,
    targets: graph.parameters.flatMap((parameter) => {
      const owner = owners.get(parameter.name);
      const place = places.get(parameter.name);
      if (!owner || !place) return [];
      const isClassLayer = ofClassLayer.has(parameter.name);
      return [{ parameter, node: position[owner.draft], role: owner.role, isClassLayer, place }];
    }),
  };
}

function draftNodes(graph: Graph, { reference = false, nodeTypes }: LoweringOptions) {
  const drafts: DraftNode[] = [{ op: 'input', parameter: null, shape: null, from: [] }];
  const owners = new Map<string, { draft: number; role: TargetRole }>();
  const parameters = new Map(graph.parameters.map((parameter) => [parameter.name, parameter]));
  /** For each value the nodes whose outputs it carries: several only where operators without a node join them. */
  const carriers = new Map<string, readonly number[]>(graph.inputs.map((input) => [input, [0]]));

  const push = (
    op: NodeType,
    from: readonly number[],
    shape: readonly number[] | null = null,
    parameter: string | null = null,
  ): number[] => {
    drafts.push({ op, parameter, shape, from });
    return [drafts.length - 1];
  };
  /** A node for a parameter; a parameter that has one already (a tied head) gets no second. */
  const pushParameter = (
    op: NodeType,
    role: TargetRole,
    name: string,
    from: readonly number[],
    nodeName = name,
  ): readonly number[] => {
    const parameter = parameters.get(name);
    if (!parameter) throw new GraphError(`the graph "${graph.name}" lists no parameter "${name}"`);
    if (owners.has(name)) return from;
    const carrier = push(op, from, nodeShape(parameter), nodeName);
    owners.set(name, { draft: carrier[0], role });
    return carrier;
  };
  const pushLayer = (
    op: NodeType,
    { weight, bias }: Operator['parameters'],
    from: readonly number[],
  ): readonly number[] => {
    const carrier = pushParameter(op, 'matrix', weight, from);
    return bias === undefined ? carrier : pushParameter('bias', 'bias', bias, carrier);
  };
  const pushNorm = (
    op: NodeType,
    { weight, bias }: Operator['parameters'],
    from: readonly number[],
  ): readonly number[] => {
    const carrier = pushParameter(op, 'norm_weight', weight, from);
    owners.set(bias, { draft: carrier[0], role: 'bias' });
    return carrier;
  };
  const isLanguageModel = graph.operators.some(({ type }) => type === 'embedding');
  const hasGates =
    (nodeTypes ?? (isLanguageModel ? NODE_TYPES.length : VISION_NODE_TYPES)) > NODE_TYPES.indexOf('gate');
  const headWeight = classLayer(graph)?.parameters.weight;

  const lower = (operator: Operator, from: readonly number[]): readonly number[] => {
    switch (operator.type) {
      case 'linear': {
        const isHead = isLanguageModel && operator.outputs.some((output) => graph.outputs.includes(output));
        return pushLayer('conv', operator.parameters, isHead && reference ? [0] : from);
      }
      case 'conv2d': {
        const { groups, dilation } = operator.attributes;
        const isDilated = dilation.some((size) => size > 1);
        return pushLayer(groups === 1 ? 'conv' : isDilated ? 'dil_conv' : 'sep_conv', operator.parameters, from);
      }
      case 'layer_norm':
        return pushNorm('ln', operator.parameters, from);
      case 'batch_norm':
        return pushNorm('bn', operator.parameters, from);
      case 'rms_norm':
        return pushParameter('rmsnorm', 'norm_weight', operator.parameters.weight, from);
      case 'embedding':
        return reference && operator.parameters.weight === headWeight
          ? pushParameter('conv', 'matrix', headWeight, from, TIED_HEAD)
          : pushParameter('pos_enc', 'embedding', operator.parameters.weight, from);
      case 'position_embedding':
        return pushParameter('pos_enc', 'position', operator.parameters.weight, []);
      case 'attention':
      case 'grouped_attention':
        return push('msa', from);
      case 'rotary_embedding':
        return push('rot_emb', from);
      case 'multiply':
        return push(isSqueezeExcitation(operator, graph) && !(reference && hasGates) ? 'cse' : 'gate', from);
      case 'add':
        return from.length > 1 ? push('sum', from) : from;
      case 'concat':
        return from.length > 1 ? push('concat', from) : from;
      case 'max_pool':
      case 'avg_pool':
        return push(operator.type, from, [1, 1, ...operator.attributes.kernel]);
      case 'global_avg_pool':
        return push('glob_avg', from);
      // The mean within a squeeze-and-excitation has no node either.
      case 'adaptive_avg_pool':
        return operator.attributes.size.every((size) => size === 1) ? from : push('glob_avg', from);
      case 'onnx':
        return lowerKept(operator, from);
      case 'activation':
      case 'scale':
      case 'positions':
      case 'prepend_token':
      case 'reshape':
      case 'select':
      case 'transpose':
        return from;
    }
  };

  /** Convolutions and pools that are kept as they are have the nodes of those that are not; nothing else that is kept has one. */
  const lowerKept = (
    { attributes, parameters: tensors }: OperatorOf<'onnx'>,
    from: readonly number[],
  ): readonly number[] => {
    const weight = tensors['1'];
    switch (attributes.operator) {
      case 'Conv':
      case 'ConvTranspose': {
        if (weight === undefined) return from;
        const bias = tensors['2'];
        return pushLayer('conv', bias === undefined ? { weight } : { weight, bias }, from);
      }
      case 'MaxPool':
      case 'AveragePool': {
        const kernel = attributes.attributes.kernel_shape;
        const type = attributes.operator === 'MaxPool' ? 'max_pool' : 'avg_pool';
        return push(type, from, Array.isArray(kernel) ? [1, 1, ...kernel].slice(0, 4) : null);
      }
      default:
        return from;
    }
  };

  for (const operator of graph.operators) {
    // A mask is no operand of attention that the computational graph knows.
    const read = operator.type === 'grouped_attention' ? operator.inputs.slice(0, 3) : operator.inputs;
    const from = [...new Set(read.flatMap((value) => carriers.get(value) ?? []))];
    const carrier = lower(operator, from);
    for (const output of operator.outputs) carriers.set(output, carrier);
  }
  return { drafts, owners };
}

/** Whether an image is weighted by one factor for each of its channels. */
const isSqueezeExcitation = ({ inputs }: Operator, { values }: Graph): boolean =>
  inputs.some((name) => values[name].shape.length === 4 && values[name].shape.slice(2).every((size) => size === 1));

/** GHN-3's 4-D view of a positional encoding: `[1, tokens, features]` is a square of tokens, the class token left out. */
function nodeShape({ shape, layout }: Parameter): readonly number[] {
  if (layout !== 'one_tokens_features') return shape;
  const side = Math.floor(Math.sqrt(shape[1]));
  return [1, shape[2], side, side];
}

/**
 * The order in which the nodes run: level by level from the input, ties as a depth-first walk back from the output meets them
 * (the order of the reference implementation). A node without inputs, a positional encoding, comes right before its reader.
 */
function forwardOrder(drafts: readonly DraftNode[]): number[] {
  const readers: number[][] = drafts.map(() => []);
  drafts.forEach(({ from }, to) => {
    for (const node of from) readers[node].push(to);
  });
  const rank = backwardRank(drafts, readers);
  const isSource = (node: number): boolean => node !== 0 && drafts[node].from.length === 0;
  // For the order alone, a source waits for what its reader waits for.
  const waitsFor = drafts.map(({ from }, node) =>
    isSource(node) ? readers[node].flatMap((reader) => drafts[reader].from.filter((other) => !isSource(other))) : from,
  );
  const releases: number[][] = drafts.map(() => []);
  waitsFor.forEach((froms, to) => {
    for (const node of froms) releases[node].push(to);
  });
  for (const nodes of releases) nodes.sort((a, b) => rank[a] - rank[b]);
  const waiting = waitsFor.map((froms) => froms.length);
  const order = drafts.flatMap((_, node) => (waiting[node] === 0 ? [node] : []));
  for (let head = 0; head < order.length; head++) {
    for (const node of releases[order[head]]) if (--waiting[node] === 0) order.push(node);
  }
  return order;
}

/** For each node, when a depth-first walk from the outputs backwards, first operands first, reaches it. */
function backwardRank(drafts: readonly DraftNode[], readers: readonly number[][]): Uint32Array {
  const rank = new Uint32Array(drafts.length);
  let next = 0;
  const stack = drafts.flatMap((_, node) => (readers[node].length === 0 ? [node] : [])).reverse();
  const seen = new Set<number>();
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    rank[node] = next++;
    for (let i = drafts[node].from.length - 1; i >= 0; i--) stack.push(drafts[node].from[i]);
  }
  return rank;
}
