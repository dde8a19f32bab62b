// One operator of ONNX to be computed: its operands, its attributes, and how many results are wanted.

import type { ElementType } from '../element-types.js';
import type { OnnxAttribute } from '../graph.js';
import { GraphError } from '../graph-error.js';
import type { Tensor } from './tensor.js';

/** A graph within a node, ready to run. */
export interface Body {
  /** How many results it gives. */
  readonly results: number;
  readonly run: (inputs: readonly Tensor[]) => Tensor[];
}

export interface Operation {
  readonly operator: string;
  readonly operands: ReadonlyArray<Tensor | undefined>;
  readonly attributes: Readonly<Record<string, OnnxAttribute>>;
  /** How many results the node names. */
  readonly results: number;
  /** The graphs that a conditional or a loop holds. */
  readonly bodies?: Readonly<Record<string, Body>>;
}

/** The results of an operator, in ONNX's order. */
/** The values that attributes may have, by operator and attribute: of texts those that are known, none for an attribute that must not be there. */
export type Choices = Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;

export type Rule = (operation: Operation) => Tensor | readonly Tensor[];

export type Rules = Readonly<Record<string, Rule>>;

/** An operand that has to be there. */
export function operand({ operands }: Operation, place: number): Tensor {
  const tensor = operands[place];
  if (tensor === undefined) throw new GraphError(`operand ${place} is missing`);
  return tensor;
}

/** The numbers of an operand, or undefined where it is left out. */
export const numbers = ({ operands }: Operation, place: number): number[] | undefined => {
  const tensor = operands[place];
  return tensor && Array.from(tensor.values);
};

export const needed = (operation: Operation, place: number): number[] => Array.from(operand(operation, place).values);

/** The first number of an operand. */
export const scalar = (operation: Operation, place: number): number | undefined => operation.operands[place]?.values[0];

/** ONNX's numbers for element types. */
const TYPES: ReadonlyMap<number, ElementType> = new Map([
  [1, 'float32'],
  [2, 'uint8'],
  [3, 'int8'],
  [4, 'uint16'],
  [5, 'int16'],
  [6, 'int32'],
  [7, 'int64'],
  [9, 'bool'],
  [10, 'float16'],
  [11, 'float64'],
  [12, 'uint32'],
  [13, 'uint64'],
  [16, 'bfloat16'],
  [17, 'float8e4m3fn'],
  [18, 'float8e4m3fnuz'],
  [19, 'float8e5m2'],
  [20, 'float8e5m2fnuz'],
  [21, 'uint4'],
  [22, 'int4'],
  [23, 'float4e2m1'],
  [24, 'float8e8m0'],
  [25, 'uint2'],
  [26, 'int2'],
]);

/** The element type that a number of ONNX stands for. */
export const elementType = (number: number): ElementType | undefined => TYPES.get(number);

/** ONNX's number for an element type. */
export function elementNumber(type: ElementType): number {
  for (const [number, name] of TYPES) if (name === type) return number;
  throw new GraphError(`ONNX has no element type ${type}`);
}

export function typeOfNumber(number: number): ElementType {
  const type = TYPES.get(number);
  if (type === undefined) throw new GraphError(`elements of ONNX's type ${number} cannot be computed with`);
  return type;
}
