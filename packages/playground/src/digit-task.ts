// What the page shows at work: small vision transformers that read digits.
import { CARDS, type CheckpointCard } from '@logah/checkpoints/catalog';

/** The newest hypernetwork that learned digits; undefined where none ships. */
export const digitsCard = (cards: readonly CheckpointCard[] = CARDS): CheckpointCard | undefined =>
  cards.findLast(({ name, task }) => name.includes('digits') && task.kind === 'images');

export const LAYERS = { least: 1, most: 8, usual: 3 };
/** Features of a token: multiples of the four heads. */
export const WIDTHS = { least: 24, most: 128, step: 4, usual: 48 };

/** A network that reads digits, of the patches and images that a hypernetwork knows. */
export function digitsArchitecture(card: CheckpointCard, layers: number, width: number): string {
  if (card.task.kind !== 'images') throw new TypeError(`${card.name} is not for images`);
  const { patch, classes, image } = card.task;
  return `vit:layers=${layers},heads=4,hidden=${width},mlp=${4 * width},patch=${patch},classes=${classes},image=${image}`;
}
