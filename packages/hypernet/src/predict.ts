// Predicts the parameters of a network from its computational graph.
import { recordOf } from '@logah/files';
import {
  type ComputationalGraph,
  elementCount,
  type Graph,
  type LoweringOptions,
  NODE_TYPES,
  toComputationalGraph,
} from '@logah/graph-ir';
import { encodeGraph } from '@logah/graphormer';
import { tileTo } from '@logah/lowrank-decoder';
import type { Random } from '@logah/random';
import { globalNorm, readInto } from '@logah/tensor-ops';
import * as tf from '@tensorflow/tfjs-core';
import { encoderConfig, HypernetError } from './config.js';
import { decoderOf } from './decoder.js';
import type { Hypernet } from './hypernet.js';
import type { TargetPlan } from './plan.js';
import { repeatInto } from './repeat.js';
import { freshMemory, type Scratch, sharedMemory } from './scratch.js';

/** A predicted parameter of a target network, row-major in the parameter's own layout. */
export interface PredictedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

export interface PredictOptions extends Pick<LoweringOptions, 'reference'> {
  /**
   * Draws the rows of a positional encoding that belong to class tokens, N(0, 0.02), which the hypernetwork does not predict;
   * without it they are 0. A class token itself is 0, as torchvision initialises it.
   */
  readonly random?: Random;
  /** Values of parameters that the hypernetwork does not predict, such as those of kept ONNX operators; without it, and where it has none, they are 0. */
  readonly unpredicted?: (parameter: string) => Float32Array | undefined;
  /**
   * Writes every tensor into the same memory: its data is valid until the next one is asked for. For sinks that are done with a tensor by then, such as a
   * file; much faster for large networks, where fresh memory costs more than the prediction.
   */
  readonly reuseMemory?: boolean;
}

const CLASS_TOKEN_DEVIATION = 0.02;

/** How many tensors' codes are computed at once in a stream: few enough for memory, enough for fast products. */
const STREAM_CHUNK = 16;

/**
 * The computational graph that a hypernetwork reads of a network: with the virtual edges and node types it was
 * configured for.
 */
export function lowerFor(
  { config }: Hypernet,
  graph: Graph,
  options: Pick<PredictOptions, 'reference'> = {},
): ComputationalGraph {
  const { nodeTypes } = encoderConfig(config);
  return toComputationalGraph(graph, { ...options, cutoff: config.virtualEdges, nodeTypes });
}

/**
 * The embeddings of all nodes, `[nodes, dim]`, or `[paddedTo, dim]` with the rows that a padded batch has behind them; differentiable in the
 * hypernetwork's parameters. A hypernetwork whose decoder reads none has `[nodes, 1]` zeros.
 * Throws {@link HypernetError} for a graph with node types the domain lacks.
 */
export function embedNodes(
  { config, parameters }: Hypernet,
  graph: ComputationalGraph,
  options: { readonly paddedTo?: number } = {},
): tf.Tensor2D {
  if (!decoderOf(config).readsEmbeddings) return tf.zeros([options.paddedTo ?? graph.nodes.length, 1]);
  const encoder = encoderConfig(config);
  const nodeTypes = graph.nodes.map(({ op }) => NODE_TYPES.indexOf(op));
  const unknown = graph.nodes.find((_, i) => nodeTypes[i] >= encoder.nodeTypes);
  if (unknown) throw new HypernetError(`a hypernetwork of the ${config.domain} domain knows no "${unknown.op}" nodes`);
  const nodeShapes = graph.nodes.map(({ shape }) => shape);
  return encodeGraph(parameters, { ...graph, nodeTypes, nodeShapes }, encoder, options);
}

/**
 * All parameters of a network as tensors by name, differentiable in the hypernetwork's parameters: for meta-training.
 * `embeddings` `[nodes, dim]` are by default those of {@link embedNodes}. The caller owns the result.
 */
