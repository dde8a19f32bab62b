// Attributes of operators as they are compared.
import type { Operator } from '../graph.js';

/** ONNX keeps attributes as float32: 1e-6 out of such a model is the 1e-6 of another. */
const asFloat32 = (_: string, value: unknown): unknown =>
  typeof value === 'number' && !Number.isInteger(value) ? Math.fround(value) : value;

/** An operator's attributes as text; those of an ONNX operator are in a record of their own, and a reshape is told by its result. */
export function attributesOf(operator: Operator): Map<string, string> {
  if (operator.type === 'reshape') return new Map();
  const attributes = Object.entries<unknown>(operator.attributes).flatMap(
    ([name, value]): ReadonlyArray<readonly [string, unknown]> =>
      operator.type === 'onnx' && name === 'attributes' ? Object.entries<unknown>(Object(value)) : [[name, value]],
  );
  return new Map(
    attributes.map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value, asFloat32)]),
  );
}
