// Attributes of operators of all types, by name.
import type { Operator } from './graph.js';

/** The attributes of an operator; of an ONNX operator those that ONNX calls so. */
export const attributeEntries = (operator: Operator): ReadonlyArray<readonly [name: string, value: unknown]> =>
  Object.entries(operator.type === 'onnx' ? operator.attributes.attributes : operator.attributes);
