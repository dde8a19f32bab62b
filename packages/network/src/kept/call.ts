// A call of a kept operator: its operands as tensors, and the numbers that the graph holds.
import { GraphError, type OnnxAttribute } from '@logah/graph-ir';
import type * as tf from '@tensorflow/tfjs-core';

type Attributes = Readonly<Record<string, OnnxAttribute>>;
export type Operands = ReadonlyArray<tf.Tensor | undefined>;

export interface Call {
  readonly operator: string;
  readonly operands: Operands;
  /** The numbers of operands that the graph holds as constants. */
  readonly constants: ReadonlyArray<readonly number[] | undefined>;
  readonly attributes: Attributes;
  readonly results: number;
}

export type Kernel = (call: Call) => tf.Tensor | tf.Tensor[];

export function operand({ operands }: Call, place: number): tf.Tensor {
  const tensor = operands[place];
  if (tensor === undefined) throw new GraphError(`operand ${place} is missing`);
  return tensor;
}

/** An operand's integers: those that the graph holds, or those that were computed. */
export function numbers(call: Call, place: number): number[] | undefined {
  if (call.operands[place] === undefined) return undefined;
  return [...(call.constants[place] ?? operand(call, place).dataSync())];
}

export function needed(call: Call, place: number): number[] {
  const values = numbers(call, place);
  if (values === undefined) throw new GraphError(`operand ${place} is missing`);
  return values;
}

export const axisOf = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);
