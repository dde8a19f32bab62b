// Predicts the parameters of a network from its computational graph.
import {
  type ComputationalGraph,
  type Graph,
  type LoweringOptions,
  NODE_TYPES,
  toComputationalGraph,
} from '@logah/graph-ir';
import { encodeGraph } from '@logah/graphormer';
import {
  decodeCodes,
  embeddingsToCodes,
  fanInScale,
  normalizeBias,
  normalizeDeviation,
  normalizeGain,
  tileTo,
} from '@logah/lowrank-decoder';
import type { Random } from '@logah/random';
import * as tf from '@tensorflow/tfjs-core';
import { decoderConfig, encoderConfig, HypernetError } from './config.js';
import type { Hypernet } from './hypernet.js';
import { planTarget, type TargetPlan } from './plan.js';
import { repeatTo } from './repeat.js';

/** A predicted parameter of a target network, row-major in the parameter's own layout. */
export interface PredictedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

export interface PredictOptions extends Pick<LoweringOptions, 'languageModelHead'> {
  /**
   * Draws the rows of a positional encoding that belong to class tokens, N(0, 0.02), which the hypernetwork does not predict;
   * without it they are 0. A class token itself is 0, as torchvision initialises it.
   */
  readonly random?: Random;
}

const CLASS_TOKEN_DEVIATION = 0.02;

/** How many tensors' codes are computed at once in a stream: few enough for memory, enough for fast products. */
const STREAM_CHUNK = 16;

/** The computational graph that a hypernetwork reads of a network: with the virtual edges it was configured for. */
export function lowerFor(
  { config }: Hypernet,
  graph: Graph,
  options: Pick<PredictOptions, 'languageModelHead'> = {},
): ComputationalGraph {
  return toComputationalGraph(graph, { ...options, cutoff: config.virtualEdges });
}

/**
 * The embeddings of all nodes, `[nodes, dim]`, or `[paddedTo, dim]` with the rows that a padded batch has behind them; differentiable in the
 * hypernetwork's parameters. Throws {@link HypernetError} for a graph with node types the domain lacks.
 */
export function embedNodes(
  { config, parameters }: Hypernet,
  graph: ComputationalGraph,
  options: { readonly paddedTo?: number } = {},
): tf.Tensor2D {
  const encoder = encoderConfig(config);
  const nodeTypes = graph.nodes.map(({ op }) => NODE_TYPES.indexOf(op));
  const unknown = graph.nodes.find((_, i) => nodeTypes[i] >= encoder.nodeTypes);
  if (unknown) throw new HypernetError(`a hypernetwork of the ${config.domain} domain knows no "${unknown.op}" nodes`);
  const nodeShapes = graph.nodes.map(({ shape }) => shape);
  return encodeGraph(parameters, { ...graph, nodeTypes, nodeShapes }, encoder, options);
}

/**
 * All parameters of a network as tensors by name, differentiable in the hypernetwork's parameters: for meta-training.
 * Tensors of one size are decoded together. `embeddings` `[nodes, dim]` are by default those of {@link embedNodes}. The caller owns the result.
 */
export function predictTensors(
  hypernet: Hypernet,
  graph: ComputationalGraph,
  options: Pick<PredictOptions, 'random'> & { readonly embeddings?: tf.Tensor2D } = {},
): Record<string, tf.Tensor> {
  return tf.tidy(() => {
    const { config, parameters } = hypernet;
    const embeddings = options.embeddings ?? embedNodes(hypernet, graph);
    const codes = embeddingsToCodes(parameters, embeddings, decoderConfig(config)); // [nodes, 2r, r]
    const groups = new Map<string, TargetPlan[]>();
    for (const target of graph.targets) {
      const plan = planTarget(target, config.maxChannels);
      const group = groups.get(plan.kernel.join());
      if (group) group.push(plan);
      else groups.set(plan.kernel.join(), [plan]);
    }
    const predicted: Record<string, tf.Tensor> = {};
    for (const plans of groups.values()) {
      const nodes = [...new Set(plans.map(({ target }) => target.node))];
      const decoded = decodeCodes(
        parameters,
        tf.gather(codes, tf.tensor1d(nodes, 'int32')),
        plans[0].kernel,
        decoderConfig(config),
      );
      // Unstacking a single tensor has no gradient in tfjs-core 4.22.
      const slices = nodes.length === 1 ? [tf.squeeze(decoded, [0])] : tf.unstack(decoded); // each [out, inputs, height, width]
      for (const plan of plans) {
        const core = readCore(plan, slices[nodes.indexOf(plan.target.node)], hypernet);
        predicted[plan.target.parameter.name] = complete(plan, core, options.random);
      }
    }
    return predicted;
  });
}

