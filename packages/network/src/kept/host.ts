// Kept operators without a kernel of TensorFlow.js, and calls that a backend would get wrong: computed on plain numbers, as a model's constants are.
import { GraphError } from '@logah/graph-ir';
import {
  bodiesOf,
  constantTensor,
  dtypeOf,
  interpret,
  isFloat,
  type Tensor as PlainTensor,
} from '@logah/graph-ir/interpreter';
import * as tf from '@tensorflow/tfjs-core';
import type { Call } from './call.js';

/** The doubles that tensors stand for, whose own numbers are their nearest floats. */
const DOUBLES = new WeakMap<tf.Tensor, ArrayLike<number>>();

/** The numbers that a tensor stands for: doubles where an operator computed them, its own otherwise. */
export const exactValues = (tensor: tf.Tensor): ArrayLike<number> => DOUBLES.get(tensor) ?? tensor.dataSync();

/** Integers of tensors have 32 bits. */
const [LEAST, MOST] = [-(2 ** 31), 2 ** 31 - 1];

/** The results of an operator. Throws {@link GraphError} where a result does not fit into a tensor, and when a gradient is asked for. */
export function runOnHost(call: Call): tf.Tensor[] {
  const { operator, attributes, results } = call;
  const plain = call.operands.map((tensor, place): PlainTensor | undefined => {
    const constant = call.constants[place];
    if (constant !== undefined) return constantTensor(constant);
    return (
      tensor && {
        type: call.types[place] ?? (tensor.dtype as 'float32'),
        shape: tensor.shape,
        values: exactValues(tensor),
      }
    );
  });
  const [first] = call.types;
  if (
    operator === 'BitCast' &&
    call.constants[0] === undefined &&
    (first === 'int64' || first === 'uint64' || first === 'float64')
  )
    throw new GraphError(`reads the bits of ${first}, but numbers of tensors have 32`);
  const bodies = bodiesOf(attributes, capturedBy(call, plain));
  const own = plain.slice(0, plain.length - captureCount(call));
  const found = interpret({ operator, operands: own, attributes, results, bodies });
  const sources = call.operands.filter((tensor) => tensor?.dtype === 'float32');
  return found.map((result) => {
    const tensor = withoutGradient(operator, result, sources as tf.Tensor[]);
    if (result.type === 'float64') DOUBLES.set(tensor, result.values);
    return tensor;
  });
}

/** Names that graphs within the node read from around it: their values are its last operands. */
function captureNames({ attributes }: Call): string[] {
  const names = new Set<string>();
  for (const attribute of Object.values(attributes))
    if (typeof attribute === 'object' && 'body' in attribute)
      for (const name of attribute.body.captures) names.add(name);
  return [...names];
}

const captureCount = (call: Call): number => captureNames(call).length;

function capturedBy(
  call: Call,
  operands: ReadonlyArray<PlainTensor | undefined>,
): (name: string) => PlainTensor | undefined {
  const names = captureNames(call);
  const values = new Map(names.map((name, i) => [name, operands[operands.length - names.length + i]]));
  return (name) => values.get(name);
}

function tensorOf({ type, shape, values }: PlainTensor): tf.Tensor {
  const dtype = dtypeOf(type);
  if (dtype === 'float32') return tf.tensor(Float32Array.from(values), [...shape], dtype);
  if (dtype === 'bool') return tf.tensor(Uint8Array.from(values), [...shape], dtype);
  for (let i = 0; i < values.length; i++)
    if (values[i] < LEAST || values[i] > MOST)
      throw new GraphError(`gives the ${type} number ${values[i]}, but integers of tensors have 32 bits`);
  return tf.tensor(Int32Array.from(values), [...shape], dtype);
}

/** The result as a tensor; its gradient is refused rather than taken for none. */
function withoutGradient(operator: string, result: PlainTensor, sources: readonly tf.Tensor[]): tf.Tensor {
  if (!isFloat(result.type) || sources.length === 0) return tensorOf(result);
  const compute = tf.customGrad(() => ({
    value: tensorOf(result),
    gradFunc: () => {
      throw new GraphError(
        `${operator} runs without TensorFlow.js, so it has no gradient: it cannot be trained through`,
      );
    },
  }));
  return compute(...sources);
}
