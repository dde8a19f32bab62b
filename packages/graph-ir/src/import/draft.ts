// Operators of a graph in the making: like those of the graph, but with stored tensors in place of parameters.
import type { Layout, OperatorAttributes, OperatorType } from '../graph.js';

/** How an operator uses a stored tensor. */
export interface TensorUse {
  /** The name by which the model knows it. */
  readonly tensor: string;
  readonly layout: Layout;
  /** The tensor's axes in the order in which the parameter has them, where that is another one. */
  readonly permutation?: readonly number[];
  /** The parameter's shape where it is not the tensor's: a vector that is stored with axes of one element. */
  readonly shape?: readonly number[];
  /** A better name than the tensor's. */
  readonly name?: string;
}

export interface DraftOf<T extends OperatorType> {
  readonly type: T;
  readonly inputs: readonly string[];
  readonly uses: Readonly<Record<string, TensorUse>>;
  readonly attributes: OperatorAttributes[T];
}

export type Draft = { [T in OperatorType]: DraftOf<T> }[OperatorType];

/** What a pattern found: the operator that gives the value, and those before it that are new. */
export interface Found {
  readonly draft: Draft;
  /** Values that only this operator reads, in the order in which they are computed. */
  readonly before?: ReadonlyArray<readonly [value: string, draft: Draft]>;
  /** The value that the operator gives, where it is not the one that was looked at. */
  readonly value?: string;
}

/** The shape of the parameter that a tensor `seen` in this shape becomes. */
export const usedShape = ({ shape, permutation }: TensorUse, seen: readonly number[]): readonly number[] =>
  shape ?? permutation?.map((axis) => seen[axis]) ?? seen;

/** An operator in the making. */
export const draft = <T extends OperatorType>(
  type: T,
  inputs: readonly string[],
  attributes: OperatorAttributes[T],
  uses: DraftOf<T>['uses'] = {},
): DraftOf<T> => ({ type, inputs, uses, attributes });
