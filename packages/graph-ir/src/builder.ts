// Builds a graph one operator at a time, in the words of the layers that made it.
import { recordOf } from '@logah/files';
import {
  type ActivationFunction,
  type Constant,
  type Graph,
  GraphError,
  type Layout,
  type Operator,
  type OperatorAttributes,
  type OperatorOf,
  type OperatorType,
  type Padding,
  type Parameter,
  type Shape,
  type TensorType,
} from './graph.js';
import { inferOutputs, validate } from './validate.js';

/** A value of the graph under construction. */
export interface ValueRef extends TensorType {
  readonly name: string;
}

/** Where a layer's parameters get their names; by default `<layer>.weight` and `<layer>.bias`. */
interface ParameterNames {
  readonly weight?: string;
  readonly bias?: string;
}

export interface LinearOptions extends ParameterNames {
  /** Number of output features. */
  readonly out: number;
  /** Whether a bias is added; true by default. */
  readonly hasBias?: boolean;
  /** The order of the weight's axes: PyTorch's Linear is `out_in` (the default), Hugging Face's Conv1D `in_out`. */
  readonly layout?: 'out_in' | 'in_out';
}

export interface Conv2dOptions extends ParameterNames {
  /** Number of output channels. */
  readonly out: number;
  /** Height and width of the kernel. */
  readonly kernel: number;
  readonly stride?: number;
  /** Zero padding on every side. */
  readonly padding?: number;
  readonly dilation?: number;
  readonly groups?: number;
  readonly hasBias?: boolean;
}

export interface PoolOptions {
  readonly kernel: number;
  readonly stride?: number;
  readonly padding?: number;
}

/** No network that anyone trains has as many; a file that asks for more would fill the memory. */
const MOST_OPERATORS = 100_000;

const evenPadding = (size: number): Padding => ({ top: size, left: size, bottom: size, right: size });

/**
 * Builds a {@link Graph}. Layers take a value and a name and give a value; parameters are named after their layer as PyTorch names them.
 * Every method throws {@link GraphError} naming the layer when shapes do not fit.
 *
 * @example
 * const g = new GraphBuilder('mlp');
 * const x = g.input('x', ['batch', 784]);
 * const hidden = g.activation(g.linear(x, 'fc1', { out: 64 }), 'relu');
 * const graph = g.build([g.linear(hidden, 'fc2', { out: 10 })]);
 */
export class GraphBuilder {
  readonly #name: string;
  readonly #inputs: string[] = [];
  readonly #operators: Operator[] = [];
  readonly #values = recordOf<TensorType>();
  readonly #parameters = new Map<string, Parameter>();
  readonly #counts = new Map<string, number>();

  constructor(name: string) {
    this.#name = name;
  }

