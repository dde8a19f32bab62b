// What a file of predicted parameters says of them: where they are from, and what its network takes and answers.
import type { Graph } from '@logah/graph-ir';
import type { CheckpointCard, ImageTask, TextTask } from './card.js';

/** What is written of the data that a hypernetwork learned from, by these names. */
const NOTES = ['trained_on', 'mean', 'std', 'image_size', 'classes', 'tokenizer', 'vocab', 'context'];

/** Metadata of a hypernetwork's file: what data it was trained on and how that is normalised, or its tokens. Numbers are JSON. */
export const dataNotes = (
  trainedOn: string,
  task: Omit<ImageTask, 'patch'> | Omit<TextTask, 'heads'>,
): Record<string, string> => ({
  trained_on: trainedOn,
  ...(task.kind === 'images'
    ? {
        mean: JSON.stringify(task.mean),
        std: JSON.stringify(task.std),
        image_size: String(task.image),
        classes: String(task.classes),
      }
    : { tokenizer: task.tokenizer, vocab: String(task.vocab), context: String(task.context) }),
});

/** Of a hypernetwork's metadata what holds of a network that it fills, with the size of images and the classes of that network. */
export function notesFor(metadata: ReadonlyMap<string, string>, graph: Graph): Record<string, string> {
  const notes = NOTES.flatMap((name) => {
    const value = metadata.get(name);
    return value === undefined ? [] : [[name, value] as const];
  });
  const images = graph.values[graph.inputs[0]].shape;
  const answers = graph.values[graph.outputs[0]].shape;
  return {
    ...Object.fromEntries(notes),
    ...(metadata.has('image_size') ? { image_size: String(images.at(-1)) } : {}),
    ...(metadata.has('classes') ? { classes: String(answers.at(-1)) } : {}),
  };
}

/**
 * Metadata for the parameters that a checkpoint fills a network with, as strings: `predicted_by`, `trained_on`, and of images `mean` and `std` of each
 * channel (JSON, on the scale 0..1: `(pixel / 255 − mean) / std` is what the network takes), `image_size` in pixels and `classes` of this network; of text
 * its `tokenizer`, `vocab` and the `context` that was trained. `headSeed` is that of a last layer that was drawn anew, null where it was predicted.
 */
export function provenance(card: CheckpointCard, graph: Graph, headSeed: number | null): Record<string, string> {
  const { task, trainedOn } = card;
  return {
    predicted_by: card.name,
    ...notesFor(new Map(Object.entries(dataNotes(trainedOn.data, task))), graph),
    ...(headSeed === null ? {} : { head: `drawn, seed ${headSeed}` }),
  };
}
