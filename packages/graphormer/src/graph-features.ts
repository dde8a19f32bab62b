// What the encoder looks up for each node and each pair of nodes, as indices into its tables.
import { type ShapeVocabulary, shapeRows } from './shape-index.js';

/** The graph an encoder reads; `@logah/graph-ir`'s computational graph fits with its node types as indices. */
export interface EncoderGraph {
  /** The type of each node, as a row of the type table; the input node first. */
  readonly nodeTypes: ArrayLike<number>;
  /** The shape of each node's parameter, at most 4 sizes, or null. */
  readonly nodeShapes: ReadonlyArray<readonly number[] | null>;
  /** Direct edges `[from, to, from, to, …]`. */
  readonly edges: ArrayLike<number>;
  /** `[nodes, nodes]` row-major: lengths of shortest paths, 0 for none. */
  readonly distances: ArrayLike<number>;
}

export interface GraphFeatures {
  readonly nodeTypes: Int32Array;
  /** `[4, nodes]`: rows for out channels, in channels, kernel height, kernel width. */
  readonly shapeRows: readonly [Int32Array, Int32Array, Int32Array, Int32Array];
  readonly inDegrees: Int32Array;
  readonly outDegrees: Int32Array;
  readonly inputDistances: Int32Array;
  /** The distinct pairs (distance there, distance back) among all ordered pairs of nodes: few, however large the graph. */
  readonly distinctForward: Int32Array;
  readonly distinctBackward: Int32Array;
  /** `[nodes, nodes]` row-major: which distinct pair. */
  readonly pairIndex: Int32Array;
}

/** The largest degree and distance with rows of their own, and the first row for distances (rows 0 and 1 are not used). */
export const MAX_DEGREE = 100;
export const MAX_INPUT_DISTANCE = 1000;
export const MAX_EDGE_ROW = 256;
const FIRST_EDGE_ROW = 2;

/** The table rows of a graph. Throws RangeError when its arrays disagree about the number of nodes. */
export function graphFeatures(graph: EncoderGraph, vocabulary: ShapeVocabulary): GraphFeatures {
  const nodes = graph.nodeTypes.length;
  if (graph.nodeShapes.length !== nodes || graph.distances.length !== nodes * nodes) {
    throw new RangeError(
      `a graph of ${nodes} node types wants ${nodes} shapes and ${nodes * nodes} distances, got ${graph.nodeShapes.length} and ${graph.distances.length}`,
    );
  }
  const inDegrees = new Int32Array(nodes);
  const outDegrees = new Int32Array(nodes);
  for (let e = 0; e < graph.edges.length; e += 2) {
    outDegrees[graph.edges[e]]++;
    inDegrees[graph.edges[e + 1]]++;
  }
  const rows = graph.nodeShapes.map((shape) => shapeRows(shape, vocabulary));
  const column = (axis: 0 | 1 | 2 | 3): Int32Array => Int32Array.from(rows, (row) => row[axis]);
  return {
    nodeTypes: Int32Array.from(graph.nodeTypes),
    shapeRows: [column(0), column(1), column(2), column(3)],
    inDegrees: inDegrees.map((degree) => Math.min(degree, MAX_DEGREE)),
    outDegrees: outDegrees.map((degree) => Math.min(degree, MAX_DEGREE)),
    inputDistances: Int32Array.from({ length: nodes }, (_, node) =>
      Math.min(graph.distances[node], MAX_INPUT_DISTANCE),
    ),
    ...distinctPairs(graph.distances, nodes),
  };
}

function distinctPairs(distances: ArrayLike<number>, nodes: number) {
  const row = (distance: number): number => Math.min(distance + FIRST_EDGE_ROW, MAX_EDGE_ROW);
  const indexOf = new Map<number, number>();
  const pairIndex = new Int32Array(nodes * nodes);
  for (let i = 0; i < nodes; i++) {
    for (let j = 0; j < nodes; j++) {
      const key = row(distances[i * nodes + j]) * (MAX_EDGE_ROW + 1) + row(distances[j * nodes + i]);
      let index = indexOf.get(key);
      if (index === undefined) {
        index = indexOf.size;
        indexOf.set(key, index);
      }
      pairIndex[i * nodes + j] = index;
    }
  }
  const keys = [...indexOf.keys()];
  return {
    distinctForward: Int32Array.from(keys, (key) => Math.floor(key / (MAX_EDGE_ROW + 1))),
    distinctBackward: Int32Array.from(keys, (key) => key % (MAX_EDGE_ROW + 1)),
    pairIndex,
  };
}
