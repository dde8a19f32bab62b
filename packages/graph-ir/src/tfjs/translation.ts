// TensorFlow's words in ONNX's: nodes and numbers that are added one by one.
import { elementCount, GraphError, type OnnxAttribute } from '../graph.js';
import type { ForeignNode, StoredTensor } from '../import/foreign.js';
import { bytesAt, knownTensor, type ReadPlace } from '../import/stored.js';

/** Stored tensors of more elements are weights, whose values no operator's arguments are. */
const MOST_ARGUMENTS = 2 ** 16;

/** As far as there is, for ends of slices. */
export const MOST = 2 ** 31 - 1;

export type Attributes = Readonly<Record<string, OnnxAttribute>>;

/** Nodes in the making. Every method that adds one returns the name of its first result. */
export class Translation {
  readonly nodes: ForeignNode[] = [];
  readonly tensors: Map<string, StoredTensor>;
  readonly #source: string;
  readonly #readPlace: ReadPlace | undefined;
  readonly #outputs = new Set<string>();
  #scope = '';
  #count = 0;

  constructor(source: string, tensors: ReadonlyMap<string, StoredTensor>, readPlace: ReadPlace | undefined) {
    this.#source = source;
    this.tensors = new Map(tensors);
    this.#readPlace = readPlace;
  }

  /** Nodes added from now on belong to the operator or layer of this name. */
  enter(scope: string): void {
    this.#scope = scope;
    this.#count = 0;
  }

  node(op: string, inputs: readonly string[], attributes: Attributes = {}, outputs?: readonly string[]): string {
    const results = outputs ?? [this.#name(op)];
    for (const result of results) this.#outputs.add(result);
    this.nodes.push({ name: results[0], op, inputs, outputs: results, attributes });
    return results[0];
  }

  integers(values: readonly number[], shape: readonly number[] = [values.length]): string {
    return this.#constant('int32', values, shape, (view, at, value) => view.setInt32(at, value, true));
  }

  floats(values: readonly number[], shape: readonly number[] = []): string {
    return this.#constant('float32', values, shape, (view, at, value) => view.setFloat32(at, value, true));
  }

  /** The values of an operand that is stored with the model; undefined for one that is computed. */
  known(name: string): readonly number[] | undefined {
    const tensor = this.tensors.get(name);
    if (tensor === undefined) return undefined;
    const { place, shape } = tensor;
    if (elementCount(shape) > MOST_ARGUMENTS)
      throw new GraphError(`"${name}" [${shape.join(', ')}] is too large for an argument of an operator`);
    const bytes = bytesAt(place, this.#readPlace ?? (() => this.#cannotRead(name)));
    // Whoever asks again, here or while the model is settled, need not go to the file.
    this.tensors.set(name, { ...tensor, place: { kind: 'bytes', bytes } });
    return knownTensor(name, tensor, bytes).values;
  }

  #cannotRead(name: string): never {
    throw new GraphError(
      `${this.#source}: the option "readPlace" is needed to read "${name}", an argument of an operator that is stored with the weights`,
    );
  }

  transpose(x: string, perm: readonly number[], outputs?: readonly string[]): string {
    return this.node('Transpose', [x], { perm }, outputs);
  }

  reshape(x: string, shape: readonly number[], outputs?: readonly string[]): string {
    return this.node('Reshape', [x, this.integers(shape)], {}, outputs);
  }

  #constant(
    type: 'int32' | 'float32',
    values: readonly number[],
    shape: readonly number[],
    write: (view: DataView, at: number, value: number) => void,
  ): string {
    const bytes = new Uint8Array(4 * values.length);
    const view = new DataView(bytes.buffer);
    values.forEach((value, i) => {
      write(view, 4 * i, value);
    });
    const name = this.#name('constant');
    this.tensors.set(name, { type, shape, place: { kind: 'bytes', bytes } });
    return name;
  }

  #name(what: string): string {
    let name: string;
    do name = `${this.#scope}/${what}_${this.#count++}`;
    while (this.tensors.has(name) || this.#outputs.has(name));
    return name;
  }
}

export type DataFormat = 'channels_first' | 'channels_last';

