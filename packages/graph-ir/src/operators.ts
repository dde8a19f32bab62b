// What each operator type takes and gives: its number of inputs, the roles of its parameters, its attributes in JSON, and the type of its result.
import { addSizes, windowCount } from './dimensions.js';
import {
  ACTIVATION_FUNCTIONS,
  type Dimension,
  elementCount,
  GraphError,
  type OperatorAttributes,
  type OperatorOf,
  type OperatorType,
  type Shape,
  type TensorType,
  type Window,
} from './graph.js';
import { numbers, padding, pair, type Reader, window } from './json-reader.js';
import { onnxAttributes } from './onnx-json.js';

type ParameterShapes = Readonly<Record<string, readonly number[]>>;

interface OperatorDefinition<T extends OperatorType> {
  /** The least and largest number of inputs. */
  readonly inputs: readonly [least: number, most: number];
  /** Roles that must be there, and roles that may. */
  readonly parameters: { readonly required: readonly string[]; readonly optional: readonly string[] | RegExp };
  /** Reads the attributes from JSON. Throws GraphError naming the field at fault. */
  attributes(json: Reader): OperatorAttributes[T];
  /** The types of the results, or of the only one. Throws GraphError, without the operator's name, when the inputs do not fit. */
  infer(
    operator: OperatorOf<T>,
    inputs: readonly TensorType[],
    parameters: ParameterShapes,
  ): TensorType | readonly TensorType[];
}

const none = { required: [], optional: [] };
const weightAndBias = { required: ['weight'], optional: ['bias'] };
const norm = { required: ['weight', 'bias'], optional: [] };

const float = (shape: Shape): TensorType => ({ dtype: 'float32', shape });
const show = (shape: Shape): string => `[${shape.join(', ')}]`;

function expect(condition: boolean, message: string): asserts condition {
  if (!condition) throw new GraphError(message);
}

function lastOf(shape: Shape, size: number, what: string): void {
  expect(shape.at(-1) === size, `${what} wants ${size} features, but its input is ${show(shape)}`);
}

function imageOf({ shape }: TensorType): readonly [Dimension, number, Dimension, Dimension] {
  const [batch, channels, height, width] = shape;
  expect(
    shape.length === 4 && typeof channels === 'number',
    `wants an image [batch, channels, height, width] of a known number of channels, got ${show(shape)}`,
  );
  return [batch, channels, height, width];
}

function pooled(
  { attributes: { kernel, stride, padding } }: { attributes: Window },
  [x]: readonly TensorType[],
): TensorType {
  const [batch, channels, height, width] = imageOf(x);
  return float([
    batch,
    channels,
    windowCount(height, padding.top + padding.bottom, kernel[0], stride[0]),
    windowCount(width, padding.left + padding.right, kernel[1], stride[1]),
  ]);
}

function broadcast(a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const x = a[i - rank + a.length] ?? 1;
    const y = b[i - rank + b.length] ?? 1;
    expect(x === y || x === 1 || y === 1, `cannot broadcast ${show(a)} with ${show(b)}`);
    return x === 1 ? y : x;
  });
}

function reshaped(from: Shape, to: readonly number[]): Shape {
  const message = `cannot reshape ${show(from)} to ${show(to)}`;
  const copied = new Set(to.flatMap((size, i) => (size === 0 ? [i] : [])));
  const rest = from.filter((_, i) => !copied.has(i));
  const count = elementCount(rest.map((size) => (typeof size === 'number' ? size : Number.NaN)));
  const known = elementCount(to.filter((size) => size > 0));
  const inferred = to.filter((size) => size === -1).length;
  expect(
    inferred <= 1 && [...copied].every((i) => i < from.length) && (inferred ? count % known === 0 : count === known),
    message,
  );
  return to.map((size, i) => (size === 0 ? from[i] : size === -1 ? count / known : size));
}

const noAttributes = (): Readonly<Record<string, never>> => ({});
const epsilon = (json: Reader): { readonly epsilon: number } => ({ epsilon: json.field('epsilon').number() });

