// A graph without one of its operators.
import { own } from '@logah/files';
import { type Graph, GraphError } from '../graph.js';
import { checkedName, checkGraph, checkOptions, namesByName } from './checked.js';
import { placeOf, reading, rebuild } from './rebuild.js';

export interface Removal {
  /**
   * For results of the operator what their readers, and the graph's outputs, get in their place. By default that is the
   * operator's first input for its first result.
   */
  readonly instead?: Readonly<Record<string, string>>;
}

/**
 * The graph without an operator, and without the parameters that only it used. Operators that only it read stay:
 * `extractSubgraph` leaves out what no output needs.
 * Throws {@link GraphError} for a result that is read and has nothing in its place, and for a shape that does not fit then.
 */
export function removeOperator(graph: Graph, name: string, options: Removal = {}): Graph {
  checkGraph(graph, 'removeOperator');
  checkOptions(options, 'removeOperator', { instead: namesByName });
  const { instead = {} } = options;
  const place = placeOf(graph, checkedName(name, 'removeOperator'));
  const { inputs, outputs } = graph.operators[place];
  const unknown = Object.keys(instead).find((value) => !outputs.includes(value));
  if (unknown !== undefined)
    throw new GraphError(`"${name}" does not give "${unknown}", only "${outputs.join('", "')}"`);
  const replacements = new Map<string, string>();
  outputs.forEach((value, i) => {
    const replacement = own(instead, value) ?? (i === 0 ? inputs[0] : undefined);
    if (replacement !== undefined) replacements.set(value, replacement);
  });
  return withoutOperator(graph, place, replacements);
}

function withoutOperator(graph: Graph, place: number, replacements: ReadonlyMap<string, string>): Graph {
  const removed = graph.operators[place];
  const insteadFor =
    (reader: string) =>
    (value: string): string => {
      const replacement = replacements.get(value);
      if (replacement !== undefined) return replacement;
      if (!removed.outputs.includes(value)) return value;
      throw new GraphError(
        `${removed.type} "${removed.name}" cannot be removed: ${reader} reads "${value}", and nothing is named to be read instead`,
      );
    };
  return rebuild(graph, {
    operators: graph.operators
      .toSpliced(place, 1)
      .map((operator) => reading(operator, insteadFor(`"${operator.name}"`))),
    outputs: graph.outputs.map(insteadFor('the output')),
  });
}
