// Which embeddings the reference decodes in a meta-batch. Its encoder works on graphs padded to the largest one, `[networks, nodes, dim]`, but its
// decoder counts rows as if nothing were padded: behind a smaller graph every later network reads rows that are shifted by the padding, some of
// them padding itself. A run of the reference can be followed only by reading the same rows.
import type { ComputationalGraph } from '@logah/graph-ir';
import { embedNodes, type Hypernet } from '@logah/hypernet';
import * as tf from '@tensorflow/tfjs-core';

/** The embeddings, `[nodes, dim]`, that the reference would decode for the network at `index` of a meta-batch. */
export const referenceRows =
  (graphs: readonly ComputationalGraph[], index: number) =>
  (hypernet: Hypernet): tf.Tensor2D => {
    const sizes = graphs.map(({ nodes }) => nodes.length);
    const paddedTo = Math.max(...sizes);
    const first = sizes.slice(0, index).reduce((sum, size) => sum + size, 0);
    const end = first + sizes[index];
    const parts: tf.Tensor2D[] = [];
    for (let network = Math.floor(first / paddedTo); network * paddedTo < end; network++) {
      const from = Math.max(first - network * paddedTo, 0);
      const to = Math.min(end - network * paddedTo, paddedTo);
      const rows = embedNodes(hypernet, graphs[network], { paddedTo });
      parts.push(tf.slice(rows, [from, 0], [to - from, rows.shape[1]]));
    }
    return tf.concat(parts, 0);
  };
