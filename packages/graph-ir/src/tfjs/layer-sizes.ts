// Sizes that Keras' layers are configured with, against the shapes of their weights: Keras makes the weights by these
// sizes, so a file in which they differ is damaged, and nobody knows which of the two was meant.
import type { Reader } from '../json-reader.js';
import { optional } from './model-json.js';

/** A size of a layer, and the axes of a weight that have it. */
interface Claim {
  readonly field: string;
  readonly weight: string;
  /** Axes of the weight: one, or one for each number of the field. */
  readonly axes: readonly number[];
  /** How often the size is in the axis, 1 by default: an LSTM has four gates. */
  readonly times?: number;
}

const claim = (field: string, weight: string, axes: readonly number[], times = 1): Claim => ({
  field,
  weight,
  axes,
  times,
});

/** By Keras' name: as its layers make their weights (tfjs-layers, src/layers). */
const CLAIMS: Readonly<Record<string, readonly Claim[]>> = {
  Dense: [claim('units', 'kernel', [1]), claim('units', 'bias', [0])],
  Conv1D: [claim('kernel_size', 'kernel', [0]), claim('filters', 'kernel', [2]), claim('filters', 'bias', [0])],
  Conv2D: [claim('kernel_size', 'kernel', [0, 1]), claim('filters', 'kernel', [3]), claim('filters', 'bias', [0])],
  Conv2DTranspose: [
    claim('kernel_size', 'kernel', [0, 1]),
    claim('filters', 'kernel', [2]),
    claim('filters', 'bias', [0]),
  ],
  DepthwiseConv2D: [
    claim('kernel_size', 'depthwise_kernel', [0, 1]),
    claim('depth_multiplier', 'depthwise_kernel', [3]),
  ],
  SeparableConv2D: [
    claim('kernel_size', 'depthwise_kernel', [0, 1]),
    claim('depth_multiplier', 'depthwise_kernel', [3]),
    claim('filters', 'pointwise_kernel', [3]),
    claim('filters', 'bias', [0]),
  ],
  Embedding: [claim('input_dim', 'embeddings', [0]), claim('output_dim', 'embeddings', [1])],
  LSTM: [
    claim('units', 'kernel', [1], 4),
    claim('units', 'recurrent_kernel', [0]),
    claim('units', 'recurrent_kernel', [1], 4),
    claim('units', 'bias', [0], 4),
  ],
};

/**
 * Checks the sizes of a layer's configuration, those that it has, against its weights; `shapeOf` gives the shape of a
 * weight by what it is to the layer ("kernel"), undefined where the layer has none.
 * Throws GraphError naming the field, what it is and what the weight has.
 */
export function checkSizes(
  kind: string,
  config: Reader,
  shapeOf: (weight: string) => readonly number[] | undefined,
): void {
  for (const { field, weight, axes, times = 1 } of claimsOf(kind)) {
    const given = optional(config, field);
    if (given === undefined) continue;
    const sizes = sizesOf(given, axes.length);
    const shape = shapeOf(weight);
    if (shape === undefined) continue;
    axes.forEach((axis, i) => {
      if (shape[axis] === times * sizes[i]) return;
      const right = axes.map((each) => (shape[each] ?? 0) / times);
      given.fail(
        `${right.length === 1 ? right[0] : JSON.stringify(right)}, as its weight "${weight}" [${shape.join(', ')}] has it`,
      );
    });
  }
}

const claimsOf = (kind: string): readonly Claim[] => (Object.hasOwn(CLAIMS, kind) ? CLAIMS[kind] : []);

/** Positive integers: one for each axis, or one for all. */
function sizesOf(field: Reader, count: number): readonly number[] {
  const values = Array.isArray(field.value) ? field.list((item) => item) : Array.from({ length: count }, () => field);
  if (values.length !== count) return field.fail(count === 1 ? 'one size' : `one size or ${count}`);
  return values.map((item) => {
    const size = item.number();
    return Number.isSafeInteger(size) && size > 0 ? size : item.fail('a positive integer');
  });
}