/** The table of all operator types. */
export const OPERATORS: { readonly [T in OperatorType]: OperatorDefinition<T> } = {
  linear: {
    attributes: (json) => ({ layout: json.field('layout').literal('out_in', 'in_out') }),
    inputs: [1, 1],
    parameters: weightAndBias,
    infer({ attributes }, [{ shape }], { weight, bias }) {
      expect(weight.length === 2, `the weight of a linear layer is a matrix, got ${show(weight)}`);
      const [outputs, inputs] = attributes.layout === 'out_in' ? weight : [weight[1], weight[0]];
      lastOf(shape, inputs, `a weight ${show(weight)} (${attributes.layout})`);
      expect(
        bias === undefined || (bias.length === 1 && bias[0] === outputs),
        `a bias of [${outputs}] was wanted, got ${show(bias ?? [])}`,
      );
      return float([...shape.slice(0, -1), outputs]);
    },
  },
  conv2d: {
    attributes: (json) => ({
      stride: pair(json.field('stride')),
      padding: padding(json.field('padding')),
      dilation: pair(json.field('dilation')),
      groups: json.field('groups').number(),
    }),
    inputs: [1, 1],
    parameters: weightAndBias,
    infer({ attributes: { stride, padding, dilation, groups } }, [x], { weight, bias }) {
      const [batch, channels, height, width] = imageOf(x);
      expect(
        weight.length === 4,
        `the weight of a convolution is [out, in / groups, height, width], got ${show(weight)}`,
      );
      const [outputs, inputs, kernelHeight, kernelWidth] = weight;
      expect(
        inputs * groups === channels && outputs % groups === 0,
        `a weight ${show(weight)} in ${groups} group(s) wants ${inputs * groups} channels, but its input is ${show(x.shape)}`,
      );
      expect(
        bias === undefined || (bias.length === 1 && bias[0] === outputs),
        `a bias of [${outputs}] was wanted, got ${show(bias ?? [])}`,
      );
      return float([
        batch,
        outputs,
        windowCount(height, padding.top + padding.bottom, dilation[0] * (kernelHeight - 1) + 1, stride[0]),
        windowCount(width, padding.left + padding.right, dilation[1] * (kernelWidth - 1) + 1, stride[1]),
      ]);
    },
  },
  layer_norm: {
    attributes: epsilon,
    inputs: [1, 1],
    parameters: norm,
    infer(_, [{ shape }], { weight, bias }) {
      expect(
        weight.length === 1 && weight.join() === bias.join(),
        `weight ${show(weight)} and bias ${show(bias)} are not vectors of one size`,
      );
      lastOf(shape, weight[0], 'this layer norm');
      return float(shape);
    },
  },
  batch_norm: {
    attributes: epsilon,
    inputs: [1, 1],
    parameters: { required: ['weight', 'bias'], optional: ['mean', 'variance'] },
    infer(_, [x], parameters) {
      const channels = imageOf(x)[1];
      for (const [role, shape] of Object.entries(parameters))
        expect(
          shape.join() === `${channels}`,
          `${role} ${show(shape)} should be [${channels}] for an input ${show(x.shape)}`,
        );
      expect('mean' in parameters === 'variance' in parameters, 'a mean wants a variance, and a variance a mean');
      return float(x.shape);
    },
  },
  rms_norm: {
    attributes: (json) => ({
      ...epsilon(json),
      ...(json.field('offset').value === undefined ? {} : { offset: json.field('offset').number() }),
    }),
    inputs: [1, 1],
    parameters: { required: ['weight'], optional: [] },
    infer(_, [{ shape }], { weight }) {
      expect(weight.length === 1, `the weight of a norm is a vector, got ${show(weight)}`);
      lastOf(shape, weight[0], 'this RMS norm');
      return float(shape);
    },
  },
  embedding: {
    attributes: noAttributes,
    inputs: [1, 1],
    parameters: { required: ['weight'], optional: [] },
    infer(_, [{ shape, dtype }], { weight }) {
      expect(dtype === 'int32', `an embedding looks up int32 indices, got ${dtype}`);
      expect(weight.length === 2, `an embedding table is [rows, features], got ${show(weight)}`);
      return float([...shape, weight[1]]);
    },
  },
  positions: {
    attributes: noAttributes,
    inputs: [1, 1],
    parameters: none,
    infer(_, [{ shape }]) {
      expect(shape.length === 2, `positions wants token ids [batch, time], got ${show(shape)}`);
      return { dtype: 'int32', shape: [shape[1]] };
    },
  },
  position_embedding: {
    attributes: noAttributes,
    inputs: [0, 0],
    parameters: { required: ['weight'], optional: [] },
    infer: (_, __, { weight }) => float(weight),
  },
  prepend_token: {
    attributes: noAttributes,
    inputs: [1, 1],
    parameters: { required: ['token'], optional: [] },
    infer(_, [{ shape }], { token }) {
      const [batch, tokens, features] = shape;
      expect(
        shape.length === 3 && token.join() === `1,1,${features}`,
        `a token [1, 1, features] goes before a sequence [batch, tokens, features], got ${show(token)} and ${show(shape)}`,
      );
      return float([batch, addSizes(tokens, 1), features]);
    },
  },
  attention: {
    attributes: (json) => ({ heads: json.field('heads').number(), causal: json.field('causal').boolean() }),
    inputs: [1, 1],
    parameters: none,
    infer({ attributes: { heads } }, [{ shape }]) {
      const [batch, time, packed] = shape;
      expect(
        shape.length === 3 && typeof packed === 'number' && packed % (3 * heads) === 0,
        `attention of ${heads} heads wants [batch, time, 3 * features] with features divisible by ${heads}, got ${show(shape)}`,
      );
      return float([batch, time, packed / 3]);
    },
  },
  rotary_embedding: {
    attributes: (json) => ({ heads: json.field('heads').number(), base: json.field('base').number() }),
    inputs: [1, 1],
    parameters: none,
    infer({ attributes: { heads } }, [{ shape }]) {
      const features = shape[2];
      expect(
        shape.length === 3 && typeof features === 'number' && features % (2 * heads) === 0,
        `a rotary embedding of ${heads} heads wants [batch, time, features] with heads of an even size, got ${show(shape)}`,
      );
      return float(shape);
    },
  },
  grouped_attention: {
    attributes: (json) => ({
      heads: json.field('heads').number(),
      keyValueHeads: json.field('keyValueHeads').number(),
      causal: json.field('causal').boolean(),
    }),
    inputs: [3, 4],
    parameters: none,
    infer({ attributes: { heads, keyValueHeads } }, [queries, keys, values, mask]) {
      const size = (shape: Shape, count: number): number => {
        const features = shape[2];
        expect(
          shape.length === 3 && typeof features === 'number' && features % count === 0,
          `${count} heads want [batch, time, features] with features divisible by ${count}, got ${show(shape)}`,
        );
        return features / count;
      };
      expect(heads % keyValueHeads === 0, `${heads} heads are not a multiple of ${keyValueHeads} key heads`);
      expect(
        size(queries.shape, heads) === size(keys.shape, keyValueHeads) && keys.shape.join() === values.shape.join(),
        `queries ${show(queries.shape)}, keys ${show(keys.shape)} and values ${show(values.shape)} have heads of different sizes`,
      );
      if (mask !== undefined) broadcast(mask.shape, [queries.shape[0], heads, queries.shape[1], keys.shape[1]]);
      return float(queries.shape);
    },
  },
  activation: {
    attributes: (json) => ({ function: json.field('function').literal(...ACTIVATION_FUNCTIONS) }),
    inputs: [1, 1],
    parameters: none,
    infer: (_, [x]) => x,
  },
  add: {
    attributes: noAttributes,
    inputs: [2, 2],
    parameters: none,
    infer: (_, [a, b]) => float(broadcast(a.shape, b.shape)),
  },
  multiply: {
    attributes: noAttributes,
    inputs: [2, 2],
    parameters: none,
    infer: (_, [a, b]) => float(broadcast(a.shape, b.shape)),
  },
  concat: {
    attributes: (json) => ({ axis: json.field('axis').number() }),
    inputs: [1, Number.POSITIVE_INFINITY],
    parameters: none,
    infer({ attributes: { axis } }, inputs) {
      const [first, ...others] = inputs.map(({ shape }) => shape);
      let total: Dimension = first[axis];
      for (const other of others) {
        expect(
          other.length === first.length && other.every((size, i) => i === axis || size === first[i]),
          `cannot concatenate ${show(first)} and ${show(other)} along axis ${axis}`,
        );
        const size = other[axis];
        expect(
          typeof total === 'number' && typeof size === 'number',
          `axis ${axis} of ${show(other)} has no known size`,
        );
        total += size;
      }
      return { dtype: inputs[0].dtype, shape: first.map((size, i) => (i === axis ? total : size)) };
    },
  },
  max_pool: { attributes: window, inputs: [1, 1], parameters: none, infer: pooled },
  avg_pool: { attributes: window, inputs: [1, 1], parameters: none, infer: pooled },
  global_avg_pool: {
    attributes: noAttributes,
    inputs: [1, 1],
    parameters: none,
    infer(_, [x]) {
      const [batch, channels] = imageOf(x);
      return float([batch, channels]);
    },
  },
  adaptive_avg_pool: {
    inputs: [1, 1],
    parameters: none,
    attributes: (json) => ({ size: pair(json.field('size')) }),
    infer({ attributes: { size } }, [x]) {
      const [batch, channels] = imageOf(x);
      return float([batch, channels, ...size]);
    },
  },
  scale: {
    inputs: [1, 1],
    parameters: { required: ['weight'], optional: [] },
    attributes: noAttributes,
    infer(_, [x], { weight }) {
      const channels = imageOf(x)[1];
      expect(
        weight.join() === `${channels},1,1`,
        `weight ${show(weight)} should be [${channels}, 1, 1] for an input ${show(x.shape)}`,
      );
      return float(x.shape);
    },
  },
  reshape: {
    attributes: (json) => ({ shape: numbers(json.field('shape')) }),
    inputs: [1, 1],
    parameters: none,
    infer: ({ attributes }, [x]) => ({ ...x, shape: reshaped(x.shape, attributes.shape) }),
  },
  transpose: {
    attributes: (json) => ({ permutation: numbers(json.field('permutation')) }),
    inputs: [1, 1],
    parameters: none,
    infer({ attributes: { permutation } }, [{ shape, ...type }]) {
      expect(
        [...permutation].sort((a, b) => a - b).join() === shape.map((_, i) => i).join(),
        `${show(permutation)} is not a permutation of the axes of ${show(shape)}`,
      );
      return { ...type, shape: permutation.map((axis) => shape[axis]) };
    },
  },
  select: {
    attributes: (json) => ({ axis: json.field('axis').number(), index: json.field('index').number() }),
    inputs: [1, 1],
    parameters: none,
    infer({ attributes: { axis, index } }, [{ shape, ...type }]) {
      const size = shape[axis];
      expect(
        size !== undefined && (typeof size === 'string' ? index >= -1 : index >= -size && index < size),
        `axis ${axis} of ${show(shape)} has no index ${index}`,
      );
      return { ...type, shape: shape.filter((_, i) => i !== axis) };
    },
  },
  onnx: {
    attributes: onnxAttributes,
    inputs: [0, Number.POSITIVE_INFINITY],
    parameters: { required: [], optional: /^\d+$/ },
    infer({ inputs, parameters, attributes: { operands, results } }) {
      const wanted = operands.filter((operand) => operand === 'input').length;
      expect(inputs.length === wanted, `its operands name ${wanted} input(s), got ${inputs.length}`);
      const places = operands.flatMap((operand, place) => (operand === 'parameter' ? [`${place}`] : []));
      expect(
        places.join() ===
          Object.keys(parameters)
            .sort((a, b) => Number(a) - Number(b))
            .join(),
        `its operands name parameters at [${places.join(', ')}], got [${Object.keys(parameters).join(', ')}]`,
      );
      return results;
    },
  },
};
