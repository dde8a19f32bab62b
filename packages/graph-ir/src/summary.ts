// A computational graph as plain JSON: nodes, direct edges, and what sums up the matrix of distances.
import type { ComputationalGraph, NodeType } from './computational-graph.js';
import { adjacencyOf, largestDistance } from './distances.js';

/** Two graphs with equal summaries are equal: the checksum weighs every distance by its place. */
export interface ComputationalGraphSummary {
  readonly nodes: ReadonlyArray<{
    readonly id: number;
    readonly op: NodeType;
    readonly param: string | null;
    readonly shape: readonly number[] | null;
  }>;
  readonly edges: ReadonlyArray<readonly [from: number, to: number]>;
  /**
   * The largest distance between two nodes, in edges: of all pairs that a path joins, the longest of their shortest paths. It is
   * not cut at the cutoff.
   */
  readonly maxDistance: number;
  /** Pairs of nodes joined by a path of length 2 to the cutoff. */
  readonly virtualEdges: number;
  /** The sum of A[i, j] · (i · n + j + 1) over the distances A of n nodes. */
  readonly distanceChecksum: number;
}

/** The summary of a computational graph, ready for `JSON.stringify`. */
export function summarizeComputationalGraph({
  nodes,
  edges,
  distances,
  cutoff,
}: ComputationalGraph): ComputationalGraphSummary {
  let longest = 0;
  let virtualEdges = 0;
  let distanceChecksum = 0;
  distances.forEach((distance, place) => {
    longest = Math.max(longest, distance);
    if (distance > 1) virtualEdges++;
    distanceChecksum += distance * (place + 1);
  });
  return {
    nodes: nodes.map(({ op, parameter, shape }, id) => ({ id, op, param: parameter, shape })),
    edges: Array.from({ length: edges.length / 2 }, (_, e) => [edges[2 * e], edges[2 * e + 1]] as const),
    // Where no path is as long as the cutoff, none was left out.
    maxDistance: longest < cutoff ? longest : largestDistance(nodes.length, adjacencyOf(nodes.length, edges)),
    virtualEdges,
    distanceChecksum,
  };
}
