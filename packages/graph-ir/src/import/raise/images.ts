// Layers of convolutional networks.
import { type Dimension, elementCount, type Padding, type Shape } from '../../graph.js';
import { integer, integers, real, text } from '../../onnx-attributes.js';
import { draft, type Found, type TensorUse } from '../draft.js';
import type { ForeignNode } from '../foreign.js';
import { agree, type Matcher } from '../matcher.js';
import { windowOf } from '../windows.js';
import { epsilonsBetween, isOnlyStatistics, STATISTICS, STATISTICS_TOLERANCE, statisticsProbe } from './statistics.js';

export function images(m: Matcher, node: ForeignNode): Found | undefined {
  switch (node.op) {
    case 'Conv':
      return convolution(m, node);
    case 'BatchNormalization':
      return storedBatchNorm(m, node);
    case 'Add':
      return biasedConvolution(m, node) ?? computedBatchNorm(m, node);
    case 'MaxPool':
    case 'AveragePool':
      return pooling(m, node);
    case 'Mul':
      return layerScale(m, node);
    case 'GlobalAveragePool':
    case 'ReduceMean':
    case 'Flatten':
    case 'Reshape':
    case 'Squeeze':
      return globalPooling(m, node);
    default:
      return undefined;
  }
}

const isImage = (shape: Shape): boolean => shape.length === 4 && typeof shape[1] === 'number';

/** One number for each channel of an image, the same for every image. */
const isOfChannels = (shape: readonly number[], channels: Dimension | undefined): boolean =>
  shape.slice(-3).join() === `${channels},1,1` && elementCount(shape) === channels;

const pairOf = ([height, width]: readonly number[]): readonly [number, number] => [height, width];

function convolution(m: Matcher, node: ForeignNode): Found | undefined {
  const [, weight, bias] = node.inputs;
  if (!bias) return convolutionWith(m, node);
  const vector = m.vector(bias, m.tensor(weight)?.shape[0]);
  return vector && convolutionWith(m, node, { tensor: vector.name, layout: 'features' });
}

/** A convolution without a bias, to which a number for each channel is added, and which nothing else reads. */
function biasedConvolution(m: Matcher, node: ForeignNode): Found | undefined {
  const parts = m.split(node);
  const convolved = m.node(parts?.data, 'Conv');
  const bias = m.tensor(parts?.other);
  if (!parts || !convolved || !bias || convolved.inputs[2] || m.readers(parts.data).length > 1) return undefined;
  const channels = m.shape(parts.data)[1];
  if (typeof channels !== 'number' || !isOfChannels(bias.shape, channels)) return undefined;
  return convolutionWith(m, convolved, { tensor: bias.name, layout: 'features', shape: [channels] });
}

function convolutionWith(m: Matcher, node: ForeignNode, bias?: TensorUse): Found | undefined {
  const [x, weight] = node.inputs;
  const stored = m.tensor(weight);
  if (stored?.shape.length !== 4 || !m.isData(x) || !isImage(m.shape(x))) return undefined;
  const { stride, dilation, before, after } = windowOf(node, m.shape(x).slice(2), stored.shape.slice(2));
  return {
    draft: {
      type: 'conv2d',
      inputs: [x],
      uses: { weight: { tensor: stored.name, layout: 'out_in_h_w' }, ...(bias ? { bias } : {}) },
      attributes: {
        stride: pairOf(stride),
        padding: paddingOf(before, after),
        dilation: pairOf(dilation),
        groups: integer(node, 'group', 1),
      },
    },
  };
}

const paddingOf = ([top, left]: readonly number[], [bottom, right]: readonly number[]): Padding => ({
  top,
  left,
  bottom,
  right,
});

/** With the statistics that training gathered. */
function storedBatchNorm(m: Matcher, node: ForeignNode): Found | undefined {
  const [x, ...rest] = node.inputs;
  const channels = m.shape(x)[1];
  if (!isImage(m.shape(x)) || integer(node, 'training_mode', 0) !== 0) return undefined;
  const [weight, bias, mean, variance] = rest.map((name) => m.vector(name, Number(channels)));
  if (!weight || !bias || !mean || !variance) return undefined;
  const use = (tensor: string) => ({ tensor, layout: 'features' as const });
  return {
    draft: {
      type: 'batch_norm',
      inputs: [x],
      uses: { weight: use(weight.name), bias: use(bias.name), mean: use(mean.name), variance: use(variance.name) },
      attributes: { epsilon: real(node, 'epsilon', 1e-5) },
    },
  };
}

/** Channels of a probe. */
const PROBED = 7;