  /** A value that the network is given: float32 images or features, or int32 indices. */
  input(name: string, shape: Shape, dtype: TensorType['dtype'] = 'float32'): ValueRef {
    if (name in this.#values) throw new GraphError(`two values are named "${name}"`);
    this.#inputs.push(name);
    this.#values[name] = { dtype, shape };
    return { name, dtype, shape };
  }

  /** Fully connected: `[..., in]` to `[..., out]`. A `weight` name that exists already is shared with the layer that declared it. */
  linear(x: ValueRef, layer: string, options: LinearOptions): ValueRef {
    const { out, hasBias = true, layout = 'out_in' } = options;
    const features = this.#size(x, -1, layer);
    const weight = this.#parameter(
      options.weight ?? `${layer}.weight`,
      layout === 'out_in' ? [out, features] : [features, out],
      layout,
    );
    const parameters = hasBias
      ? { weight, bias: this.#parameter(options.bias ?? `${layer}.bias`, [out], 'features') }
      : { weight };
    return this.#add('linear', layer, [x], parameters, { layout });
  }

  /** 2-D convolution: `[batch, in, height, width]` to `[batch, out, height', width']`. */
  conv2d(x: ValueRef, layer: string, options: Conv2dOptions): ValueRef {
    const { out, kernel, stride = 1, padding = 0, dilation = 1, groups = 1, hasBias = true } = options;
    const channels = this.#size(x, 1, layer);
    const weight = this.#parameter(
      options.weight ?? `${layer}.weight`,
      [out, channels / groups, kernel, kernel],
      'out_in_h_w',
    );
    const parameters = hasBias
      ? { weight, bias: this.#parameter(options.bias ?? `${layer}.bias`, [out], 'features') }
      : { weight };
    return this.#add('conv2d', layer, [x], parameters, {
      stride: [stride, stride],
      padding: evenPadding(padding),
      dilation: [dilation, dilation],
      groups,
    });
  }

  /** Layer norm over the last axis. */
  layerNorm(x: ValueRef, layer: string, epsilon = 1e-5): ValueRef {
    return this.#add('layer_norm', layer, [x], this.#norm(layer, this.#size(x, -1, layer)), { epsilon });
  }

  /** Batch norm over all axes but the channels, with the statistics of the batch, or with those that training gathered as parameters. */
  batchNorm(x: ValueRef, layer: string, epsilon = 1e-5, { hasStatistics = false } = {}): ValueRef {
    const channels = this.#size(x, 1, layer);
    const norm = this.#norm(layer, channels);
    const parameters = hasStatistics
      ? {
          ...norm,
          mean: this.#parameter(`${layer}.running_mean`, [channels], 'features'),
          variance: this.#parameter(`${layer}.running_var`, [channels], 'features'),
        }
      : norm;
    return this.#add('batch_norm', layer, [x], parameters, { epsilon });
  }

  /** RMS norm over the last axis, whose weight is what it adds to `offset`. */
  rmsNorm(x: ValueRef, layer: string, epsilon = 1e-6, { offset = 0 } = {}): ValueRef {
    const weight = this.#parameter(`${layer}.weight`, [this.#size(x, -1, layer)], 'features');
    return this.#add('rms_norm', layer, [x], { weight }, offset === 0 ? { epsilon } : { epsilon, offset });
  }

  /** Rows of a table: int32 `[...]` to `[..., features]`. */
  embedding(indices: ValueRef, layer: string, rows: number, features: number): ValueRef {
    return this.#add(
      'embedding',
      layer,
      [indices],
      { weight: this.#parameter(`${layer}.weight`, [rows, features], 'rows_features') },
      {},
    );
  }

  /** The positions 0, 1, … of token ids `[batch, time]`, as `[time]`. */
  positions(ids: ValueRef): ValueRef {
    return this.#add('positions', this.#fresh('positions'), [ids], {}, {});
  }

  /** A learned positional encoding `[1, tokens, features]`. */
  positionEmbedding(parameter: string, tokens: number, features: number): ValueRef {
    return this.#add(
      'position_embedding',
      parameter,
      [],
      { weight: this.#parameter(parameter, [1, tokens, features], 'one_tokens_features') },
      {},
    );
  }

  /** A learned token in front of a sequence `[batch, tokens, features]`. */
  prependToken(x: ValueRef, parameter: string): ValueRef {
    const token = this.#parameter(parameter, [1, 1, this.#size(x, -1, parameter)], 'one_tokens_features');
    return this.#add('prepend_token', parameter, [x], { token }, {});
  }

  /** Multi-head attention of packed queries, keys and values `[batch, time, 3 * features]`, without projections. */
  attention(qkv: ValueRef, layer: string, attributes: OperatorAttributes['attention']): ValueRef {
    return this.#add('attention', layer, [qkv], {}, attributes);
  }

  /** Rotary position embedding of `[batch, time, heads * headSize]`. */
  rotaryEmbedding(x: ValueRef, attributes: OperatorAttributes['rotary_embedding']): ValueRef {
    return this.#add('rotary_embedding', this.#fresh('rotary_embedding'), [x], {}, attributes);
  }

  /** Attention of queries with keys and values that groups of heads may share, without projections. */
  groupedAttention(
    [queries, keys, values]: readonly [ValueRef, ValueRef, ValueRef],
    layer: string,
    attributes: OperatorAttributes['grouped_attention'],
  ): ValueRef {
    return this.#add('grouped_attention', layer, [queries, keys, values], {}, attributes);
  }

  /** Element by element. */
  multiply(a: ValueRef, b: ValueRef): ValueRef {
    return this.#add('multiply', this.#fresh('multiply'), [a, b], {}, {});
  }

  activation(x: ValueRef, fn: ActivationFunction): ValueRef {
    return this.#add('activation', this.#fresh(fn), [x], {}, { function: fn });
  }

  add(a: ValueRef, b: ValueRef): ValueRef {
    return this.#add('add', this.#fresh('add'), [a, b], {}, {});
  }

  concat(values: readonly ValueRef[], axis: number): ValueRef {
    return this.#add('concat', this.#fresh('concat'), values, {}, { axis });
  }

  maxPool(x: ValueRef, options: PoolOptions): ValueRef {
    return this.#pool('max_pool', x, options);
  }

  avgPool(x: ValueRef, options: PoolOptions): ValueRef {
    return this.#pool('avg_pool', x, options);
  }

  /** The mean over height and width: `[batch, channels]`. */
  globalAvgPool(x: ValueRef): ValueRef {
    return this.#add('global_avg_pool', this.#fresh('global_avg_pool'), [x], {}, {});
  }

  /** Means over `size × size` parts of an image: `[batch, channels, size, size]`. */
  adaptiveAvgPool(x: ValueRef, size: number): ValueRef {
    return this.#add('adaptive_avg_pool', this.#fresh('adaptive_avg_pool'), [x], {}, { size: [size, size] });
  }

  /** A learned factor for each channel of an image. */
  scale(x: ValueRef, parameter: string): ValueRef {
    const weight = this.#parameter(parameter, [this.#size(x, 1, parameter), 1, 1], 'channels_1_1');
    return this.#add('scale', parameter, [x], { weight }, {});
  }

  /** 0 copies the size at its place, one -1 takes what is left. */
  reshape(x: ValueRef, shape: readonly number[]): ValueRef {
    return this.#add('reshape', this.#fresh('reshape'), [x], {}, { shape });
  }

  transpose(x: ValueRef, permutation: readonly number[]): ValueRef {
    return this.#add('transpose', this.#fresh('transpose'), [x], {}, { permutation });
  }

  /** Every element times a number. */
  times(x: ValueRef, factor: number): ValueRef {
    return this.#arithmetic('Mul', x, factor);
  }

  /** A number added to every element. */
  plus(x: ValueRef, summand: number): ValueRef {
    return this.#arithmetic('Add', x, summand);
  }

  /** Features from `start` to before `end` of `[..., features]`. */
  slice(x: ValueRef, start: number, end: number): ValueRef {
    const index = (value: number): Constant => ({ dtype: 'int32', element: 'int64', shape: [1], values: [value] });
    const type: TensorType = { dtype: x.dtype, shape: [...x.shape.slice(0, -1), end - start] };
    return this.#kept('Slice', x, [index(start), index(end), index(-1)], type);
  }

  /** One index of an axis; the axis goes. */
  select(x: ValueRef, axis: number, index: number): ValueRef {
    return this.#add('select', this.#fresh('select'), [x], {}, { axis, index });
  }

  /** The finished graph, validated. */
  build(outputs: readonly ValueRef[]): Graph {
    const graph: Graph = {
      name: this.#name,
      inputs: [...this.#inputs],
      outputs: outputs.map(({ name }) => name),
      operators: [...this.#operators],
      values: recordOf(Object.entries(this.#values)),
      parameters: [...this.#parameters.values()],
    };
    validate(graph);
    return graph;
  }

  #pool(type: 'max_pool' | 'avg_pool', x: ValueRef, { kernel, stride = kernel, padding = 0 }: PoolOptions): ValueRef {
    return this.#add(
      type,
      this.#fresh(type),
      [x],
      {},
      {
        kernel: [kernel, kernel],
        stride: [stride, stride],
        padding: evenPadding(padding),
      },
    );
  }

  #arithmetic(operator: 'Add' | 'Mul', x: ValueRef, value: number): ValueRef {
    const { dtype, shape } = x;
    return this.#kept(operator, x, [{ dtype, shape: [], values: [value] }], { dtype, shape });
  }

  /** An operator of ONNX with one input and constants. */
  #kept(operator: string, x: ValueRef, constants: readonly Constant[], result: TensorType): ValueRef {
    const attributes = { operator, operands: ['input' as const, ...constants], attributes: {}, results: [result] };
    return this.#add('onnx', this.#fresh(operator.toLowerCase()), [x], {}, attributes);
  }

  #norm(layer: string, size: number): Record<string, string> {
    return {
      weight: this.#parameter(`${layer}.weight`, [size], 'features'),
      bias: this.#parameter(`${layer}.bias`, [size], 'features'),
    };
  }

  #parameter(name: string, shape: readonly number[], layout: Layout): string {
    const shared = this.#parameters.get(name);
    if (shared && shared.shape.join() !== shape.join()) {
      throw new GraphError(
        `parameter "${name}" is [${shared.shape.join(', ')}] in one layer and [${shape.join(', ')}] in another`,
      );
    }
    if (!shared) this.#parameters.set(name, { name, shape, layout });
    return name;
  }

  #size(x: ValueRef, axis: number, layer: string): number {
    const size = x.shape.at(axis);
    if (typeof size !== 'number')
      throw new GraphError(`"${layer}" wants a known size at axis ${axis}, but its input is [${x.shape.join(', ')}]`);
    return size;
  }

  #fresh(type: string): string {
    const count = this.#counts.get(type) ?? 0;
    this.#counts.set(type, count + 1);
    return `${type}_${count}`;
  }

  #add<T extends OperatorType>(
    type: T,
    name: string,
    inputs: readonly ValueRef[],
    parameters: Record<string, string>,
    attributes: OperatorAttributes[T],
  ): ValueRef {
    const operator: OperatorOf<T> = {
      name,
      type,
      inputs: inputs.map((x) => x.name),
      parameters,
      attributes,
      outputs: [name],
    };
    // OperatorOf<T> is a member of the union for every T; TypeScript cannot follow the mapped type through a type variable.
    const member = operator as unknown as Operator;
    const [result] = inferOutputs(
      member,
      (value) => this.#values[value],
      (parameter) => this.#parameters.get(parameter)?.shape,
    );
    if (name in this.#values) throw new GraphError(`two values are named "${name}"`);
    if (this.#operators.length >= MOST_OPERATORS)
      throw new GraphError(`"${this.#name}" has more than ${MOST_OPERATORS} operators`);
    this.#operators.push(member);
    this.#values[name] = result;
    return { name, ...result };
  }
}
