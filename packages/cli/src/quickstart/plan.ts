// What the quick start trains, and the networks it is judged by.
import type { ArchitectureSource, TrainerConfig } from '@logah/ghn-trainer';
import { TEMPLATE_TRAINER_DEFAULTS } from '@logah/ghn-trainer';
import type { Architecture } from '@logah/graph-ir';
import { type HypernetConfig, hypernetPreset } from '@logah/hypernet';

/** Templates of 0.6M parameters, for vision transformers of at most 96 features. */
export const HYPERNET: HypernetConfig = hypernetPreset('template-small');

const WIDTHS = Array.from({ length: 9 }, (_, i) => 32 + 8 * i);
const DEPTHS = [2, 3, 4];

const vit = (layers: number, hidden: number): Architecture => ({
  family: 'vit',
  layers,
  heads: 4,
  hidden,
  mlp: 4 * hidden,
  patch: 8,
  classes: 10,
  image: 32,
});

/** A network that meta-training never sees, and in what way it is new. */
export interface HeldOut {
  readonly architecture: Architecture;
  readonly novelty: string;
}

const heldOut = (layers: number, hidden: number, novelty: string): HeldOut => ({
  architecture: vit(layers, hidden),
  novelty,
});

/** The networks that are predicted and judged. */
export const HELD_OUT: readonly HeldOut[] = [
  heldOut(3, 48, 'unseen combination'),
  heldOut(3, 52, 'width between those seen'),
  heldOut(6, 64, 'deeper than any seen'),
  heldOut(4, 128, 'wider than any seen'),
];

const SEEN = DEPTHS.flatMap((layers) => WIDTHS.map((hidden) => vit(layers, hidden))).filter(
  (seen) => !HELD_OUT.some(({ architecture }) => JSON.stringify(architecture) === JSON.stringify(seen)),
);

/** Draws one of the architectures that are not held out. */
export const architectures: ArchitectureSource = (random) => random.choose(SEEN);

const EPOCHS = 20;

/** The recipe for a number of steps, a multiple of 20. */
export const recipe = (steps: number, seed: number): TrainerConfig => ({
  ...TEMPLATE_TRAINER_DEFAULTS,
  seed,
  batch: 64,
  epochs: EPOCHS,
  stepsPerEpoch: Math.max(1, Math.round(steps / EPOCHS)),
});
