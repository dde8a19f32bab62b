// Runs a graph: one small case per operator, in the graph's order.
import { own } from '@logah/files';
import {
  type ActivationFunction,
  ANY_SHAPE,
  type Graph,
  GraphError,
  type Operator,
  type TensorType,
} from '@logah/graph-ir';
import type { ElementType } from '@logah/graph-ir/interpreter';
import {
  attention,
  gelu,
  geluTanh,
  layerNorm,
  linear,
  multiHeadAttention,
  rmsNorm,
  type TensorRecord,
} from '@logah/tensor-ops';
import * as tf from '@tensorflow/tfjs-core';
import { adaptiveAvgPool, batchNorm, convolve, pool } from './convolution.js';
import { groupedHeads, joinHeads, rotate } from './heads.js';
import { channelLast, graphOrder, image, plain, type Value } from './image.js';
import { exactValues } from './kept/host.js';
import { checkKept, runKept } from './kept.js';

const silu = (x: tf.Tensor): tf.Tensor => tf.mul(x, tf.sigmoid(x));
const hardSigmoid = (x: tf.Tensor): tf.Tensor => tf.div(tf.relu6(tf.add(x, 3)), 6);
const hardSwish = (x: tf.Tensor): tf.Tensor => tf.mul(x, hardSigmoid(x));
const ACTIVATIONS: Readonly<Record<ActivationFunction, (x: tf.Tensor) => tf.Tensor>> = {
  relu: tf.relu,
  gelu,
  gelu_tanh: geluTanh,
  silu,
  relu6: tf.relu6,
  sigmoid: tf.sigmoid,
  tanh: tf.tanh,
  hard_sigmoid: hardSigmoid,
  hard_swish: hardSwish,
};

/**
 * The outputs of a network for these inputs and parameters, each as the graph declares it (images are channel-first).
 * Differentiable in parameters and inputs; works within `tf.tidy` and `tf.grads`.
 * Throws {@link GraphError} naming a parameter or input that is missing or has another shape, or all operators of a converted graph that cannot be run.
 */
export function forward(graph: Graph, parameters: TensorRecord, inputs: TensorRecord): tf.Tensor[] {
  checkKept(graph);
  for (const { name, shape } of graph.parameters) {
    const tensor = own(parameters, name);
    if (!tensor) throw new GraphError(`the parameter "${name}" [${shape.join(', ')}] was not given`);
    if (tensor.shape.join() !== shape.join()) {
      throw new GraphError(`the parameter "${name}" should be [${shape.join(', ')}], got [${tensor.shape.join(', ')}]`);
    }
  }
  return tf.tidy(() => {
    const values = new Map<string, Value>();
    for (const name of graph.inputs) values.set(name, plain(checkedInput(graph, name, own(inputs, name))));
    const read = (name: string): Value => {
      const value = values.get(name);
      if (!value) throw new GraphError(`the value "${name}" is read before it is computed`);
      return value;
    };
    for (const operator of graph.operators) {
      const operands = operator.inputs.map(read);
      const results =
        operator.type === 'onnx'
          ? runKept(operator, {
              inputs: operands.map(graphOrder),
              types: operator.inputs.map((name) => elementOf(graph.values[name])),
              parameter: (role) => parameters[operator.parameters[role]],
            }).map(plain)
          : [run(operator, operands, parameters)];
      operator.outputs.forEach((output, i) => {
        values.set(output, results[i]);
      });
    }
    // A copy, so that an output which is an input outlives this scope as the caller's own.
    return graph.outputs.map((name) => tf.clone(checkedOutput(graph, name, graphOrder(read(name)))));
  });
}

const elementOf = ({ dtype, element }: TensorType): ElementType => element ?? dtype;

function checkedInput(graph: Graph, name: string, tensor: tf.Tensor | undefined): tf.Tensor {
  const { shape, element } = graph.values[name];
  if (!tensor) throw new GraphError(`the input "${name}" [${shape.join(', ')}] was not given`);
  if (element === 'float64' && tensor.dataSync().some((value) => Math.abs(value) === Number.POSITIVE_INFINITY))
    throw new GraphError(
      `the input "${name}" is of float64 in the model: it has numbers beyond those of float32, or infinity`,
    );
  if (shape.join() === ANY_SHAPE.join()) return tensor;
  if (tensor.rank !== shape.length || shape.some((size, i) => typeof size === 'number' && size !== tensor.shape[i])) {
    throw new GraphError(`the input "${name}" should be [${shape.join(', ')}], got [${tensor.shape.join(', ')}]`);
  }
  return tensor;
}

/** Throws {@link GraphError} for doubles that floats lose: those beyond their range, and whole numbers up to 2^53 that they have not. */
function checkedOutput(graph: Graph, name: string, tensor: tf.Tensor): tf.Tensor {
  if (graph.values[name].element !== 'float64') return tensor;
  const lost = Array.from(exactValues(tensor)).find((value) => {
    const nearest = Math.fround(value);
    if (Object.is(nearest, value)) return false;
    return Number.isSafeInteger(value) || (Number.isFinite(value) && !Number.isFinite(nearest));
  });
  if (lost !== undefined)
    throw new GraphError(`the output "${name}" is of float64 in the model: it has ${lost}, which no float32 is`);
  return tensor;
}

