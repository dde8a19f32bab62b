// What the page shows at work: small vision transformers that read digits.
import { CARDS, type CheckpointCard } from '@logah/checkpoints/catalog';

/** The newest hypernetwork that learned digits; undefined where none ships. */
export const digitsCard = (cards: readonly CheckpointCard[] = CARDS): CheckpointCard | undefined =>
  cards.findLast(({ name, task }) => name.includes('digits') && task.kind === 'images');

/** Whole numbers that can be chosen: from `least` to `most`, `step` apart. */
export interface Choice {
  readonly least: number;
  readonly most: number;
  readonly step: number;
}

/** The nearest number that can be chosen. */
export const nearestChoice = (value: number, { least, most, step }: Choice): number => {
  const within = Math.min(most, Math.max(least, value));
  return least + Math.min(Math.floor((most - least) / step), Math.round((within - least) / step)) * step;
};

export const LAYERS = { least: 1, most: 8, step: 1, usual: 3 };
/** Features of a token: multiples of the four heads. */
export const WIDTHS = { least: 24, most: 128, step: 4, usual: 48 };
/** Of training. */
export const STEPS = { least: 1, most: 200, step: 1, usual: 100, offered: [20, 50, 100, 200] };
/** As `logah` takes them; negative ones are left to it. */
export const SEEDS = { least: 0, most: Number.MAX_SAFE_INTEGER, step: 1, usual: 0 };

/** A network that reads digits, of the patches and images that a hypernetwork knows. */
export function digitsArchitecture(card: CheckpointCard, layers: number, width: number): string {
  if (card.task.kind !== 'images') throw new TypeError(`${card.name} is not for images`);
  const { patch, classes, image } = card.task;
  return `vit:layers=${layers},heads=4,hidden=${width},mlp=${4 * width},patch=${patch},classes=${classes},image=${image}`;
}
