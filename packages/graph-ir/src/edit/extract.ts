// A part of a graph as a graph.
import { type Graph, GraphError } from '../graph.js';
import { aName, checkGraph, checkOptions, names } from './checked.js';
import { rebuild, typeIn } from './rebuild.js';

export interface Extraction {
  /** Values that the part is given, in this order: any of the graph's; by default its inputs. */
  readonly inputs?: readonly string[];
  /** Values that it gives: any of the graph's; by default its outputs. */
  readonly outputs?: readonly string[];
  /** By default the graph's. */
  readonly name?: string;
}

/**
 * The operators that lead from some values to others, as a graph; with nothing named, the graph without the operators
 * that no output needs.
 * Throws {@link GraphError} for a value that is not there, and for an output that depends on more than the inputs.
 */
export function extractSubgraph(graph: Graph, options: Extraction = {}): Graph {
  checkGraph(graph, 'extractSubgraph');
  checkOptions(options, 'extractSubgraph', { inputs: names, outputs: names, name: aName });
  const { inputs = graph.inputs, outputs = graph.outputs, name = graph.name } = options;
  for (const value of [...inputs, ...outputs]) typeIn(graph, value);
  const given = new Set(inputs);
  const producers = new Map(graph.operators.flatMap((operator) => operator.outputs.map((value) => [value, operator])));
  /** For each value that is needed, the output that needs it. */
  const needed = new Map<string, string>();
  for (const output of outputs) {
    const waiting = [output];
    for (let value = waiting.pop(); value !== undefined; value = waiting.pop()) {
      if (needed.has(value)) continue;
      needed.set(value, output);
      if (given.has(value)) continue;
      const producer = producers.get(value);
      if (producer === undefined)
        throw new GraphError(
          `graph "${graph.name}": "${output}" also depends on the input "${value}", which is not among "${inputs.join('", "')}"`,
        );
      waiting.push(...producer.inputs);
    }
  }
  const operators = graph.operators.filter((operator) =>
    operator.outputs.some((value) => needed.has(value) && !given.has(value)),
  );
  for (const operator of operators) {
    const cut = operator.outputs.find((value) => given.has(value));
    if (cut !== undefined)
      throw new GraphError(
        `graph "${graph.name}": "${cut}" cannot be an input, since "${operator.name}", which gives it, is needed for its other results`,
      );
  }
  return rebuild(graph, { name, inputs, outputs, operators });
}