function run(operator: Exclude<Operator, { type: 'onnx' }>, inputs: readonly Value[], parameters: TensorRecord): Value {
  const parameter = (role: string): tf.Tensor => parameters[operator.parameters[role]];
  const bias = (): tf.Tensor | undefined =>
    Object.hasOwn(operator.parameters, 'bias') ? parameter('bias') : undefined;
  const [x] = inputs;
  switch (operator.type) {
    case 'linear':
      return plain(linear(graphOrder(x), parameter('weight'), bias(), operator.attributes.layout));
    case 'conv2d':
      return image(convolve(channelLast(x), parameter('weight') as tf.Tensor4D, bias(), operator.attributes));
    case 'layer_norm':
      return plain(layerNorm(graphOrder(x), parameter('weight'), parameter('bias'), operator.attributes.epsilon));
    case 'batch_norm':
      return image(
        batchNorm(channelLast(x), {
          weight: parameter('weight'),
          bias: parameter('bias'),
          epsilon: operator.attributes.epsilon,
          ...(Object.hasOwn(operator.parameters, 'mean')
            ? { mean: parameter('mean'), variance: parameter('variance') }
            : {}),
        }),
      );
    case 'rms_norm': {
      const { epsilon, offset = 0 } = operator.attributes;
      const weight = parameter('weight');
      return plain(rmsNorm(graphOrder(x), offset === 0 ? weight : tf.add(weight, offset), epsilon));
    }
    case 'embedding':
      return plain(embed(parameter('weight'), tf.cast(x.tensor, 'int32')));
    case 'positions':
      return plain(tf.range(0, x.tensor.shape[1] ?? 0, 1, 'int32'));
    case 'position_embedding':
      return plain(parameter('weight'));
    case 'prepend_token':
      return plain(prependToken(graphOrder(x), parameter('token')));
    case 'attention': {
      const { heads, causal } = operator.attributes;
      return plain(multiHeadAttention(graphOrder(x), heads, { isCausal: causal }));
    }
    case 'rotary_embedding':
      return plain(rotate(graphOrder(x), operator.attributes));
    case 'grouped_attention': {
      const { causal } = operator.attributes;
      const [queries, keys, values] = groupedHeads(inputs.slice(0, 3).map(graphOrder), operator.attributes);
      const bias = inputs[3] && graphOrder(inputs[3]);
      return plain(joinHeads(attention(queries, keys, values, { bias, isCausal: causal })));
    }
    case 'activation':
      return { ...x, tensor: ACTIVATIONS[operator.attributes.function](x.tensor) };
    case 'add':
      return elementwise(tf.add, inputs[0], inputs[1]);
    case 'multiply':
      return elementwise(tf.mul, inputs[0], inputs[1]);
    case 'scale':
      return image(tf.mul(channelLast(x), tf.reshape(parameter('weight'), [-1])));
    case 'concat':
      return concat(inputs, operator.attributes.axis);
    case 'max_pool':
    case 'avg_pool':
      return image(pool(operator.type, channelLast(x), operator.attributes));
    case 'global_avg_pool':
      return plain(tf.mean(channelLast(x), [1, 2]));
    case 'adaptive_avg_pool':
      return image(adaptiveAvgPool(channelLast(x), operator.attributes.size));
    case 'reshape':
      return plain(reshape(x, operator.attributes.shape));
    case 'transpose':
      return plain(tf.transpose(graphOrder(x), [...operator.attributes.permutation]));
    case 'select': {
      const { axis, index } = operator.attributes;
      const tensor = graphOrder(x);
      const begin = tensor.shape.map((size, i) => (i === axis ? (index < 0 ? index + size : index) : 0));
      const size = tensor.shape.map((length, i) => (i === axis ? 1 : length));
      return plain(tf.squeeze(tf.slice(tensor, begin, size), [axis]));
    }
  }
}

/** Rows of a table; those of negative indices are counted from its end, as ONNX does. */
function embed(table: tf.Tensor, ids: tf.Tensor): tf.Tensor {
  const rows = tf.scalar(table.shape[0], 'int32');
  return tf.gather(table, tf.where(tf.less(ids, tf.scalar(0, 'int32')), tf.add(ids, rows), ids) as tf.Tensor1D);
}

/** Images stay channel-last when one of them is. */
function elementwise(apply: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor, a: Value, b: Value): Value {
  const areImages = a.tensor.rank === 4 && b.tensor.rank === 4 && (a.isChannelLast || b.isChannelLast);
  return areImages ? image(apply(channelLast(a), channelLast(b))) : plain(apply(graphOrder(a), graphOrder(b)));
}

/** `axis` is the graph's own; images stay channel-last. */
function concat(inputs: readonly Value[], axis: number): Value {
  if (!inputs.every(({ isChannelLast }) => isChannelLast)) return plain(tf.concat(inputs.map(graphOrder), axis));
  return image(
    tf.concat(
      inputs.map(({ tensor }) => tensor),
      CHANNEL_LAST_AXES[axis],
    ),
  );
}

/** Where the axes of `[batch, channels, height, width]` are in a channel-last image. */
const CHANNEL_LAST_AXES = [0, 3, 1, 2];

function prependToken(x: tf.Tensor, token: tf.Tensor): tf.Tensor {
  const [batch, , features] = x.shape;
  // Repeated by addition: its gradient is one sum, that of `tf.tile` a slice and an addition for every image.
  return tf.concat([tf.add(token, tf.zeros([batch, 1, features])), x], 1);
}

function reshape(x: Value, sizes: readonly number[]): tf.Tensor {
  const tensor = graphOrder(x);
  return tf.reshape(
    tensor,
    sizes.map((size, i) => (size === 0 ? tensor.shape[i] : size)),
  );
}
