// GHN-3's decoder (arXiv 2303.04143; GHN-2's with centred kernels): a node's embedding becomes a grid of features, and each place of the grid a matrix
// [M, M] at that place of a kernel. Only the part of the grid and of the matrix that a target reads is computed; the reference computes all of it.
import { fanInScale, type KernelShape, normalizeBias, normalizeGain, tileTo } from '@logah/lowrank-decoder';
import { linear, linearParameters, type ParameterSpec, type TensorRecord } from '@logah/tensor-ops';
import * as tf from '@tensorflow/tfjs-core';
import { type ConvHypernetConfig, HypernetError } from './config.js';
import { coreShape, distinct, groupBy, planTarget, type TargetPlan } from './plan.js';
import { stretch } from './resize.js';
import type { PlacedTarget, TensorDecoder } from './tensor-decoder.js';

/** The convolutional decoder of a configuration. */
export function convDecoder(config: ConvHypernetConfig): TensorDecoder {
  const { dim, maxChannels, maxKernel, classes } = config;
  return {
    readsEmbeddings: true,
    parameters: [
      ...linearParameters('decoder.fc.0', dim, 4 * dim * maxKernel ** 2),
      ...linearParameters('decoder.conv.0', 4 * dim, 8 * dim),
      ...small(linearParameters('decoder.conv.2', 8 * dim, maxChannels ** 2)),
      ...small(linearParameters('decoder.class_layer_predictor.1', maxChannels, classes)),
      ...linearParameters('decoder_1d.fc.0', dim, 2 * dim),
      ...small(linearParameters('decoder_1d.fc.2', 2 * dim, 2 * maxChannels)),
      ...linearParameters('bias_class.1', maxChannels, classes),
    ],
    plan(target) {
      const plan = planTarget(target, maxChannels);
      const [out, inputs, height, width] = plan.kernel;
      checkSides(plan, maxKernel);
      const outs = isOfClasses(plan) ? Math.min(target.parameter.shape[0], classes) : out;
      return { ...plan, kernel: [outs, Math.min(inputs, maxChannels), height, width] };
    },
    prepare: (_, embeddings) => tf.clone(embeddings),
    decode(parameters, embeddings, targets) {
      const cores = new Map<TargetPlan, tf.Tensor>();
      for (const members of groupBy(targets, groupOf)) {
        const rows = distinct(members.map(({ row }) => row));
        const nodes = tf.gather(embeddings as tf.Tensor2D, tf.tensor1d(rows, 'int32'));
        const decoded = decodeGroup(parameters, nodes, members[0].plan, config);
        for (const { plan, row } of members) {
          const core = tf.squeeze(tf.slice(decoded, rows.indexOf(row), 1), [0]);
          cores.set(plan, readCore(plan, core, config));
        }
      }
      return targets.map(({ plan }) => cores.get(plan) as tf.Tensor);
    },
  };
}

/** Throws {@link HypernetError} for a kernel of which one side alone is larger than the grid: only both are stretched. */
function checkSides({ target, kernel: [, , height, width] }: TargetPlan, maxKernel: number): void {
  if (Math.max(height, width) <= maxKernel || Math.min(height, width) > maxKernel) return;
  const { name, shape } = target.parameter;
  throw new HypernetError(
    `"${name}" has shape [${shape.join(', ')}], of which one side of the kernel is longer than this hypernetwork's ` +
      `${maxKernel} and the other is not; the largest that fits is ${maxKernel} by ${maxKernel}, or both are longer`,
  );
}

/** The reference makes these layers' first values smaller, so that training starts calmly. */
const small = (specs: readonly ParameterSpec[]): ParameterSpec[] =>
  specs.map((spec) => ({
    ...spec,
    initial: (random) =>
      spec.name.endsWith('.bias')
        ? new Float32Array(spec.shape[0])
        : spec.initial(random).map((value) => value / SMALLER),
  }));
const SMALLER = 5;

/** The layer that gives the classes has heads of its own. A table of embeddings that doubles as one has not, nor a kernel. */
const isOfClasses = ({ kind, target }: TargetPlan): boolean =>
  target.isClassLayer && (kind === 'vector' || (kind === 'matrix' && target.role === 'matrix'));

/** Vectors of any length are decoded together, other targets by size. */
const groupOf = ({ plan }: PlacedTarget): string =>
  `${isOfClasses(plan)} ${plan.kind === 'vector' ? 'vector' : plan.kernel.join()}`;

