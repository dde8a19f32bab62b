// A call of a kept operator: its operands as tensors, and the numbers that the graph holds.
import { type Constant, GraphError, type OnnxAttribute } from '@logah/graph-ir';
import { type ElementType, isFloat } from '@logah/graph-ir/interpreter';
import type * as tf from '@tensorflow/tfjs-core';

type Attributes = Readonly<Record<string, OnnxAttribute>>;
export type Operands = ReadonlyArray<tf.Tensor | undefined>;

export interface Call {
  readonly operator: string;
  /** Those that the graph holds as constants, too. */
  readonly operands: Operands;
  readonly constants: ReadonlyArray<Constant | undefined>;
  /** What the elements of operands are in ONNX. */
  readonly types: ReadonlyArray<ElementType | undefined>;
  readonly attributes: Attributes;
  readonly results: number;
}

/** The results of an operator, or undefined for a call that is none of the kernel's: another one has to do it. */
export type Kernel = (call: Call) => tf.Tensor | tf.Tensor[] | undefined;

export function operand({ operands }: Call, place: number): tf.Tensor {
  const tensor = operands[place];
  if (tensor === undefined) throw new GraphError(`operand ${place} is missing`);
  return tensor;
}

/** An operand's numbers: those that the graph holds, or those that were computed. */
export function numbers(call: Call, place: number): number[] | undefined {
  if (call.operands[place] === undefined) return undefined;
  return [...(call.constants[place]?.values ?? operand(call, place).dataSync())];
}

export function needed(call: Call, place: number): number[] {
  const values = numbers(call, place);
  if (values === undefined) throw new GraphError(`operand ${place} is missing`);
  return values;
}

export const axisOf = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

/** TensorFlow.js has kernels for no more axes. */
const MOST_AXES = 6;

const MOST_ROUNDED = 2 ** 12;

/** Whether an operand is of floats of 16 or 32 bits, has elements, and not too many axes: what all backends compute right. */
function isPlain({ operands, types }: Call, place: number): boolean {
  const [tensor, type] = [operands[place], types[place]];
  if (tensor === undefined) return true;
  if (type === undefined || !isFloat(type) || tensor.size === 0 || tensor.rank > MOST_AXES) return false;
  // On plain numbers floats of 16 bits are rounded at every step, as ONNX has it: large tensors are computed with all 32 bits, which is much faster.
  if (type === 'float16' || type === 'bfloat16') return tensor.size > MOST_ROUNDED;
  // Doubles are exact on plain numbers only.
  return type === 'float32';
}

/** A kernel for calls whose operands at these places, or all where none are said, are plain floats. */
export const ofFloats =
  (kernel: Kernel, ...places: readonly number[]): Kernel =>
  (call) =>
    (places.length > 0 ? places : call.operands.map((_, i) => i)).every((place) => isPlain(call, place))
      ? kernel(call)
      : undefined;