/**
 * The parameters of a network one at a time, in the order of the graph's parameters, in memory bounded by the largest of them.
 * Parameters that are not predicted (class tokens) come as zeros. Throws {@link HypernetError} naming a parameter that came out
 * not finite, or that cannot be predicted.
 */
export async function* predict(
  hypernet: Hypernet,
  graph: Graph,
  options: PredictOptions = {},
): AsyncGenerator<PredictedTensor> {
  const { random } = options;
  const { config, parameters } = hypernet;
  const lowered = lowerFor(hypernet, graph, options);
  const plans = new Map(
    lowered.targets.map((target) => [target.parameter.name, planTarget(target, config.maxChannels)]),
  );
  const embeddings = tf.tidy(() => embedNodes(hypernet, lowered));
  try {
    for (let first = 0; first < graph.parameters.length; first += STREAM_CHUNK) {
      const chunk = graph.parameters.slice(first, first + STREAM_CHUNK);
      const planned = chunk.flatMap(({ name }) => plans.get(name) ?? []);
      const nodes = tf.tensor1d(
        planned.map(({ target }) => target.node),
        'int32',
      );
      const codes = tf.tidy(() => embeddingsToCodes(parameters, tf.gather(embeddings, nodes), decoderConfig(config)));
      nodes.dispose();
      try {
        for (const { name, shape } of chunk) {
          const index = planned.findIndex(({ target }) => target.parameter.name === name);
          const data =
            index < 0
              ? new Float32Array(shape.reduce((a, b) => a * b, 1))
              : await readOut(planned[index], codes, index, hypernet, random);
          yield { name, shape, data };
        }
      } finally {
        codes.dispose();
      }
    }
  } finally {
    embeddings.dispose();
  }
}

async function readOut(
  plan: TargetPlan,
  codes: tf.Tensor3D,
  index: number,
  hypernet: Hypernet,
  random: Random | undefined,
): Promise<Float32Array> {
  const { name, shape } = plan.target.parameter;
  const core = tf.tidy(() => {
    const [, rows, rank] = codes.shape;
    const decoded = decodeCodes(
      hypernet.parameters,
      tf.slice(codes, [index, 0, 0], [1, rows, rank]),
      plan.kernel,
      decoderConfig(hypernet.config),
    );
    const read = readCore(plan, tf.squeeze(decoded, [0]), hypernet);
    return plan.kind === 'position' ? complete(plan, read, random) : read;
  });
  const data = (await core.data()) as Float32Array;
  const { shape: coreShape } = core;
  core.dispose();
  if (!data.every(Number.isFinite))
    throw new HypernetError(
      `the prediction of "${name}" is not finite: the hypernetwork's parameters hold NaN or are too large`,
    );
  return repeatTo(data, coreShape, shape);
}

/** The predicted part of a target, normalised for the target's full shape, before repetition. */
function readCore(plan: TargetPlan, decoded: tf.Tensor, { config }: Hypernet): tf.Tensor {
  const { role, parameter } = plan.target;
  const [out, inputs] = plan.kernel;
  switch (plan.kind) {
    case 'vector': {
      const vector = tf.slice(tf.reshape(decoded, [out]), [plan.start], [plan.size]);
      return role === 'norm_weight' ? normalizeGain(vector) : normalizeBias(vector);
    }
    case 'position':
      return decoded;
    case 'matrix': {
      const matrix = tf.reshape(decoded, [out, inputs]) as tf.Tensor2D;
      if (config.domain === 'vision') return tf.mul(matrix, fanInScale(parameter.shape));
      const [rows, columns] = parameter.shape;
      return role === 'embedding' ? matrix : normalizeDeviation(matrix, [rows, columns], config.initializerRange);
    }
    case 'kernel':
      return tf.mul(decoded, fanInScale(parameter.shape));
  }
}

/** The whole target from its predicted part: repeated beyond the largest predicted size, a positional encoding as a sequence with its class rows. */
function complete(plan: TargetPlan, core: tf.Tensor, random: Random | undefined): tf.Tensor {
  const { shape } = plan.target.parameter;
  if (plan.kind !== 'position') return tileTo(core, shape);
  const [, tokens, features] = shape;
  const [, , height, width] = plan.kernel;
  const sequence = tf.transpose(tf.reshape(core, [1, features, height * width]), [0, 2, 1]);
  const classRows = tokens - height * width;
  if (classRows === 0) return sequence;
  const values =
    random?.normals(classRows * features, 0, CLASS_TOKEN_DEVIATION) ?? new Float32Array(classRows * features);
  return tf.concat([tf.tensor3d(values, [1, classRows, features]), sequence], 1);
}
