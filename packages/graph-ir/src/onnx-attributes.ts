// Reads attributes of ONNX operators, with what ONNX takes where one is missing.
import type { OnnxAttribute } from './graph.js';

interface WithAttributes {
  readonly attributes: Readonly<Record<string, OnnxAttribute>>;
}

/** A whole number. */
export function integer({ attributes }: WithAttributes, key: string, otherwise: number): number {
  const value = attributes[key];
  return typeof value === 'number' ? value : otherwise;
}

/** A list of whole numbers; undefined where it is missing. */
export function integers({ attributes }: WithAttributes, key: string): readonly number[] | undefined {
  const value = attributes[key];
  return isList(value) ? value : undefined;
}

const isList = (value: OnnxAttribute | undefined): value is readonly number[] => Array.isArray(value);

/** A float. */
export function real({ attributes }: WithAttributes, key: string, otherwise: number): number {
  const value = attributes[key];
  return typeof value === 'object' && 'float' in value ? value.float : otherwise;
}

/** A text. */
export function text({ attributes }: WithAttributes, key: string, otherwise: string): string {
  const value = attributes[key];
  return typeof value === 'string' ? value : otherwise;
}
