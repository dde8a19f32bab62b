// Shortest paths between all nodes of a directed graph, breadth first.

/** Edges sorted by their start: those of node `i` are `targets[offsets[i] .. offsets[i + 1]]`. */
export interface Adjacency {
  readonly offsets: Uint32Array;
  readonly targets: Uint32Array;
}

/** The adjacency of `nodeCount` nodes from edges `[from, to, from, to, …]`; each node's targets keep the order of the edges. */
export function adjacencyOf(nodeCount: number, edges: Uint32Array): Adjacency {
  const offsets = new Uint32Array(nodeCount + 1);
  for (let e = 0; e < edges.length; e += 2) offsets[edges[e] + 1]++;
  for (let i = 0; i < nodeCount; i++) offsets[i + 1] += offsets[i];
  const next = offsets.slice();
  const targets = new Uint32Array(edges.length / 2);
  for (let e = 0; e < edges.length; e += 2) targets[next[edges[e]]++] = edges[e + 1];
  return { offsets, targets };
}

/**
 * The largest distance between two nodes: of all pairs that a directed path joins, the most edges that a shortest path has; 0
 * without edges. Takes O(nodes · edges) time and, unlike the lengths of all paths, O(nodes) memory.
 */
export function largestDistance(nodeCount: number, { offsets, targets }: Adjacency): number {
  /** The source from which a node was last reached, counted from 1. */
  const reachedFrom = new Uint32Array(nodeCount);
  const distance = new Uint32Array(nodeCount);
  const queue = new Uint32Array(nodeCount);
  let largest = 0;
  for (let source = 0; source < nodeCount; source++) {
    reachedFrom[source] = source + 1;
    distance[source] = 0;
    queue[0] = source;
    for (let head = 0, tail = 1; head < tail; head++) {
      const node = queue[head];
      // Breadth first: no later node is nearer.
      largest = Math.max(largest, distance[node]);
      for (let e = offsets[node]; e < offsets[node + 1]; e++) {
        const target = targets[e];
        if (reachedFrom[target] === source + 1) continue;
        reachedFrom[target] = source + 1;
        distance[target] = distance[node] + 1;
        queue[tail++] = target;
      }
    }
  }
  return largest;
}

/**
 * Lengths of the shortest directed paths, `[nodes, nodes]` row-major: 1 for an edge, 0 for no path, for a path longer than
 * `cutoff`, and for a node to itself. Takes O(nodes · edges) time.
 */
export function shortestPathLengths(nodeCount: number, { offsets, targets }: Adjacency, cutoff: number): Uint16Array {
  const distances = new Uint16Array(nodeCount * nodeCount);
  const queue = new Uint32Array(nodeCount);
  for (let source = 0; source < nodeCount; source++) {
    const row = distances.subarray(source * nodeCount, (source + 1) * nodeCount);
    queue[0] = source;
    for (let head = 0, tail = 1; head < tail; head++) {
      const node = queue[head];
      const distance = row[node] + 1;
      if (distance > cutoff) break;
      for (let e = offsets[node]; e < offsets[node + 1]; e++) {
        const target = targets[e];
        if (target !== source && row[target] === 0) {
          row[target] = distance;
          queue[tail++] = target;
        }
      }
    }
  }
  return distances;
}
