// A model of another format on its way to a graph, in the words of ONNX (opset 20): nodes between named values, and tensors that are stored somewhere.
import type { Constant, OnnxAttribute, Shape, TensorType } from '../graph.js';

export type ElementType =
  | 'float32'
  | 'float64'
  | 'float16'
  | 'bfloat16'
  | 'int64'
  | 'uint64'
  | 'int32'
  | 'uint32'
  | 'int16'
  | 'uint16'
  | 'int8'
  | 'uint8'
  | 'bool';

/** Where bytes are: at hand, as a view of what was read, or in a file beside the model. */
export type Place =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'file'; readonly location: string; readonly offset: number; readonly length: number };

/** A tensor as a file holds it, row-major and with the lowest byte first. */
export interface StoredTensor {
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly place: Place;
  /** The stored axes in the order in which the graph's parameter has them. */
  readonly permutation?: readonly number[];
  /** What stored numbers stand for: number · scale + minimum. */
  readonly quantization?: { readonly scale: number; readonly minimum: number };
}

export type Attributes = Readonly<Record<string, OnnxAttribute>>;

export interface ForeignNode {
  readonly name: string;
  readonly op: string;
  /** Names of values and of stored tensors; an empty name is an operand left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Attributes;
  /** The graphs that a conditional or a loop holds. */
  readonly bodies?: Readonly<Record<string, ForeignBody>>;
}

/** Nodes in any order, and the values that they give. */
export interface ForeignBody {
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
  readonly shape: readonly number[];
  readonly values: ReadonlyArray<number | string>;
}

/** A tensor whose values are all numbers. */
export const isConstant = (known: Known): known is Constant => known.values.every((value) => typeof value === 'number');

/** What a stored element becomes in a graph. */
export const dtypeOf = (type: ElementType): TensorType['dtype'] =>
  type === 'bool' ? 'bool' : type.startsWith('float') || type === 'bfloat16' ? 'float32' : 'int32';

/** Readers of attributes, with what ONNX takes where one is missing. */
export function integer({ attributes }: ForeignNode, key: string, otherwise: number): number {
  const value = attributes[key];
  return typeof value === 'number' ? value : otherwise;
}

export function integers({ attributes }: ForeignNode, key: string): readonly number[] | undefined {
  const value = attributes[key];
  return Array.isArray(value) ? (value as readonly number[]) : undefined;
}

export function real({ attributes }: ForeignNode, key: string, otherwise: number): number {
  const value = attributes[key];
  return typeof value === 'object' && 'float' in value ? value.float : otherwise;
}

export function text({ attributes }: ForeignNode, key: string, otherwise: string): string {
  const value = attributes[key];
  return typeof value === 'string' ? value : otherwise;
}

export const isAnyShape = (shape: Shape): boolean => shape.includes('...');

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
