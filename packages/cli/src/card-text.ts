// The card of a shipped checkpoint for people.
import type { CheckpointCard } from '@logah/checkpoints/catalog';
import { bytes, textTable, thousands } from './text-table.js';

/** Everything on a card but its curve, of which it tells the last point. */
export function cardText(card: CheckpointCard): string {
  const { trainedOn, task } = card;
  const ofTask =
    task.kind === 'images'
      ? `images of ${task.image}×${task.image}, patches of ${task.patch}, ${task.classes} classes, ` +
        `normalised by mean ${task.mean.join(', ')} and deviation ${task.std.join(', ')}`
      : `text as ${task.tokenizer}, ${task.vocab} tokens, context of ${task.context}`;
  return [
    `${card.name}: ${card.title}`,
    `${thousands(card.parameters)} parameters (${card.decoder}), ${bytes(card.bytes)} as ${card.dtype}, ` +
      `for networks of up to ${card.maxWidth} features; wider ones repeat`,
    ofTask,
    `trained on ${trainedOn.data} (licence: ${trainedOn.licence}), networks of ${trainedOn.architectures}, ` +
      `${thousands(trainedOn.steps)} steps of ${trainedOn.batch}`,
    `made by: ${trainedOn.command}`,
    '',
    'What networks that were never trained reach with it, without any training:',
    textTable(
      ['network', task.kind === 'text' ? 'perplexity' : 'accuracy'],
      card.reached.map(({ architecture, loss, accuracy }) => [
        architecture,
        task.kind === 'text' && loss !== undefined ? Math.exp(loss).toFixed(2) : `${(100 * accuracy).toFixed(1)} %`,
      ]),
    ),
  ].join('\n');
}
