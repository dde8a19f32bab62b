// Operators of ONNX that normalise.

import { fit } from '../element-types.js';
import { elementCount } from '../graph.js';
import { integer, integers, real } from '../onnx-attributes.js';
import { type Operation, operand, type Rule, type Rules } from './operation.js';
import {
  axisOf,
  broadcastStrides,
  countOf,
  exactTensor,
  fail,
  forEachPlace,
  stridesOf,
  type Tensor,
  tensorOf,
  transposed,
} from './tensor.js';

const meanOf = (values: ArrayLike<number>, from: number, run: number, of: (x: number) => number = (x) => x): number => {
  let sum = 0;
  for (let i = 0; i < run; i++) sum += of(values[from + i]);
  return sum / run;
};

const epsilonOf = (operation: Operation): number => real(operation, 'epsilon', 1e-5);

/** Each run of elements less its mean, by its deviation; with the means and one over the deviations. */
function normaliseRuns(values: ArrayLike<number>, run: number, epsilon: number) {
  const count = values.length / run;
  const [means, inverses] = [new Float64Array(count), new Float64Array(count)];
  const result = new Float64Array(values.length);
  for (let n = 0; n < count; n++) {
    const mean = meanOf(values, n * run, run);
    const inverse = 1 / Math.sqrt(meanOf(values, n * run, run, (x) => (x - mean) ** 2) + epsilon);
    means[n] = mean;
    inverses[n] = inverse;
    for (let i = 0; i < run; i++) result[n * run + i] = (values[n * run + i] - mean) * inverse;
  }
  return { result, means, inverses };
}

/** Times a scale and plus a shift that broadcast. */
function scaled(x: Tensor, values: ArrayLike<number>, scale: Tensor, shift: Tensor | undefined): Tensor {
  const result = new Float64Array(countOf(x.shape));
  const strides = [broadcastStrides(scale.shape, x.shape), broadcastStrides(shift?.shape ?? [], x.shape)];
  forEachPlace(x.shape, strides, (i, [s, b]) => {
    result[i] = fit(fit(values[i], x.type) * scale.values[s] + (shift?.values[b] ?? 0), x.type);
  });
  return exactTensor(x.type, x.shape, result);
}

const layerNorm: Rule = (operation) => {
  const [x, scale, shift] = [operand(operation, 0), operand(operation, 1), operation.operands[2]];
  const axis = axisOf(integer(operation, 'axis', -1), x.shape.length);
  const { result, means, inverses } = normaliseRuns(x.values, elementCount(x.shape.slice(axis)), epsilonOf(operation));
  const shape = x.shape.map((size, i) => (i < axis ? size : 1));
  const statistics = (values: Float64Array): Tensor => tensorOf('float32', shape, (i) => values[i]);
  return [scaled(x, result, scale, shift), statistics(means), statistics(inverses)];
};

const rmsNorm: Rule = (operation) => {
  const [x, scale] = [operand(operation, 0), operand(operation, 1)];
  const axis = axisOf(integer(operation, 'axis', -1), x.shape.length);
  const run = elementCount(x.shape.slice(axis));
  const epsilon = epsilonOf(operation);
  const values = Float64Array.from(x.values);
  for (let n = 0; n < values.length / run; n++) {
    const root = Math.sqrt(meanOf(x.values, n * run, run, (value) => value * value) + epsilon);
    for (let i = 0; i < run; i++) values[n * run + i] /= root;
  }
  return scaled(x, values, scale, undefined);
};

/** One number for each channel, spread over images. */
const perChannel = (values: Tensor, rank: number): Tensor =>
  exactTensor(values.type, [values.values.length, ...new Array<number>(Math.max(0, rank - 2)).fill(1)], values.values);

const instanceNorm: Rule = (operation) => {
  const [x, scale, shift] = [operand(operation, 0), operand(operation, 1), operand(operation, 2)];
  const rank = x.shape.length;
  const { result } = normaliseRuns(x.values, elementCount(x.shape.slice(2)), epsilonOf(operation));
  return scaled(x, result, perChannel(scale, rank), perChannel(shift, rank));
};

const groupNorm: Rule = (operation) => {
  const [x, scale, shift] = [operand(operation, 0), operand(operation, 1), operand(operation, 2)];
  const groups = integer(operation, 'num_groups', 1);
  const [batch, channels] = x.shape;
  if (channels % groups !== 0) return fail(`${channels} channels do not make ${groups} groups`);
  const { result } = normaliseRuns(x.values, elementCount(x.shape) / (batch * groups), epsilonOf(operation));
  // Up to opset 20 a scale was of a group.
  const ofChannels = (values: Tensor): Tensor =>
    values.values.length === channels
      ? perChannel(values, x.shape.length)
      : perChannel(
          tensorOf(values.type, [channels], (c) => values.values[Math.floor(c / (channels / groups))]),
          x.shape.length,
        );
  return scaled(x, result, ofChannels(scale), ofChannels(shift));
};

