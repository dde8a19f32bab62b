// The losses of ONNX: what a network's logarithms of probabilities miss of the right classes.

import { fit } from '../element-types.js';
import { elementCount } from '../graph.js';
import { integer, text } from '../onnx-attributes.js';
import { type Choices, type Operation, operand, type Rule, type Rules } from './operation.js';
import { REDUCTIONS } from './reductions.js';
import { exactTensor, fail, type Tensor, tensorOf } from './tensor.js';

function loss(operation: Operation, logs: Tensor, classes: Tensor, weights: Tensor | undefined): Tensor {
  const [batch, count, ...sizes] = logs.shape;
  const area = elementCount(sizes);
  const ignored = 'ignore_index' in operation.attributes ? integer(operation, 'ignore_index', 0) : undefined;
  const factor = (i: number): number => {
    const target = classes.values[i];
    if (target === ignored) return 0;
    if (target < 0 || target >= count) return fail(`the class ${target} is not among ${count}`);
    return weights?.values[target] ?? 1;
  };
  const factors = Float64Array.from({ length: batch * area }, (_, i) => factor(i));
  const losses = factors.map((share, i) =>
    share === 0 ? 0 : -share * logs.values[(Math.floor(i / area) * count + classes.values[i]) * area + (i % area)],
  );
  const sum = (values: Float64Array): number => values.reduce((a, b) => a + b, 0);
  switch (text(operation, 'reduction', 'mean')) {
    case 'none':
      return tensorOf(logs.type, classes.shape, (i) => losses[i]);
    case 'sum':
      return exactTensor(logs.type, [], [fit(sum(losses), logs.type)]);
    case 'mean':
      return exactTensor(logs.type, [], [fit(sum(losses) / sum(factors), logs.type)]);
    default:
      return fail(`reduces by "${text(operation, 'reduction', '')}"; known are none, sum, mean`);
  }
}

const crossEntropy: Rule = (operation) => {
  const [x, classes] = [operand(operation, 0), operand(operation, 1)];
  const logs = REDUCTIONS.LogSoftmax({ operator: 'LogSoftmax', operands: [x], attributes: { axis: 1 }, results: 1 });
  const tensor = 'shape' in logs ? logs : logs[0];
  return [loss(operation, tensor, classes, operation.operands[2]), tensor];
};

const WAYS = ['none', 'sum', 'mean'];

export const LOSS_CHOICES: Choices = {
  NegativeLogLikelihoodLoss: { reduction: WAYS },
  SoftmaxCrossEntropyLoss: { reduction: WAYS },
};

export const LOSSES: Rules = {
  NegativeLogLikelihoodLoss: (operation) =>
    loss(operation, operand(operation, 0), operand(operation, 1), operation.operands[2]),
  SoftmaxCrossEntropyLoss: crossEntropy,
};