/** With the statistics of the batch, written out. */
function computedBatchNorm(m: Matcher, node: ForeignNode): Found | undefined {
  const sum = m.split(node);
  const product = m.node(sum?.data, 'Mul');
  const scaled = product && m.split(product);
  if (!sum || !scaled) return undefined;
  const channels = Number(m.shape(node.outputs[0])[1]);
  const [weight, bias] = [scaled.other, sum.other].map((name) => {
    const tensor = m.tensor(name);
    return tensor?.shape.join() === `1,${channels},1,1` ? (m.model.views.get(name)?.base ?? name) : undefined;
  });
  if (weight === undefined || bias === undefined) return undefined;
  // No number of the piece is a channel's own: fewer channels tell as much.
  const sizes = [2, PROBED, 3, 5];
  for (const x of m.origins(scaled.data, ({ op }) => STATISTICS.has(op), 8)) {
    const epsilon = epsilonsBetween(m, scaled.data, x).find((candidate) => {
      if (!isOnlyStatistics(m, scaled.data, x, candidate)) return false;
      const given = statisticsProbe(sizes, candidate);
      const found = m.compute(scaled.data, new Map([[x, given]]));
      return (
        found !== undefined && agree(found.values, normalised(given.values, PROBED, candidate), STATISTICS_TOLERANCE)
      );
    });
    if (epsilon === undefined || m.shape(x).join() !== m.shape(node.outputs[0]).join()) continue;
    const use = (tensor: string) => ({ tensor, layout: 'features' as const, shape: [channels] });
    return {
      draft: {
        type: 'batch_norm',
        inputs: [x],
        uses: { weight: use(weight), bias: use(bias) },
        attributes: { epsilon },
      },
    };
  }
  return undefined;
}

/** Images `[2, channels, 3, 5]`, each channel with mean 0 and variance 1. */
function normalised(values: readonly number[], channels: number, epsilon: number): number[] {
  const count = values.length / channels;
  const channelOf = (i: number): number => Math.floor(i / 15) % channels;
  const mean = new Array<number>(channels).fill(0);
  const variance = new Array<number>(channels).fill(0);
  values.forEach((value, i) => {
    mean[channelOf(i)] += value / count;
  });
  values.forEach((value, i) => {
    variance[channelOf(i)] += (value - mean[channelOf(i)]) ** 2 / count;
  });
  return values.map((value, i) => (value - mean[channelOf(i)]) / Math.sqrt(variance[channelOf(i)] + epsilon));
}

function pooling(m: Matcher, node: ForeignNode): Found | undefined {
  const [x] = node.inputs;
  const kernel = integers(node, 'kernel_shape');
  if (kernel?.length !== 2 || !isImage(m.shape(x)) || node.outputs.length > 1) return undefined;
  const { stride, dilation, before, after } = windowOf(node, m.shape(x).slice(2), kernel);
  // What rounding up adds at the end is no padding that a mean would count.
  const isAutomatic = text(node, 'auto_pad', 'NOTSET').startsWith('SAME');
  const pads = isAutomatic ? [...before, ...after] : (integers(node, 'pads') ?? []);
  const isPadded = pads.some((size) => size !== 0);
  // A mean leaves padding out here.
  const countsPadding = node.op === 'AveragePool' && isPadded && integer(node, 'count_include_pad', 0) === 1;
  if (dilation.some((size) => size !== 1) || countsPadding) return undefined;
  const type = node.op === 'MaxPool' ? 'max_pool' : 'avg_pool';
  return {
    draft: draft(type, [x], { kernel: pairOf(kernel), stride: pairOf(stride), padding: paddingOf(before, after) }),
  };
}

/** A learned factor for each channel of an image. */
function layerScale(m: Matcher, node: ForeignNode): Found | undefined {
  const parts = m.split(node);
  const weight = m.tensor(parts?.other);
  const channels = parts && m.shape(parts.data)[1];
  if (!parts || !weight || !isImage(m.shape(parts.data)) || !isOfChannels(weight.shape, channels)) return undefined;
  return {
    draft: {
      type: 'scale',
      inputs: [parts.data],
      uses: {
        weight: {
          tensor: m.model.views.get(weight.name)?.base ?? weight.name,
          layout: 'channels_1_1',
          shape: weight.shape.slice(-3),
        },
      },
      attributes: {},
    },
  };
}

/** The mean over height and width, as an image of one pixel or as features. */
function globalPooling(m: Matcher, node: ForeignNode): Found | undefined {
  const pooled = pooledImage(m, node);
  if (pooled !== undefined) {
    const isFlat = m.shape(node.outputs[0]).length === 2;
    return {
      draft: isFlat ? draft('global_avg_pool', [pooled], {}) : draft('adaptive_avg_pool', [pooled], { size: [1, 1] }),
    };
  }
  const inner = m.node(node.inputs[0], 'GlobalAveragePool', 'ReduceMean');
  const x = inner && pooledImage(m, inner);
  if (x === undefined || m.shape(node.outputs[0]).join() !== m.shape(x).slice(0, 2).join()) return undefined;
  return { draft: draft('global_avg_pool', [x], {}) };
}

function pooledImage(m: Matcher, node: ForeignNode): string | undefined {
  const [x, axes] = node.inputs;
  if (!m.isData(x) || !isImage(m.shape(x))) return undefined;
  if (node.op === 'GlobalAveragePool') return x;
  const places =
    node.op === 'ReduceMean' ? m.constant(axes)?.values.map((axis) => (axis < 0 ? axis + 4 : axis)) : undefined;
  return places && [...places].sort().join() === '2,3' ? x : undefined;
}
