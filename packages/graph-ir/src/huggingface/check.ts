// Whether a checkpoint holds what a graph wants.
import type { Graph } from '../graph.js';

/** A tensor that is not where, or not what, the graph says. */
export type CheckpointDifference =
  | { readonly kind: 'missing'; readonly name: string; readonly wanted: readonly number[] }
  | {
      readonly kind: 'shape';
      readonly name: string;
      readonly wanted: readonly number[];
      readonly found: readonly number[];
    }
  | { readonly kind: 'unexpected'; readonly name: string; readonly found: readonly number[] };

/** What checkpoints hold beside parameters: statistics of batch norms, masks and positions that older versions saved. */
const BUFFERS = /(^|\.)(running_mean|running_var|num_batches_tracked|position_ids|masked_bias|attn\.bias|inv_freq)$/;

/**
 * The differences between a graph's parameters and a checkpoint's tensors by name, such as a safetensors header lists; none when they fit. Tensors may
 * lack the prefix of the model ("transformer.", "bert."), as files of base models do; buffers are not counted.
 */
export function checkCheckpoint(
  graph: Graph,
  tensors: ReadonlyMap<string, { readonly shape: readonly number[] }>,
): CheckpointDifference[] {
  const seen = new Set<string>();
  const differences = graph.parameters.flatMap(({ name, shape }): CheckpointDifference[] => {
    const alias = [name, name.slice(name.indexOf('.') + 1)].find((candidate) => tensors.has(candidate));
    const found = alias === undefined ? undefined : tensors.get(alias);
    if (alias === undefined || found === undefined) return [{ kind: 'missing', name, wanted: shape }];
    seen.add(alias);
    return found.shape.join() === shape.join() ? [] : [{ kind: 'shape', name, wanted: shape, found: found.shape }];
  });
  const unexpected = [...tensors].flatMap(([name, { shape }]): CheckpointDifference[] =>
    seen.has(name) || BUFFERS.test(name) ? [] : [{ kind: 'unexpected', name, found: shape }],
  );
  return [...differences, ...unexpected];
}
