// Every start and every modifier by name: what it makes, and where that comes from.
import type { Graph } from '@logah/graph-ir';
import {
  ABSOLUTE_NOISE,
  CORRELATION_NOISE,
  IMPULSE_POSITION_SCALE,
  orthogonalized,
  type RoleDeviations,
  withAbsoluteNoise,
  withCorrelationNoise,
  withFreshClassLayer,
  withImpulseAttention,
  withMimeticAttention,
  withModdedNanogptWeights,
  withNanochatWeights,
  withOrthogonalAttention,
  withRandomDraw,
} from '@logah/network';
import type { Random } from '@logah/random';
import type { TensorRecord } from '@logah/tensor-ops';

/** A table that keeps the names of its rows. */
const table =
  <Row>() =>
  <Name extends string>(rows: Readonly<Record<Name, Row>>): Readonly<Record<Name, Row>> =>
    rows;

/** Parameters; those that were computed on a GPU and read are waited for. */
type Made = TensorRecord | Promise<TensorRecord>;

/** A start that needs no file: RandInit, and what is changed of it. */
export interface ClosedFormStart {
  readonly makes: string;
  readonly source: string;
  /** The roles whose values it gives itself, so that their deviation cannot be set. */
  readonly own: readonly string[];
  readonly change?: (graph: Graph, start: TensorRecord, random: Random, deviations: RoleDeviations) => Made;
}

const QUERY_AND_KEY = ['attention_qkv', 'attention_query', 'attention_key'];
const ATTENTION = [...QUERY_AND_KEY, 'attention_value', 'attention_out'];
const GPT_MATRICES = [...ATTENTION, 'token_embedding', 'mlp_in', 'mlp_gate', 'mlp_out', 'head'];
const LAYER_MATRICES = [...ATTENTION, 'patch_embedding', 'mlp_in', 'mlp_gate', 'mlp_out', 'linear'];

/** Starts that need no file. Behind each may stand deviations by role: `random:position=1.5,head=0.001`. */
export const CLOSED_FORM_STARTS = table<ClosedFormStart>()({
  random: {
    makes: 'what PyTorch’s layers draw, for language models what transformers draws',
    source: 'torch.nn, torchvision, transformers',
    own: [],
  },
  orthogonal: {
    makes: 'RandInit with orthogonal weights, but for the head',
    source: 'arXiv 1312.6120',
    own: [...LAYER_MATRICES, 'kernel', 'depthwise_kernel', 'pointwise_kernel'],
    change: orthogonalized,
  },
  mimetic: {
    makes: 'attention as trained networks have it: W_Qᵀ·W_K ≈ 0.7·Z + 0.7·I, W_out·W_V ≈ 0.4·Z − 0.4·I',
    source: 'arXiv 2305.09828',
    own: ATTENTION,
    change: withMimeticAttention,
  },
  impulse: {
    makes: 'ViTs whose heads each look at one neighbour, as a 3×3 convolution does',
    source: 'arXiv 2505.19985',
    own: ATTENTION,
    change: (graph, start, random, { position }) =>
      withImpulseAttention(graph, start, random, position === undefined ? IMPULSE_POSITION_SCALE : 1),
  },
  'orthogonal-attention': {
    makes: 'orthonormal queries and keys in every head, identity values',
    source: 'Conditioned Initialization for Attention, ICLR 2026',
    own: [...QUERY_AND_KEY, 'attention_value'],
    change: withOrthogonalAttention,
  },
  nanochat: {
    makes: 'GPTs: uniform matrices of deviation 1/√d, output projections 0, embedding N(0, 0.8²)',
    source: 'karpathy/nanochat, gpt.py',
    own: GPT_MATRICES,
    change: withNanochatWeights,
  },
  'modded-nanogpt': {
    makes: 'GPTs: uniform matrices of deviation 0.5/√d, output projections and head 0',
    source: 'KellerJordan/modded-nanogpt, train_gpt.py',
    own: GPT_MATRICES,
    change: withModdedNanogptWeights,
  },
});

export type ClosedFormName = keyof typeof CLOSED_FORM_STARTS;

/**
 * Starts that read a file, `name:FILE`, and whether they are predicted by a hypernetwork (or by a module, as one is
 * likely to do).
 */
export const FILE_STARTS = {
  select: {
    makes: 'weights selected from a larger trained network’s safetensors',
    source: 'arXiv 2311.18823',
    isPredicted: false,
  },
  logah: { makes: 'what a LoGAH predicts', source: 'arXiv 2405.16287', isPredicted: true },
  ghn3: { makes: 'what a GHN-3 predicts', source: 'arXiv 2303.04143', isPredicted: true },
  template: { makes: 'what a hypernetwork of templates predicts', source: '@logah/hypernet', isPredicted: true },
  trained: {
    makes: 'a network’s parameters, from safetensors or one of PyTorch’s formats',
    source: 'the file',
    isPredicted: true,
  },
  module: { makes: 'what the module’s default export, an Initializer, gives', source: 'yours', isPredicted: true },
} as const;

export type FileStartName = keyof typeof FILE_STARTS;

/** A change of any start. */
export interface Modifier {
  readonly makes: string;
  readonly source: string;
  /** Its number where none is given; a modifier without one takes none. */
  readonly usual?: number;
  readonly change: (graph: Graph, start: TensorRecord, random: Random, value: number) => Made;
}

/** What may stand behind any start, applied in the order written: `+noise`, `+noise=3e-4`. */
export const MODIFIERS = table<Modifier>()({
  noise: {
    makes: 'W += β·std(corrcoef(W))·N(0, 1): the more, the more alike rows are',
    source: 'facebookresearch/ppuda, utils/init.py',
    usual: CORRELATION_NOISE,
    change: withCorrelationNoise,
  },
  'noise-abs': {
    makes: 'W += N(0, β²)',
    source: 'arXiv 2405.16287 §4.4',
    usual: ABSOLUTE_NOISE,
    change: withAbsoluteNoise,
  },
  orth: {
    makes: 'weights replaced by the Q of their QR decomposition, R with a positive diagonal',
    source: 'facebookresearch/ppuda, utils/init.py',
    change: orthogonalized,
  },
  random: {
    makes: 'a draw of RandInit times the number added, 1 by default',
    source: 'this project',
    usual: 1,
    change: withRandomDraw,
  },
  'new-head': {
    makes: 'a fresh head N(0, 2 / fan_in), for another data set',
    source: 'arXiv 2405.16287 §4.4',
    change: withFreshClassLayer,
  },
});

export type ModifierName = keyof typeof MODIFIERS;