export interface WindowOptions {
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Numbers are pads of each spatial axis, before and after. */
  readonly padding: 'SAME' | 'VALID' | { readonly before: readonly number[]; readonly after: readonly number[] };
  readonly format: DataFormat;
}

/** The order of axes that puts channels second, and the one that puts them last again, for so many spatial axes. */
const firstOrder = (spatial: number): number[] => [0, spatial + 1, ...upTo(spatial)];
const lastOrder = (spatial: number): number[] => [0, ...upTo(spatial).map((i) => i + 1), 1];
const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);

/** Something done to images or signals with channels first, whichever way round they are. */
export function channelsFirstly(
  t: Translation,
  x: string,
  spatial: number,
  format: DataFormat,
  run: (x: string) => string,
  outputs?: readonly string[],
): string {
  if (format === 'channels_first') {
    const result = run(x);
    return outputs === undefined ? result : t.node('Identity', [result], {}, outputs);
  }
  return t.transpose(run(t.transpose(x, firstOrder(spatial))), lastOrder(spatial), outputs);
}

const windowAttributes = ({ strides, dilations, padding }: WindowOptions): Attributes => ({
  strides,
  ...(dilations.some((size) => size !== 1) ? { dilations } : {}),
  ...(typeof padding === 'object'
    ? { pads: [...padding.before, ...padding.after] }
    : { auto_pad: padding === 'SAME' ? 'SAME_UPPER' : 'VALID' }),
});

/** A convolution with a kernel `[...spatial, in / groups, out]`. */
export function convolution(
  t: Translation,
  x: string,
  kernel: { readonly name: string; readonly spatial: number },
  options: WindowOptions & { readonly groups: number },
  bias?: string,
): string {
  const { spatial } = kernel;
  const weight = t.transpose(kernel.name, [spatial + 1, spatial, ...upTo(spatial).map((i) => i - 1)]);
  return channelsFirstly(t, x, spatial, options.format, (image) =>
    t.node('Conv', bias === undefined ? [image, weight] : [image, weight, bias], {
      group: options.groups,
      ...windowAttributes(options),
    }),
  );
}

/** A convolution of each channel by itself with a kernel `[height, width, channels, multiplier]`. */
export function depthwiseConvolution(
  t: Translation,
  x: string,
  kernel: { readonly name: string; readonly shape: readonly number[] },
  options: WindowOptions,
  bias?: string,
): string {
  const [height, width, channels, multiplier] = kernel.shape;
  const joined = multiplier === 1 ? kernel.name : t.reshape(kernel.name, [height, width, channels * multiplier, 1]);
  const weight = t.transpose(joined, [2, 3, 0, 1]);
  return channelsFirstly(t, x, 2, options.format, (image) =>
    t.node('Conv', bias === undefined ? [image, weight] : [image, weight, bias], {
      group: channels,
      ...windowAttributes(options),
    }),
  );
}

/** The gradient of a convolution with a kernel `[height, width, out, in]` as TensorFlow pads it. */
export function transposedConvolution(
  t: Translation,
  x: string,
  kernel: { readonly name: string; readonly shape: readonly number[] },
  { strides, padding, format, dilations }: WindowOptions,
  bias?: string,
): string {
  const weight = t.transpose(kernel.name, [3, 2, 0, 1]);
  const spare = strides.map((stride, i) => dilations[i] * (kernel.shape[i] - 1) + 1 - stride);
  const total = spare.map((size) => Math.max(0, size));
  const before = total.map((size) => Math.floor(size / 2));
  const pads =
    typeof padding === 'object'
      ? [...padding.before, ...padding.after]
      : padding === 'SAME'
        ? [...before, ...total.map((size, i) => size - before[i])]
        : [0, 0, 0, 0];
  return channelsFirstly(t, x, 2, format, (image) =>
    t.node('ConvTranspose', bias === undefined ? [image, weight] : [image, weight, bias], {
      strides,
      dilations,
      pads,
      output_padding: spare.map((size) => Math.max(0, -size)),
    }),
  );
}

