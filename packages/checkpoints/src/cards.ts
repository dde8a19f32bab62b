// All checkpoints that ship.
import type { CheckpointCard } from './card.js';
import { card as vitsSmallCifar10 } from './cards/vits-small-cifar10.js';

/** Their cards. */
export const CARDS: readonly CheckpointCard[] = [vitsSmallCifar10];