export function predictTensors(
  hypernet: Hypernet,
  graph: ComputationalGraph,
  options: Pick<PredictOptions, 'random'> & { readonly embeddings?: tf.Tensor2D } = {},
): Record<string, tf.Tensor> {
  return tf.tidy(() => {
    const { config, parameters } = hypernet;
    const decoder = decoderOf(config);
    const embeddings = options.embeddings ?? embedNodes(hypernet, graph);
    const targets = graph.targets.map((target) => ({ plan: decoder.plan(target), row: target.node }));
    const cores = decoder.decode(parameters, decoder.prepare(parameters, embeddings), targets);
    const predicted = recordOf<tf.Tensor>();
    targets.forEach(({ plan }, i) => {
      predicted[plan.target.parameter.name] = complete(plan, cores[i], options.random);
    });
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
  const { random, unpredicted, reuseMemory = false } = options;
  const { config, parameters } = hypernet;
  const [cores, targets] = reuseMemory ? [sharedMemory(), sharedMemory()] : [freshMemory, freshMemory];
  const decoder = decoderOf(config);
  const lowered = lowerFor(hypernet, graph, options);
  const plans = new Map(lowered.targets.map((target) => [target.parameter.name, decoder.plan(target)]));
  const embeddings = tf.tidy(() => embedNodes(hypernet, lowered));
  try {
    for (let first = 0; first < graph.parameters.length; first += STREAM_CHUNK) {
      const chunk = graph.parameters.slice(first, first + STREAM_CHUNK);
      const planned = chunk.flatMap(({ name }) => plans.get(name) ?? []);
      const nodes = tf.tensor1d(
        planned.map(({ target }) => target.node),
        'int32',
      );
      const prepared = tf.tidy(() => decoder.prepare(parameters, tf.gather(embeddings, nodes)));
      nodes.dispose();
      try {
        for (const { name, shape } of chunk) {
          const row = planned.findIndex(({ target }) => target.parameter.name === name);
          const plan = planned[row];
          const data =
            plan === undefined
              ? (unpredicted?.(name) ?? targets.take(elementCount(shape)).fill(0))
              : await readOut(plan, () => decoder.decode(parameters, prepared, [{ plan, row }])[0], {
                  random,
                  cores,
                  targets,
                });
          yield { name, shape, data };
        }
      } finally {
        prepared.dispose();
      }
    }
  } finally {
    embeddings.dispose();
  }
}

/** The values of a target, of which `decode` gives the predicted part. */
async function readOut(
  plan: TargetPlan,
  decode: () => tf.Tensor,
  { random, cores, targets }: { random: Random | undefined; cores: Scratch; targets: Scratch },
): Promise<Float32Array> {
  const { name, shape } = plan.target.parameter;
  const [core, norm] = tf.tidy(() => {
    const decoded = decode();
    // The axes along which a positional encoding repeats are not its first.
    const isSequence = plan.kind === 'position' || plan.kind === 'sequence';
    const whole = isSequence ? complete(plan, decoded, random) : decoded;
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

/** The whole target from its predicted part: repeated beyond the largest predicted size, a positional encoding as a sequence with its class rows. */
function complete(plan: TargetPlan, core: tf.Tensor, random: Random | undefined): tf.Tensor {
  const { shape } = plan.target.parameter;
  if (plan.kind !== 'position') return tileTo(core, shape);
  const [, tokens, features] = shape;
  const [, , height, width] = plan.kernel;
  const sequence = tf.transpose(
    tf.reshape(tileTo(core, [1, features, height, width]), [1, features, height * width]),
    [0, 2, 1],
  );
  const classRows = tokens - height * width;
  if (classRows === 0) return sequence;
  const values =
    random?.normals(classRows * features, 0, CLASS_TOKEN_DEVIATION) ?? new Float32Array(classRows * features);
  return tf.concat([tf.tensor3d(values, [1, classRows, features]), sequence], 1);
}
