// Graphs within conditionals and loops as a graph keeps them.
import { type Constant, elementCount, GraphError, type OnnxBody } from '../graph.js';
import {
  ALIGNED,
  ALONG,
  BATCH_FIRST,
  CHANNELS_TO_LAST,
  FLATTENED,
  type ForeignBody,
  type ForeignNode,
  ROUNDS_BY_SCALE,
  SWAPPED,
} from './foreign.js';
import { captured, inOrder, label } from './order.js';
import { knownTensor } from './stored.js';

/** A body of more numbers is not kept: they would all be in the graph itself. */
const MOST_NUMBERS = 2 ** 20;

/**
 * A graph within a node as plain data: `captures` are what it reads from around it, in the order of the node's further operands, `constants` what is known of
 * that. Throws {@link GraphError} beginning with `where` for what cannot be kept.
 */
export function keptBody(
  body: ForeignBody,
  captures: readonly string[],
  constants: ReadonlyArray<{ readonly name: string; readonly constant: Constant }>,
  where: string,
): OnnxBody {
  const stored = [...body.tensors].map(([name, tensor]) => {
    if (tensor.place.kind !== 'bytes' || elementCount(tensor.shape) > MOST_NUMBERS)
      throw new GraphError(`${where}: the tensor "${name}" of a graph within it is too large, or in another file`);
    return { name, constant: knownTensor(name, tensor, tensor.place.bytes) };
  });
  const reads = new Set(captured(body));
  const known = constants.filter(({ name }) => reads.has(name));
  const given = new Set([...(body.parameters ?? []), ...body.tensors.keys(), ...reads]);
  return {
    inputs: body.parameters ?? [],
    outputs: body.outputs,
    captures: captures.filter((name) => reads.has(name)),
    constants: [...stored, ...known],
    nodes: inOrder(body.nodes, given, where).map((node) => ({
      operator: node.op,
      inputs: node.inputs,
      outputs: node.outputs,
      attributes: attributesOf(node, where),
    })),
  };
}

function attributesOf(node: ForeignNode, where: string) {
  for (const mark of [ALIGNED, ALONG, BATCH_FIRST, CHANNELS_TO_LAST, FLATTENED, ROUNDS_BY_SCALE, SWAPPED])
    if (mark in node.attributes)
      throw new GraphError(
        `${where}: ${label(node)} in a graph within it depends on the number of axes or on scales, which are not known there`,
      );
  if (node.bodies === undefined) return node.attributes;
  const bodies = Object.entries(node.bodies).map(
    ([key, inner]) => [key, { body: keptBody(inner, [...captured(inner)], [], where) }] as const,
  );
  return { ...node.attributes, ...Object.fromEntries(bodies) };
}
