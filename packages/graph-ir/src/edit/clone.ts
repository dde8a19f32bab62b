// A graph that shares nothing with another.
import { recordOf } from '@logah/files';
import type { Graph } from '../graph.js';

/** A copy of a graph down to its last number, for code that changes data in place. */
export function cloneGraph(graph: Graph): Graph {
  const copy = structuredClone(graph);
  return { ...copy, values: recordOf(Object.entries(copy.values)) };
}
