// A graph that shares nothing with another.
import { recordOf } from '@logah/files';
import type { Graph } from '../graph.js';
import { checkGraph } from './checked.js';

/** A copy of a graph down to its last number, for code that changes data in place. Throws {@link GraphError} for what is no graph. */
export function cloneGraph(graph: Graph): Graph {
  checkGraph(graph, 'cloneGraph');
  const copy = structuredClone(graph);
  return { ...copy, values: recordOf(Object.entries(copy.values)) };
}
