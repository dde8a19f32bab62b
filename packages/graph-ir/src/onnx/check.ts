// The rules of ONNX's checker for what is about to be written: a file that no tool opens is refused instead.

import { type ElementType, isUnsigned } from '../element-types.js';
import { GraphError, type OnnxAttribute } from '../graph.js';
import type { OnnxNode } from './model.js';
import { SCHEMAS } from './schemas.js';

/** The first opset that files are written in: the first with GELU. */
export const BASE_OPSET = 20;

/** Element types that a later opset brought. */
const TYPE_OPSETS: Partial<Readonly<Record<ElementType, number>>> = {
  int4: 21,
  uint4: 21,
  float4e2m1: 23,
  float8e8m0: 24,
  int2: 25,
  uint2: 25,
};

/** The opset that a node needs, with elements of these types. Throws {@link GraphError} for an operator that ONNX has not. */
export function opsetOf({ op, attributes, inputs, outputs }: OnnxNode, types: Iterable<ElementType>): number {
  const schema = SCHEMAS.get(op);
  if (schema === undefined) throw new GraphError(`${op} "${outputs[0]}" cannot be written: it is no operator of ONNX`);
  // Up to opset 20 a scale of this norm was of a group.
  let opset = Math.max(BASE_OPSET, schema.since, op === 'GroupNormalization' ? 21 : 0);
  for (const key of Object.keys(attributes)) opset = Math.max(opset, schema.attributes.get(key) ?? 0);
  const all = [...types];
  for (const type of all) opset = Math.max(opset, TYPE_OPSETS[type] ?? 0);
  // Quantisation to 16 bits came late.
  if (/^(Quantize|Dequantize)Linear$/.test(op) && all.some((type) => type === 'int16' || type === 'uint16'))
    opset = Math.max(opset, 21);
  // Only the latest opset shifts integers with a sign.
  if (op === 'BitShift' && all[0] !== undefined && !isUnsigned(all[0])) opset = Math.max(opset, 28);
  return op === 'Attention' && inputs.length > 6 ? Math.max(opset, 24) : opset;
}

/** Values that nodes read from around a graph within one of them. */
function* namesRead(attributes: Readonly<Record<string, OnnxAttribute>>): Generator<string> {
  for (const attribute of Object.values(attributes))
    if (typeof attribute === 'object' && 'body' in attribute) yield* attribute.body.captures;
}

/**
 * Checks that nodes are ONNX: operators and attributes that exist, as many operands and results as they take, names that something gives before they are
 * read and that nothing gives twice. Throws {@link GraphError} naming the node at fault.
 */
export function checkNodes(nodes: readonly OnnxNode[], given: Iterable<string>, outputs: readonly string[]): void {
  const known = new Set(given);
  for (const { op, inputs, outputs: results, attributes } of nodes) {
    const fail = (why: string): never => {
      throw new GraphError(`${op} "${results[0]}" cannot be written: ${why}`);
    };
    const schema = SCHEMAS.get(op) ?? fail('it is no operator of ONNX');
    // A loop may leave out the number of its steps and its condition.
    const count = (names: readonly string[], [least, most]: readonly [number, number], what: string): void => {
      if (names.length < least || names.length > most || (op !== 'Loop' && names.slice(0, least).includes('')))
        fail(`it has ${names.filter((name) => name !== '').length} ${what}, ONNX wants ${least} to ${most}`);
    };
    count(inputs, schema.inputs, 'operand(s)');
    count(results, schema.outputs, 'result(s)');
    for (const key of Object.keys(attributes))
      if (!schema.attributes.has(key)) fail(`ONNX's ${op} has no attribute "${key}"`);
    for (const key of schema.required) if (!(key in attributes)) fail(`it has no attribute "${key}"`);
    for (const name of [...inputs, ...namesRead(attributes)])
      if (name !== '' && !known.has(name)) fail(`it reads "${name}", which nothing gives before it`);
    for (const name of results) {
      if (name !== '' && known.has(name)) fail(`"${name}" is given twice`);
      known.add(name);
    }
  }
  for (const name of outputs)
    if (!known.has(name)) throw new GraphError(`the output "${name}" cannot be written: nothing gives it`);
}