/** Embeddings `[nodes, dim]` to vectors `[nodes, 2, length]` or kernels `[nodes, out, inputs, height, width]`, as a plan of their group wants them. */
function decodeGroup(
  parameters: TensorRecord,
  nodes: tf.Tensor2D,
  plan: TargetPlan,
  config: ConvHypernetConfig,
): tf.Tensor {
  const { maxChannels } = config;
  const layer = denseLayers(parameters);
  if (plan.kind === 'vector') {
    const hidden = tf.relu(layer(nodes, 'decoder_1d.fc.0'));
    const vectors = tf.reshape(layer(hidden, 'decoder_1d.fc.2'), [-1, 2, maxChannels]);
    return isOfClasses(plan) ? layer(tf.relu(vectors), 'bias_class.1') : vectors;
  }
  if (!isOfClasses(plan)) return decodeKernels(parameters, nodes, plan.kernel, config);
  const [out, inputs] = plan.kernel;
  const matrices = tf.reshape(decodeKernels(parameters, nodes, [maxChannels, inputs, 1, 1], config), [
    -1,
    maxChannels,
    inputs,
  ]);
  const ofClasses = layer(tf.relu(tf.transpose(matrices, [0, 2, 1])), 'decoder.class_layer_predictor.1');
  const cut = tf.slice(ofClasses, [0, 0, 0], [nodes.shape[0], inputs, out]);
  return tf.reshape(tf.transpose(cut, [0, 2, 1]), [-1, out, inputs, 1, 1]);
}

const denseLayers =
  (parameters: TensorRecord) =>
  (x: tf.Tensor, name: string): tf.Tensor =>
    linear(x, parameters[`${name}.weight`], parameters[`${name}.bias`]);

/** Kernels `[nodes, out, inputs, height, width]`: the centre of the grid, stretched where a kernel is larger than it. */
function decodeKernels(
  parameters: TensorRecord,
  nodes: tf.Tensor2D,
  [out, inputs, height, width]: KernelShape,
  { dim, maxChannels, maxKernel }: ConvHypernetConfig,
): tf.Tensor {
  const features = 4 * dim;
  const [rows, columns] = [centre(height, maxKernel), centre(width, maxKernel)];
  const grid = linear(
    nodes,
    tf.reshape(
      cutGrid(tf.reshape(parameters['decoder.fc.0.weight'], [features, maxKernel, maxKernel, dim]), rows, columns),
      [-1, dim],
    ),
    tf.reshape(
      cutGrid(tf.reshape(parameters['decoder.fc.0.bias'], [features, maxKernel, maxKernel, 1]), rows, columns),
      [-1],
    ),
  );
  const places = tf.transpose(tf.reshape(tf.relu(grid), [-1, features, rows.size, columns.size]), [0, 2, 3, 1]);
  const hidden = tf.relu(denseLayers(parameters)(places, 'decoder.conv.0')); // [nodes, rows, columns, 8 dim]
  const [weight, bias] = ['weight', 'bias'].map((role) => {
    const whole = tf.reshape(parameters[`decoder.conv.2.${role}`], [maxChannels, maxChannels, -1]);
    return tf.slice(whole, [0, 0, 0], [out, inputs, -1]);
  });
  const matrices = linear(hidden, tf.reshape(weight, [-1, 2 * features]), tf.reshape(bias, [-1]));
  const kernels = tf.transpose(tf.reshape(matrices, [-1, rows.size, columns.size, out, inputs]), [0, 3, 4, 1, 2]);
  const isStretched = Math.min(height, width) > maxKernel;
  return isStretched ? stretch(kernels, [height, width]) : kernels;
}

interface Span {
  readonly start: number;
  readonly size: number;
}

/** The places of the grid that a kernel side of `size` reads: around the centre, the one before it first. */
function centre(size: number, maxKernel: number): Span {
  const middle = Math.floor(maxKernel / 2);
  const start = Math.max(0, middle - Math.floor(size / 2));
  return { start, size: Math.min(maxKernel, middle + Math.ceil(size / 2)) - start };
}

const cutGrid = (x: tf.Tensor, rows: Span, columns: Span): tf.Tensor =>
  tf.slice(x, [0, rows.start, columns.start, 0], [-1, rows.size, columns.size, -1]);

/** The predicted part of a target from what its node was decoded to. */
function readCore(plan: TargetPlan, decoded: tf.Tensor, config: ConvHypernetConfig): tf.Tensor {
  const { kind, target } = plan;
  if (kind === 'vector') {
    const row = target.role === 'norm_weight' ? 0 : 1;
    const vector = tf.squeeze(tf.slice(decoded, [row, 0], [1, plan.kernel[0]]), [0]);
    return target.role === 'norm_weight' ? normalizeGain(vector) : normalizeBias(vector);
  }
  if (kind === 'position') return decoded;
  const core = tf.reshape(decoded, coreShape(plan));
  return tf.mul(core, scaleOf(plan, core, config));
}

/** What a predicted matrix or kernel is multiplied with. */
function scaleOf(
  { kind, target: { role, parameter } }: TargetPlan,
  core: tf.Tensor,
  { domain, initializerRange }: ConvHypernetConfig,
): tf.Tensor | number {
  if (domain === 'vision' || kind === 'kernel') return fanInScale(parameter.shape);
  if (role === 'embedding') return 1;
  return tf.div(initializerRange, tf.add(deviation(tileTo(core, parameter.shape)), 1e-7));
}

/** The standard deviation, unbiased as PyTorch's `std`. */
const deviation = (x: tf.Tensor): tf.Tensor =>
  tf.sqrt(tf.div(tf.sum(tf.square(tf.sub(x, tf.mean(x)))), Math.max(1, x.size - 1)));
