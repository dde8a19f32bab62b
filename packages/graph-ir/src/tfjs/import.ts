// TensorFlow.js models as graphs.
import type { ImportedModel } from '../import/assemble.js';
import { importModel } from '../import/import.js';
import { naming } from '../import/order.js';
import type { ImportOptions } from '../import/settle.js';
import { translateGraph } from './graph-model.js';
import { translateLayers } from './layers-model.js';
import { readModelJson, type ShardLength } from './model-json.js';

export interface TfjsOptions extends ImportOptions {
  /** Needed where the weights are in several shards, since one of them can end within a weight. */
  readonly shardLength?: ShardLength;
}

/**
 * The graph of a TensorFlow.js model: a graph model, or a layers model as Keras writes it. `text` is the model.json, `source` its name for messages.
 * Channels come first in the graph; inputs and outputs stay as the model has them, with transposes where that is another way round. Weights are not
 * copied: `tensors` says where in which shard the values of each parameter are. A graph model keeps arguments of operators among its weights, so
 * `options.readPlace` is needed to read it.
 * Throws {@link GraphError} for a file that is damaged or not sound, naming the field, node or layer.
 */
export function graphFromTfjs(text: string, source: string, options: TfjsOptions = {}): ImportedModel {
  const model = readModelJson(text, source, options.shardLength);
  const translate = model.format === 'graph-model' ? translateGraph : translateLayers;
  const foreign = naming(source, 'the model', () => translate(model, source, options.readPlace));
  return importModel(foreign, options, { isChannelsLast: true });
}
