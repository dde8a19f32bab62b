// A computational graph as plain JSON: nodes, direct edges, and what sums up the matrix of distances.
import type { ComputationalGraph, NodeType } from './computational-graph.js';

/** Two graphs with equal summaries are equal: the checksum weighs every distance by its place. */
export interface ComputationalGraphSummary {
  readonly nodes: ReadonlyArray<{
    readonly id: number;
    readonly op: NodeType;
    readonly param: string | null;
    readonly shape: readonly number[] | null;
  }>;
  readonly edges: ReadonlyArray<readonly [from: number, to: number]>;
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
}: ComputationalGraph): ComputationalGraphSummary {
  let maxDistance = 0;
  let virtualEdges = 0;
  let distanceChecksum = 0;
  distances.forEach((distance, place) => {
    maxDistance = Math.max(maxDistance, distance);
    if (distance > 1) virtualEdges++;
    distanceChecksum += distance * (place + 1);
  });
  return {
    nodes: nodes.map(({ op, parameter, shape }, id) => ({ id, op, param: parameter, shape })),
    edges: Array.from({ length: edges.length / 2 }, (_, e) => [edges[2 * e], edges[2 * e + 1]] as const),
    maxDistance,
    virtualEdges,
    distanceChecksum,
  };
}
