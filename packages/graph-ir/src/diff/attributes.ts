// Attributes of operators as they are compared.
import type { Operator } from '../graph.js';
import { attributeEntries } from '../operator-attributes.js';

/** ONNX keeps attributes as float32: 1e-6 out of such a model is the 1e-6 of another. */
const asFloat32 = (_: string, value: unknown): unknown =>
  typeof value === 'number' && !Number.isInteger(value) ? Math.fround(value) : value;

/** An operator's attributes as text, and what an ONNX operator is and reads. A reshape has none: its result tells it. */
export function attributesOf(operator: Operator): Map<string, string> {
  if (operator.type === 'reshape') return new Map();
  const entries = [...attributeEntries(operator)];
  if (operator.type === 'onnx')
    entries.unshift(['operator', operator.attributes.operator], ['operands', operator.attributes.operands]);
  return new Map(
    entries.map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value, asFloat32)]),
  );
}