/** With statistics that training gathered, or in training those of the batch; then also what the gathered ones become. */
const batchNorm: Rule = (operation) => {
  const [x, scale, shift, mean, variance] = [0, 1, 2, 3, 4].map((place) => operand(operation, place));
  const rank = x.shape.length;
  const epsilon = epsilonOf(operation);
  const normalised = (mean: ArrayLike<number>, variance: ArrayLike<number>): Tensor => {
    const strides = stridesOf(x.shape);
    const channelOf = (i: number): number => (rank < 2 ? 0 : Math.floor(i / strides[1]) % x.shape[1]);
    return tensorOf(x.type, x.shape, (i) => {
      const c = channelOf(i);
      return ((x.values[i] - mean[c]) / Math.sqrt(variance[c] + epsilon)) * scale.values[c] + shift.values[c];
    });
  };
  if (integer(operation, 'training_mode', 0) === 0) return normalised(mean.values, variance.values);
  const momentum = real(operation, 'momentum', 0.9);
  const order = [1, 0, ...x.shape.map((_, i) => i).slice(2)];
  const byChannel = transposed(x, order).values;
  const run = byChannel.length / x.shape[1];
  const means = Float64Array.from({ length: x.shape[1] }, (_, c) => meanOf(byChannel, c * run, run));
  const variances = means.map((center, c) => meanOf(byChannel, c * run, run, (value) => (value - center) ** 2));
  const running = (before: Tensor, now: ArrayLike<number>): Tensor =>
    tensorOf(before.type, before.shape, (c) => before.values[c] * momentum + now[c] * (1 - momentum));
  return [normalised(means, variances), running(mean, means), running(variance, variances)];
};

/** Each element by the sum of squares of channels near it. */
const localNorm: Rule = (operation) => {
  const x = operand(operation, 0);
  const size = integer(operation, 'size', 1);
  const [alpha, beta, bias] = [
    real(operation, 'alpha', 1e-4),
    real(operation, 'beta', 0.75),
    real(operation, 'bias', 1),
  ];
  const channels = x.shape[1];
  const stride = stridesOf(x.shape)[1];
  const [before, after] = [Math.floor((size - 1) / 2), Math.ceil((size - 1) / 2)];
  return tensorOf(x.type, x.shape, (i) => {
    const c = Math.floor(i / stride) % channels;
    let sum = 0;
    for (let other = Math.max(0, c - before); other <= Math.min(channels - 1, c + after); other++)
      sum += x.values[i + (other - c) * stride] ** 2;
    return x.values[i] / (bias + (alpha / size) * sum) ** beta;
  });
};

const meanVarianceNorm: Rule = (operation) => {
  const x = operand(operation, 0);
  const axes = (integers(operation, 'axes') ?? [0, 2, 3]).map((axis) => axisOf(axis, x.shape.length));
  const kept = x.shape.flatMap((_, axis) => (axes.includes(axis) ? [] : [axis]));
  const order = [...kept, ...axes];
  const ordered = transposed(x, order);
  const run = elementCount(axes.map((axis) => x.shape[axis]));
  const values = new Float64Array(ordered.values.length);
  for (let n = 0; n < values.length / run; n++) {
    const mean = meanOf(ordered.values, n * run, run);
    const deviation = Math.sqrt(meanOf(ordered.values, n * run, run, (value) => (value - mean) ** 2)) + 1e-9;
    for (let i = 0; i < run; i++) values[n * run + i] = fit((ordered.values[n * run + i] - mean) / deviation, x.type);
  }
  return transposed(
    exactTensor(x.type, ordered.shape, values),
    order.map((_, axis) => order.indexOf(axis)),
  );
};

/** In training some elements become 0 by chance: only a ratio of 0 says what happens. */
const dropout: Rule = (operation) => {
  const x = operand(operation, 0);
  const ratio = operation.operands[1]?.values[0] ?? real(operation, 'ratio', 0.5);
  if (operation.operands[2]?.values[0] === 1 && ratio !== 0)
    return fail(`drops elements by chance with a ratio of ${ratio}, which has no one result`);
  return [x, tensorOf('bool', x.shape, () => 1)];
};

export const NORMS: Rules = {
  BatchNormalization: batchNorm,
  Dropout: dropout,
  GroupNormalization: groupNorm,
  InstanceNormalization: instanceNorm,
  LRN: localNorm,
  LayerNormalization: layerNorm,
  MeanVarianceNormalization: meanVarianceNorm,
  RMSNormalization: rmsNorm,
};
