// All checkpoints that ship; of those that fit a network as well, the first is taken.
import type { CheckpointCard } from './card.js';
import { card as gptsWikitext2 } from './cards/gpts-wikitext2.js';
import { card as gptsWikitext2Bpe } from './cards/gpts-wikitext2-bpe.js';
import { card as vitsCifar10 } from './cards/vits-cifar10.js';
import { card as vitsDigits } from './cards/vits-digits.js';
import { card as vitsSmallCifar10 } from './cards/vits-small-cifar10.js';

/** Their cards. */
export const CARDS: readonly CheckpointCard[] = [
  vitsCifar10,
  vitsSmallCifar10,
  vitsDigits,
  gptsWikitext2,
  gptsWikitext2Bpe,
];
