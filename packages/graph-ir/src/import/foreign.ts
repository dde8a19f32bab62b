// A model of another format on its way to a graph, in the words of ONNX (opset 20): nodes between named values, and tensors that are stored somewhere.
import { dtypeOf, type ElementType } from '../element-types.js';
import { type Constant, elementCount, type OnnxAttribute, type Shape, type TensorType } from '../graph.js';

export type { ElementType } from '../element-types.js';

/** A piece of a file beside the model. */
export interface FilePart {
  readonly location: string;
  readonly offset: number;
  readonly length: number;
}

/** Where bytes are: at hand, as a view of what was read, or in files beside the model, one piece after the other. */
export type Place =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'files'; readonly parts: readonly FilePart[] };

/** A tensor as a file holds it, row-major and with the lowest byte first. */
export interface StoredTensor {
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly place: Place;
  /** The stored axes in the order in which the graph's parameter has them. */
  readonly permutation?: readonly number[];
  /** Stored numbers that mean others: each is its number · scale + offset, in float32, or rounded to an int32. */
  readonly quantization?: { readonly scale: number; readonly offset: number; readonly meant?: 'int32' };
}

export interface ForeignNode {
  readonly name: string;
  readonly op: string;
  /** Names of values and of stored tensors; an empty name is an operand left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, OnnxAttribute>>;
  /** The graphs that a conditional or a loop holds. */
  readonly bodies?: Readonly<Record<string, ForeignBody>>;
  /** The names that those read from around the node, and the values that these are. */
  readonly captures?: ReadonlyArray<{ readonly name: string; readonly value: string }>;
}

/** Nodes in any order, and the values that they give. */
export interface ForeignBody {
  /** Inputs of a graph within a node. */
  readonly parameters?: readonly string[];
  /** Types that the file says its results have; undefined for those of which it says none. */
  readonly results?: ReadonlyArray<TensorType | undefined>;
  readonly nodes: readonly ForeignNode[];
  readonly outputs: readonly string[];
  readonly tensors: ReadonlyMap<string, StoredTensor>;
}

export interface ForeignModel extends ForeignBody {
  readonly name: string;
  /** The file, for messages. */
  readonly source: string;
  readonly inputs: ReadonlyArray<{ readonly name: string; readonly type: TensorType }>;
  /** Types that the file says values have. */
  readonly declared: ReadonlyMap<string, TensorType>;
}

/** A tensor whose values are known while a model is read; sizes among them may be names. */
export interface Known {
  readonly dtype: Constant['dtype'];
  readonly element?: ElementType;
  readonly shape: readonly number[];
  readonly values: ReadonlyArray<number | string>;
}

/** A tensor whose values are all numbers. */
export const isConstant = (known: Known): known is Constant => known.values.every((value) => typeof value === 'number');

/** The type of a value's elements. */
export const typeOf = ({ dtype, element }: Pick<TensorType, 'dtype' | 'element'>): ElementType => element ?? dtype;

/** How a graph says that elements are of this type. */
export function typedAs(type: ElementType): Pick<TensorType, 'dtype' | 'element'> {
  const dtype = dtypeOf(type);
  return type === dtype ? { dtype } : { dtype, element: type };
}

/** The type of a stored tensor, in a shape that may be another one. */
export const storedType = ({ type, quantization, shape }: StoredTensor, seen = shape): TensorType => ({
  ...typedAs(quantization ? (quantization.meant ?? 'float32') : type),
  shape: seen,
});

/** What the elements of a stored tensor become. */
export const tensorDtype = ({ type, quantization }: StoredTensor): TensorType['dtype'] =>
  quantization ? (quantization.meant ?? 'float32') : dtypeOf(type);

/** A model's mark on a softmax over several axes as one, as it was before opset 13; no attribute of ONNX has this name. */
export const FLATTENED = 'logah_flattened';

/** A model's mark on an operand that an operator before opset 7 spread from an axis on: it gets axes of one element behind its own. */
export const ALIGNED = 'logah_aligned';

/** A model's mark on a norm along one axis, whose number it is: the channels of a BatchNormalization, or what a LayerNormalization normalises. */
export const ALONG = 'logah_along';

/** A model's mark on an operator whose operands of fewer axes get axes of one element behind their first, the batch's. */
export const BATCH_FIRST = 'logah_batch_first';

/** A model's mark on a transpose that puts the second axis last, however many there are. */
export const CHANNELS_TO_LAST = 'logah_channels_to_last';

/** A model's mark on a resize of opset 10, whose nearest pixel is rounded down where it enlarges and up where it makes smaller. */
export const ROUNDS_BY_SCALE = 'logah_rounds_by_scale';

/** A model's mark on a transpose of the last two axes, however many there are. */
export const SWAPPED = 'logah_swapped';

/** Stored floats of as many elements are numbers of the model, not learned. */
const MOST_NUMBERS = 16;

/** Whether a tensor holds doubles, which no parameter does. */
export const isDouble = ({ type, quantization }: StoredTensor): boolean =>
  type === 'float64' && quantization === undefined;

/** Whether a stored tensor was learned: it is not computed with while a model is read. Parameters have 32 bits, so doubles are none. */
export const isLearned = (tensor: StoredTensor): boolean =>
  tensorDtype(tensor) === 'float32' && !isDouble(tensor) && elementCount(tensor.shape) > MOST_NUMBERS;

/** The shape in which a model sees a stored tensor. */
export const seenShape = ({ shape, permutation }: StoredTensor): readonly number[] =>
  permutation?.map((axis) => shape[axis]) ?? shape;

export const isAnyShape = (shape: Shape): boolean => shape.includes('...');

/** Operators that read integers of 8 bits. */
export const QUANTISED_OPERATORS: ReadonlySet<string> = new Set([
  ...['ConvInteger', 'DequantizeLinear', 'DynamicQuantizeLinear', 'MatMulInteger'],
  ...['QLinearConv', 'QLinearMatMul', 'QuantizeLinear'],
]);

/** Operators that combine all elements along axes. */
export const REDUCTION_OPERATORS: readonly string[] = [
  'ReduceL1',
  'ReduceL2',
  'ReduceLogSum',
  'ReduceLogSumExp',
  'ReduceMax',
  'ReduceMean',
  'ReduceMin',
  'ReduceProd',
  'ReduceSum',
  'ReduceSumSquare',
];
