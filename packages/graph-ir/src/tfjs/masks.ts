// Masks of Keras: which values have one, and layers that would read it. None is kept in a graph, so those are refused.
import { GraphError } from '../graph.js';
import type { Layer } from './layers.js';
import { optional } from './model-json.js';

/** Layers that compute something else where they are given a mask. */
const READERS: ReadonlySet<string> = new Set(['LSTM', 'Softmax']);

/** Follows masks from layer to layer. Keras drops them behind convolutions and the like, TensorFlow.js does not: here they never end. */
export class Masks {
  readonly #values = new Set<string>();

  /** One call of a layer. Throws {@link GraphError} where it would read a mask. */
  pass(kind: string, { inputs, output, config }: Pick<Layer, 'inputs' | 'output' | 'config'>): void {
    const isMasked = inputs.some((input) => this.#values.has(input));
    if (isMasked && READERS.has(kind))
      throw new GraphError('is given a mask (of "mask_zero" or a Masking layer), which is not known');
    const makesOne = kind === 'Masking' || (kind === 'Embedding' && optional(config, 'mask_zero')?.boolean() === true);
    if (makesOne || isMasked) this.#values.add(output);
  }
}
