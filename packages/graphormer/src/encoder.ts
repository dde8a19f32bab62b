// The Graphormer encoder of GHN-3 (arXiv 2303.04143 §3; Graphormer: arXiv 2106.05234): pre-norm transformer layers over the nodes
// of a graph, with attention biased by shortest-path distances. The bias is computed once and added in every layer.
import {
  embeddingParameters,
  gelu,
  layerNorm,
  layerNormParameters,
  linear,
  linearParameters,
  multiHeadAttention,
  type ParameterSpec,
  type TensorRecord,
} from '@logah/tensor-ops';
import * as tf from '@tensorflow/tfjs-core';
import { type EncoderGraph, graphFeatures, MAX_DEGREE, MAX_EDGE_ROW, MAX_INPUT_DISTANCE } from './graph-features.js';
import type { ShapeVocabulary } from './shape-index.js';

export interface GraphormerConfig {
  /** Features of a node embedding: a multiple of 4 and of `heads`. */
  readonly dim: number;
  readonly heads: number;
  readonly layers: number;
  /** Rows of the type table: 15 for vision, 18 with the language types. */
  readonly nodeTypes: number;
  readonly vocabulary: ShapeVocabulary;
}

/** The encoder's tensors by name; the names are those of GHN-3's published checkpoints. */
const EPSILON = 1e-5;
const MLP_RATIO = 4;

/** The encoder's parameters, in the order of the reference's state dictionary. */
export function graphormerParameters({ dim, heads, layers, nodeTypes, vocabulary }: GraphormerConfig): ParameterSpec[] {
  return [
    ...layerNormParameters('ln', dim),
    ...embeddingParameters('embed', nodeTypes, dim),
    ...embeddingParameters('shape_enc.embed_spatial', vocabulary.spatial.length + 1, dim / 4),
    ...embeddingParameters('shape_enc.embed_channel', vocabulary.channels.length + 1, dim / 4),
    ...Array.from({ length: layers }, (_, i) => layerParameters(`gnn.${i}`, dim, i === 0 ? heads : null)).flat(),
  ];
}

function layerParameters(layer: string, dim: number, biasHeads: number | null): ParameterSpec[] {
  const edgeBias = (heads: number): ParameterSpec[] => [
    ...embeddingParameters(`${layer}.attn.edge_embed.embed`, MAX_EDGE_ROW + 1, dim),
    ...linearParameters(`${layer}.attn.proj_e.0`, 2 * dim, dim),
    ...linearParameters(`${layer}.attn.proj_e.2`, dim, heads),
  ];
  return [
    ...layerNormParameters(`${layer}.ln1`, dim),
    ...linearParameters(`${layer}.attn.to_qkv`, dim, 3 * dim, { hasBias: false }),
    ...linearParameters(`${layer}.attn.to_out.0`, dim, dim),
    ...(biasHeads === null ? [] : edgeBias(biasHeads)),
    ...layerNormParameters(`${layer}.ln2`, dim),
    ...linearParameters(`${layer}.ff.net.0`, dim, MLP_RATIO * dim),
    ...linearParameters(`${layer}.ff.net.3`, MLP_RATIO * dim, dim),
    ...(biasHeads === null
      ? []
      : [
          ...embeddingParameters(`${layer}.centrality_embed_in`, MAX_DEGREE + 1, dim),
          ...embeddingParameters(`${layer}.centrality_embed_out`, MAX_DEGREE + 1, dim),
          ...embeddingParameters(`${layer}.input_dist_embed`, MAX_INPUT_DISTANCE + 1, dim),
        ]),
  ];
}

/**
 * The node embeddings of a graph, `[nodes, dim]`, after the final layer norm; differentiable in the parameters.
 * With `paddedTo`, what a batch padded to that many nodes would hold, `[paddedTo, dim]`: the rows of the nodes are the same, and those behind
 * them are what GHN-3's layers make of padding (all zeros at first, attending to every node alike).
 * Throws RangeError for a graph whose arrays disagree, and Error naming a parameter that is missing.
 */