export function pooling(
  t: Translation,
  op: 'MaxPool' | 'AveragePool',
  x: string,
  kernel: readonly number[],
  options: WindowOptions,
  outputs?: readonly string[],
): string {
  return channelsFirstly(
    t,
    x,
    kernel.length,
    options.format,
    (image) => t.node(op, [image], { kernel_shape: kernel, ...windowAttributes(options) }),
    outputs,
  );
}

/** A batch norm over the last axis or the second. */
export function batchNorm(
  t: Translation,
  x: string,
  statistics: readonly string[],
  options: { readonly epsilon: number; readonly spatial: number; readonly format: DataFormat },
): string {
  return channelsFirstly(t, x, options.spatial, options.format, (image) =>
    t.node('BatchNormalization', [image, ...statistics], { epsilon: { float: options.epsilon } }),
  );
}

/** Resizes images `[batch, height, width, channels]` by whole or other factors, or to sizes that are computed. */
export function resize(
  t: Translation,
  x: string,
  to: { readonly factors: readonly number[] } | { readonly sizes: string },
  mode: Attributes,
  format: DataFormat,
  outputs?: readonly string[],
): string {
  return channelsFirstly(
    t,
    x,
    2,
    format,
    (image) => {
      if ('factors' in to) return t.node('Resize', [image, '', t.floats([1, 1, ...to.factors], [4])], mode);
      const shape = t.node('Shape', [image], { start: 0, end: 2 });
      return t.node('Resize', [image, '', '', t.node('Concat', [shape, to.sizes], { axis: 0 })], mode);
    },
    outputs,
  );
}

/** TensorFlow's ways to find the pixel that another comes from. */
export function resizeMode(mode: 'linear' | 'nearest', alignCorners: boolean, halfPixelCenters: boolean): Attributes {
  const transformation = alignCorners ? 'align_corners' : halfPixelCenters ? 'half_pixel' : 'asymmetric';
  return {
    mode,
    coordinate_transformation_mode: transformation,
    ...(mode === 'nearest' ? { nearest_mode: transformation === 'asymmetric' ? 'floor' : 'round_prefer_ceil' } : {}),
  };
}

/** Activation functions by the names that Keras and fused operators have for them, as nodes that give `outputs`. */
export function activate(
  t: Translation,
  name: string,
  x: string,
  outputs: readonly string[],
  options: { readonly alpha?: number } = {},
): boolean {
  const { alpha } = options;
  switch (name.toLowerCase()) {
    case 'linear':
      t.node('Identity', [x], {}, outputs);
      return true;
    case 'relu6':
      t.node('Clip', [x, t.floats([0]), t.floats([6])], {}, outputs);
      return true;
    case 'leakyrelu':
    case 'leaky_relu':
      t.node('LeakyRelu', [x], { alpha: { float: alpha ?? 0.2 } }, outputs);
      return true;
    case 'elu':
      t.node('Elu', [x], { alpha: { float: alpha ?? 1 } }, outputs);
      return true;
    case 'hard_sigmoid':
    case 'hardsigmoid':
      t.node('HardSigmoid', [x], { alpha: { float: 0.2 }, beta: { float: 0.5 } }, outputs);
      return true;
    case 'swish':
    case 'silu':
      t.node('Mul', [x, t.node('Sigmoid', [x])], {}, outputs);
      return true;
    case 'mish':
      t.node('Mul', [x, t.node('Tanh', [t.node('Softplus', [x])])], {}, outputs);
      return true;
    case 'gelu':
      t.node('Gelu', [x], {}, outputs);
      return true;
    case 'softmax':
      t.node('Softmax', [x], { axis: -1 }, outputs);
      return true;
    default: {
      const op = PLAIN.get(name.toLowerCase());
      if (op === undefined) return false;
      t.node(op, [x], {}, outputs);
      return true;
    }
  }
}

const PLAIN: ReadonlyMap<string, string> = new Map([
  ['relu', 'Relu'],
  ['sigmoid', 'Sigmoid'],
  ['tanh', 'Tanh'],
  ['selu', 'Selu'],
  ['softplus', 'Softplus'],
  ['softsign', 'Softsign'],
  ['exponential', 'Exp'],
]);
