// Attributes of operators as they are compared.
import type { Operator } from '../graph.js';
import { attributeEntries } from '../operator-attributes.js';

/**
 * A value of an attribute with its floats in float32, as ONNX keeps them: 1e-6 out of such a model is the 1e-6 of another.
 * Numbers of constants of doubles stay what they are, and floats that JSON has no words for become texts.
 */
function comparable(value: unknown, isDouble = false): unknown {
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) return String(value);
    return isDouble || Number.isInteger(value) ? value : Math.fround(value);
  }
  if (Array.isArray(value)) return value.map((item: unknown) => comparable(item, isDouble));
  if (typeof value !== 'object' || value === null) return value;
  const holdsDoubles = 'element' in value && value.element === 'float64';
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, comparable(item, holdsDoubles)]));
}

/** An operator's attributes as text, and what an ONNX operator is and reads. A reshape has none: its result tells it. */
export function attributesOf(operator: Operator): Map<string, string> {
  if (operator.type === 'reshape') return new Map();
  const entries = [...attributeEntries(operator)];
  if (operator.type === 'onnx')
    entries.unshift(['operator', operator.attributes.operator], ['operands', operator.attributes.operands]);
  return new Map(
    entries.map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(comparable(value))]),
  );
}
