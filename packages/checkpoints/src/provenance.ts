// What a file of predicted parameters says of them: where they are from, and what its network takes and answers.
import type { Graph } from '@logah/graph-ir';
import type { CheckpointCard } from './card.js';

/**
 * Metadata for the parameters that a checkpoint fills a network with, as strings: `predicted_by`, `trained_on`, and of images `mean` and `std` of each
 * channel (JSON, on the scale 0..1: `(pixel / 255 − mean) / std` is what the network takes), `image_size` in pixels and `classes` of this network; of text
 * its `tokenizer`, `vocab` and the `context` that was trained. `headSeed` is that of a last layer that was drawn anew, null where it was predicted.
 */
export function provenance(card: CheckpointCard, graph: Graph, headSeed: number | null): Record<string, string> {
  const { task, trainedOn } = card;
  const images = graph.values[graph.inputs[0]].shape;
  const answers = graph.values[graph.outputs[0]].shape;
  return {
    predicted_by: card.name,
    trained_on: trainedOn.data,
    ...(task.kind === 'images'
      ? {
          mean: JSON.stringify(task.mean),
          std: JSON.stringify(task.std),
          image_size: String(images[images.length - 1]),
          classes: String(answers[answers.length - 1]),
        }
      : { tokenizer: task.tokenizer, vocab: String(task.vocab), context: String(task.context) }),
    ...(headSeed === null ? {} : { head: `drawn, seed ${headSeed}` }),
  };
}