export function encodeGraph(
  parameters: TensorRecord,
  graph: EncoderGraph,
  config: GraphormerConfig,
  { paddedTo }: { readonly paddedTo?: number } = {},
): tf.Tensor2D {
  const features = graphFeatures(graph, config.vocabulary);
  const nodes = features.nodeTypes.length;
  const { dim, heads, layers } = config;
  const rows = paddedTo ?? nodes;
  if (rows < nodes) throw new RangeError(`a graph of ${nodes} nodes cannot be padded to ${rows}`);
  const get = (name: string): tf.Tensor => {
    const tensor = parameters[name];
    if (!tensor) throw new Error(`the encoder's parameter "${name}" is missing`);
    return tensor;
  };
  const table = (name: string, rows: Int32Array): tf.Tensor =>
    tf.gather(get(`${name}.weight`), tf.tensor1d(rows, 'int32'));
  const dense = (x: tf.Tensor, name: string): tf.Tensor => linear(x, get(`${name}.weight`), get(`${name}.bias`));
  const norm = (x: tf.Tensor, name: string): tf.Tensor =>
    layerNorm(x, get(`${name}.weight`), get(`${name}.bias`), EPSILON);

  /** `[1, heads, nodes, nodes]`. The pairs of distances repeat, so the network that maps them to a bias runs once for each distinct pair. */
  const edgeBias = (): tf.Tensor => {
    const edge = (rows: Int32Array): tf.Tensor => table('gnn.0.attn.edge_embed.embed', rows);
    const pairs = tf.concat([edge(features.distinctForward), edge(features.distinctBackward)], 1); // [pairs, 2 * dim]
    const biases = dense(tf.relu(dense(pairs, 'gnn.0.attn.proj_e.0')), 'gnn.0.attn.proj_e.2'); // [pairs, heads]
    const spread = tf.gather(biases, tf.tensor1d(features.pairIndex, 'int32')); // [nodes * nodes, heads]
    return tf.reshape(tf.transpose(spread), [1, heads, nodes, nodes]);
  };

  const layer = (x: tf.Tensor, name: string, bias: tf.Tensor, mask: tf.Tensor | undefined): tf.Tensor => {
    const qkv = linear(norm(x, `${name}.ln1`), get(`${name}.attn.to_qkv.weight`));
    const mixed = multiHeadAttention(tf.reshape(qkv, [1, rows, 3 * dim]), heads, { bias, mask });
    const attended = tf.add(x, dense(tf.reshape(mixed, [rows, dim]), `${name}.attn.to_out.0`));
    return tf.add(attended, dense(gelu(dense(norm(attended, `${name}.ln2`), `${name}.ff.net.0`)), `${name}.ff.net.3`));
  };

  return tf.tidy(() => {
    const [out, inputs, height, width] = features.shapeRows;
    const shape = tf.concat(
      [
        table('shape_enc.embed_channel', out),
        table('shape_enc.embed_channel', inputs),
        table('shape_enc.embed_spatial', height),
        table('shape_enc.embed_spatial', width),
      ],
      1,
    );
    let x: tf.Tensor = tf.addN([
      table('embed', features.nodeTypes),
      shape,
      table('gnn.0.centrality_embed_in', features.inDegrees),
      table('gnn.0.centrality_embed_out', features.outDegrees),
      table('gnn.0.input_dist_embed', features.inputDistances),
    ]);
    let bias = edgeBias();
    let mask: tf.Tensor | undefined;
    if (rows > nodes) {
      const padding: [number, number] = [0, rows - nodes];
      x = tf.pad(x, [padding, [0, 0]]);
      bias = tf.pad(bias, [[0, 0], [0, 0], padding, padding]);
      const isNode = tf.less(tf.range(0, rows), nodes);
      mask = tf.logicalAnd(tf.reshape(isNode, [1, 1, rows, 1]), tf.reshape(isNode, [1, 1, 1, rows]));
    }
    for (let i = 0; i < layers; i++) x = layer(x, `gnn.${i}`, bias, mask);
    return tf.reshape(norm(x, 'ln'), [rows, dim]);
  });
}
