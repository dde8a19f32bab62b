// Graphs within nodes, as conditionals and loops have them, and how they run.
import { recordOf } from '@logah/files';
import type { OnnxAttribute, OnnxBody, OnnxBodyNode } from '../graph.js';
import { GraphError } from '../graph-error.js';
import { constantTensor } from './constant.js';
import { interpret } from './interpret.js';
import type { Body } from './operation.js';
import type { Tensor } from './tensor.js';

/** The results of a graph within a node for its inputs. Throws {@link GraphError} naming a value that nothing gives. */
function runBody(graph: OnnxBody, captured: ReadonlyMap<string, Tensor>, inputs: readonly Tensor[]): Tensor[] {
  const values = new Map<string, Tensor>(captured);
  graph.inputs.forEach((name, i) => {
    values.set(name, inputs[i]);
  });
  for (const { name, constant } of graph.constants) values.set(name, constantTensor(constant));
  const read = (name: string): Tensor => {
    const value = values.get(name);
    if (value === undefined) throw new GraphError(`a graph within the node reads "${name}", which nothing gives`);
    return value;
  };
  for (const { operator, inputs: operands, outputs, attributes } of graph.nodes) {
    const results = interpret({
      operator,
      operands: operands.map((name) => (name === '' ? undefined : read(name))),
      attributes,
      results: outputs.length,
      bodies: bodiesOf(attributes, (name) => values.get(name)),
    });
    outputs.forEach((name, i) => {
      if (name !== '' && results[i] !== undefined) values.set(name, results[i]);
    });
  }
  return graph.outputs.map(read);
}

/** The graphs among a node's attributes, ready to run; `outer` gives what they read from around them. */
export function bodiesOf(
  attributes: Readonly<Record<string, OnnxAttribute>>,
  read: (name: string) => Tensor | undefined,
): Readonly<Record<string, Body>> {
  const bodies = recordOf<Body>();
  for (const [key, attribute] of Object.entries(attributes)) {
    if (typeof attribute !== 'object' || !('body' in attribute)) continue;
    const { body } = attribute;
    bodies[key] = {
      results: body.outputs.length,
      run: (inputs) => {
        const captured = new Map<string, Tensor>();
        for (const name of body.captures) {
          const value = read(name);
          if (value !== undefined) captured.set(name, value);
        }
        return runBody(body, captured, inputs);
      },
    };
  }
  return bodies;
}

/** All nodes of graphs within a node, at any depth. */
export function* nodesWithin(attributes: Readonly<Record<string, OnnxAttribute>>): Generator<OnnxBodyNode> {
  for (const attribute of Object.values(attributes)) {
    if (typeof attribute !== 'object' || !('body' in attribute)) continue;
    for (const node of attribute.body.nodes) {
      yield node;
      yield* nodesWithin(node.attributes);
    }
  }
}
