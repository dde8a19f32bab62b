// What ships, and which of it fits a network: without the hypernetworks themselves, and so without tensors.
import { didYouMean, type Graph } from '@logah/graph-ir';
import { type CheckpointCard, CheckpointError } from './card.js';
import { CARDS } from './cards.js';
import { type CheckpointFit, checkpointFor as fittingOf } from './fit.js';

export { type CheckpointCard, CheckpointError, type ImageTask, type Reached, type TextTask } from './card.js';
export { CARDS } from './cards.js';
export { type CheckpointFit, fitOf } from './fit.js';
export { dataNotes, notesFor, provenance } from './provenance.js';

/** Whether a checkpoint of this name ships. */
export const isShipped = (name: string): boolean => CARDS.some((card) => card.name === name);

/** The card of a name. Throws {@link CheckpointError} with the names that there are. */
export function cardOf(name: string): CheckpointCard {
  const card = CARDS.find((candidate) => candidate.name === name);
  if (card === undefined) {
    const known = CARDS.map((one) => one.name);
    throw new CheckpointError(
      `no checkpoint is called "${name}"; there are ${known.join(', ')}${didYouMean(name, known)}`,
    );
  }
  return card;
}

/**
 * The shipped checkpoint that fits a network best: one of the same patches before one that is resized, the one with the most parameters first.
 * Throws {@link CheckpointError} where none fits, with what each lacks.
 */
export const checkpointFor = (graph: Graph): CheckpointFit => fittingOf(graph, CARDS);
