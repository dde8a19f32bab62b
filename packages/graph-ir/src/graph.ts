// The graph: what a network computes, as plain data. Operators read values and parameters and write values.
import type { ElementType } from './element-types.js';

/** A size, or a name for one that is known only when the network runs ("batch", "time"), or an expression of such names ("time+1", "ceil(height/2)"). */
export type Dimension = number | string;

export type Shape = readonly Dimension[];

/** The shape of a value that may have any number of axes: what is known of some results of kept ONNX operators. */
export const ANY_SHAPE: Shape = ['...'];

export const DTYPES = ['float32', 'int32', 'bool'] as const;

/** What is known of a value before it is computed. Images are channel-first: `[batch, channels, height, width]`. */
export interface TensorType {
  readonly dtype: (typeof DTYPES)[number];
  readonly shape: Shape;
  /** What the elements are in the model that the graph was read from, where that is another type: integers of 64 bits, of 8, halves. */
  readonly element?: ElementType;
}

/**
 * How a parameter's axes are to be read, under its source's name and in its source's order:
 * `out_in` and `in_out` matrices, `out_in_h_w` convolution kernels, `rows_features` embedding tables,
 * `one_tokens_features` positional encodings and tokens, `channels_1_1` scales of images, `features` vectors, `as_it_is` what a kept operator reads.
 */
export const LAYOUTS = [
  'out_in',
  'in_out',
  'out_in_h_w',
  'rows_features',
  'one_tokens_features',
  'channels_1_1',
  'features',
  'as_it_is',
] as const;

export type Layout = (typeof LAYOUTS)[number];

/** A learned tensor. */
export interface Parameter {
  readonly name: string;
  readonly shape: readonly number[];
  readonly layout: Layout;
}

type Pair = readonly [height: number, width: number];

/** Zero padding on the four sides of an image. */
export interface Padding {
  readonly top: number;
  readonly left: number;
  readonly bottom: number;
  readonly right: number;
}

/** What pooling looks at, in pixels. */
export interface Window {
  readonly kernel: Pair;
  readonly stride: Pair;
  readonly padding: Padding;
}

/**
 * `gelu` is exact, `gelu_tanh` its tanh approximation, `silu` is x · sigmoid(x), `relu6` is min(max(x, 0), 6), `hard_sigmoid` is relu6(x + 3) / 6 and
 * `hard_swish` is x · hard_sigmoid(x).
 */
export const ACTIVATION_FUNCTIONS = [
  'relu',
  'gelu',
  'gelu_tanh',
  'silu',
  'relu6',
  'sigmoid',
  'tanh',
  'hard_sigmoid',
  'hard_swish',
] as const;

export type ActivationFunction = (typeof ACTIVATION_FUNCTIONS)[number];

type NoAttributes = Readonly<Record<string, never>>;

