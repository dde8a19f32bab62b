// Predicts the parameters of a network from its computational graph.
import {
  type ComputationalGraph,
  elementCount,
  type Graph,
  type LoweringOptions,
  NODE_TYPES,
  toComputationalGraph,
} from '@logah/graph-ir';
import { encodeGraph } from '@logah/graphormer';
import {
  decodeFactors,
  embeddingsToCodes,
  type Factors,
  fanInScale,
  multiplyFactors,
  normalizeBias,
  normalizeGain,
  productDeviation,
  tileTo,
} from '@logah/lowrank-decoder';
import type { Random } from '@logah/random';
import { globalNorm, readInto } from '@logah/tensor-ops';
import * as tf from '@tensorflow/tfjs-core';
import { decoderConfig, encoderConfig, type HypernetConfig, HypernetError } from './config.js';
import type { Hypernet } from './hypernet.js';
import { planTarget, type TargetPlan } from './plan.js';
import { repeatInto } from './repeat.js';
import { freshMemory, type Scratch, sharedMemory } from './scratch.js';

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
  /**
   * Writes every tensor into the same memory: its data is valid until the next one is asked for. For sinks that are done with a tensor by then, such as a
   * file; much faster for large networks, where fresh memory costs more than the prediction.
   */
  readonly reuseMemory?: boolean;
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
    const grouped = [...groups.values()].map((plans) => ({
      plans,
      targets: [...new Set(plans.map(({ target }) => target.node))],
      shape: plans[0].kernel,
    }));
    const factors = decodeFactors(parameters, codes, grouped, decoderConfig(config));
    const predicted: Record<string, tf.Tensor> = {};
    grouped.forEach(({ plans, targets }, group) => {
      const [lefts, rights] = [factors[group].left, factors[group].right].map(unstack);
      for (const plan of plans) {
        const index = targets.indexOf(plan.target.node);
        const core = readCore(plan, { left: lefts[index], right: rights[index] }, config);
        predicted[plan.target.parameter.name] = complete(plan, core, options.random);
      }
    });
    return predicted;
  });
}

/** Along the first axis. Unstacking a single tensor has no gradient in tfjs-core 4.22. */
const unstack = (x: tf.Tensor): tf.Tensor[] => (x.shape[0] === 1 ? [tf.squeeze(x, [0])] : tf.unstack(x));

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
  const { random, reuseMemory = false } = options;
  const { config, parameters } = hypernet;
  const [cores, targets] = reuseMemory ? [sharedMemory(), sharedMemory()] : [freshMemory, freshMemory];
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
              ? targets.take(elementCount(shape)).fill(0)
              : await readOut(planned[index], codes, index, hypernet, { random, cores, targets });
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
  { parameters, config }: Hypernet,
  { random, cores, targets }: { random: Random | undefined; cores: Scratch; targets: Scratch },
): Promise<Float32Array> {
  const { name, shape } = plan.target.parameter;
  const [core, norm] = tf.tidy(() => {
    const [{ left, right }] = decodeFactors(
      parameters,
      codes,
      [{ targets: [index], shape: plan.kernel }],
      decoderConfig(config),
    );
    const read = readCore(plan, { left: tf.squeeze(left, [0]), right: tf.squeeze(right, [0]) }, config);
    const whole = plan.kind === 'position' ? complete(plan, read, random) : read;
    return [whole, globalNorm([whole])];
  });
  const [length] = await norm.data<'float32'>();
  const { shape: coreShape } = core;
  const isWhole = coreShape.join() === shape.join();
  const data = (isWhole ? targets : cores).take(core.size);
  await readInto(core, data);
  tf.dispose([core, norm]);
  // One value that is not finite makes the norm so.
  if (!Number.isFinite(length)) {
    throw new HypernetError(
      `the prediction of "${name}" is not finite: the hypernetwork's parameters hold NaN or are too large`,
    );
  }
  if (isWhole) return data;
  const repeated = targets.take(elementCount(shape));
  repeatInto(repeated, data, coreShape, shape);
  return repeated;
}

/** The predicted part of a target, normalised for the target's full shape, before repetition: from factors `[rows, r]` of its node. */
function readCore(plan: TargetPlan, factors: Factors, config: HypernetConfig): tf.Tensor {
  const [out, inputs, height, width] = plan.kernel;
  const { left, right } = factors;
  switch (plan.kind) {
    case 'vector': {
      const vector = tf.slice(tf.reshape(multiplyFactors(factors, plan.kernel), [out]), [plan.start], [plan.size]);
      return plan.target.role === 'norm_weight' ? normalizeGain(vector) : normalizeBias(vector);
    }
    case 'position':
      return tf.reshape(multiplyFactors(factors, plan.kernel), [out, inputs, height, width]);
    case 'matrix':
    case 'kernel': {
      // Scaling A scales the product, and A is small.
      const scaled = { left: tf.mul(left, scaleOf(plan, factors, config)), right };
      return tf.reshape(
        multiplyFactors(scaled, plan.kernel),
        plan.kind === 'matrix' ? [out, inputs] : [out, inputs, height, width],
      );
    }
  }
}

/** What a predicted matrix or kernel is multiplied with. */
function scaleOf(
  { kind, target: { role, parameter } }: TargetPlan,
  factors: Factors,
  config: HypernetConfig,
): tf.Tensor | number {
  if (config.domain === 'vision' || kind === 'kernel') return fanInScale(parameter.shape);
  if (role === 'embedding') return 1;
  const [rows, columns] = parameter.shape;
  return tf.div(config.initializerRange, tf.add(productDeviation(factors, [rows, columns]), 1e-7));
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