/** A tensor written into the graph: indices, shapes, single numbers. Values are in row-major order, those of booleans 0 and 1. */
export interface Constant {
  readonly dtype: TensorType['dtype'];
  /** As a value's. */
  readonly element?: ElementType;
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

/** What stands at a place of an ONNX operator's operands: its next input, a parameter whose role is the place ("0", "1", …), a constant, or nothing. */
export type OnnxOperand = 'input' | 'parameter' | 'none' | Constant;

/** An attribute of an ONNX operator: plain numbers are integers, since JSON cannot tell 1 from 1.0. */
export type OnnxAttribute =
  | number
  | string
  | readonly number[]
  | { readonly float: number }
  | { readonly floats: readonly number[] }
  | { readonly strings: readonly string[] }
  | { readonly constant: Constant }
  | { readonly body: OnnxBody };

/** A graph within a conditional or a loop: nodes in an order in which they can run. */
export interface OnnxBody {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Names of values around it that it reads: the node's operands after its own are their values. */
  readonly captures: readonly string[];
  readonly constants: ReadonlyArray<{ readonly name: string; readonly constant: Constant }>;
  readonly nodes: readonly OnnxBodyNode[];
}

export interface OnnxBodyNode {
  readonly operator: string;
  /** An empty name is an operand left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, OnnxAttribute>>;
}

/** Every operator type with its attributes. Inputs, parameters and shapes are in `operators.ts`. */
export interface OperatorAttributes {
  linear: { readonly layout: 'out_in' | 'in_out' };
  conv2d: { readonly stride: Pair; readonly padding: Padding; readonly dilation: Pair; readonly groups: number };
  layer_norm: { readonly epsilon: number };
  /** With the statistics of the batch, or with the parameters `mean` and `variance` where it has them. */
  batch_norm: { readonly epsilon: number };
  /** x / √(mean x² + ε) · (offset + weight), over the last axis; the offset is 0 where it is left out, 1 in Gemma. */
  rms_norm: { readonly epsilon: number; readonly offset?: number };
  embedding: NoAttributes;
  /** Token ids `[batch, time]` to their positions `[time]`. */
  positions: NoAttributes;
  /** The parameter itself, `[1, tokens, features]`. */
  position_embedding: NoAttributes;
  /** Puts a learned token in front of a sequence. */
  prepend_token: NoAttributes;
  /** Scaled dot-product attention of a packed `[batch, time, 3 * features]` (query, key, value). */
  attention: { readonly heads: number; readonly causal: boolean };
  /** Rotary position embedding of `[batch, time, heads * headSize]`: halves of each head turned by angles of frequencies `base^(-2i / headSize)`. */
  rotary_embedding: { readonly heads: number; readonly base: number };
  /**
   * Attention of queries `[batch, time, heads * headSize]`, keys and values `[batch, time, keyValueHeads * headSize]`; heads in groups share a key head.
   * A fourth input is added to the logits `[batch, heads, time, time]`, as a mask is.
   */
  grouped_attention: { readonly heads: number; readonly keyValueHeads: number; readonly causal: boolean };
  activation: { readonly function: ActivationFunction };
  add: NoAttributes;
  /** Element by element, as in a gated MLP. */
  multiply: NoAttributes;
  concat: { readonly axis: number };
  max_pool: Window;
  avg_pool: Window;
  /** The mean over height and width: `[batch, channels]`. */
  global_avg_pool: NoAttributes;
  /** Means over as many parts of height and width as `size` says, as even as can be: part i of n of a side s is from ⌊i·s/n⌋ to ⌈(i+1)·s/n⌉. */
  adaptive_avg_pool: { readonly size: Pair };
  /** Times a learned factor for each channel, `[channels, 1, 1]` for images (ConvNeXt's layer scale). */
  scale: NoAttributes;
  /** In the new shape 0 copies the size at its place and one -1 takes what is left. */
  reshape: { readonly shape: readonly number[] };
  transpose: { readonly permutation: readonly number[] };
  /** One index of an axis, from its end where it is negative; the axis goes. */
  select: { readonly axis: number; readonly index: number };
  /** An operator of ONNX, of opset 20, that has no counterpart here: kept as it is. Those of other domains than ONNX's own have the domain before their name. */
  onnx: {
    readonly operator: string;
    readonly operands: readonly OnnxOperand[];
    readonly attributes: Readonly<Record<string, OnnxAttribute>>;
    readonly results: readonly TensorType[];
  };
}

export type OperatorType = keyof OperatorAttributes;

/** One operator of type `T`: reads `inputs` and `parameters` (by role), writes `outputs`. */
export interface OperatorOf<T extends OperatorType> {
  readonly name: string;
  readonly type: T;
  readonly inputs: readonly string[];
  readonly parameters: Readonly<Record<string, string>>;
  readonly attributes: OperatorAttributes[T];
  readonly outputs: readonly string[];
}

/** Any operator; `type` tells which, and so what its attributes are. */
export type Operator = { [T in OperatorType]: OperatorOf<T> }[OperatorType];

/** A network: operators in an order in which they can run, and the values and parameters they use. */
export interface Graph {
  readonly name: string;
  /** The names of the values the network is given. */
  readonly inputs: readonly string[];
  /** The names of the values it returns. */
  readonly outputs: readonly string[];
  readonly operators: readonly Operator[];
  /** Every value by name, with its inferred type. */
  readonly values: Readonly<Record<string, TensorType>>;
  /** In the order of their first use. */
  readonly parameters: readonly Parameter[];
}

export { GraphError } from './graph-error.js';

/** The number of elements of a shape without names. */
export const elementCount = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

/** The number of learned values in a graph; a parameter used twice counts once. */
export const parameterCount = (graph: Graph): number =>
  graph.parameters.reduce((sum, { shape }) => sum + elementCount(shape), 0);

/** The layer that gives a network's classes or tokens: the last linear layer or convolution. Undefined for a graph without one. */
export const classLayer = (graph: Graph): Operator | undefined =>
  graph.operators.findLast(({ type }) => type === 'linear' || type === 'conv2d');

/** The names of the weights of linear layers and convolutions, but for the one that gives the classes when `withClassLayer` is false. */
export function layerWeights(graph: Graph, { withClassLayer = true } = {}): Set<string> {
  const ofClasses = withClassLayer ? undefined : classLayer(graph)?.parameters.weight;
  return new Set(
    graph.operators.flatMap(({ type, parameters: { weight } }) =>
      (type === 'linear' || type === 'conv2d') && weight !== ofClasses ? [weight] : [],
    ),
  );
}
