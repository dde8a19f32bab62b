// What the quick start trains, and the networks it is judged by.
import type { ArchitectureSource, TrainerConfig } from '@logah/ghn-trainer';
import { TRAINER_DEFAULTS } from '@logah/ghn-trainer';
import type { Architecture } from '@logah/graph-ir';
import { type HypernetConfig, hypernetPreset } from '@logah/hypernet';

/** A LoGAH of 0.3M parameters: small enough for two minutes on two cores. */
export const HYPERNET: HypernetConfig = hypernetPreset('tiny', {
  dim: 32,
  heads: 4,
  layers: 2,
  rank: 16,
  maxRows: 2048,
  maxChannels: 512,
});

/** Widths from 32 to 96, densely: a hypernetwork does badly at widths between those it has seen. */
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
  heldOut(2, 64, 'unseen combination'),
  heldOut(3, 48, 'unseen combination'),
  heldOut(4, 88, 'unseen combination'),
  heldOut(6, 64, 'deeper than any seen'),
  heldOut(8, 96, 'deeper and larger than any seen'),
  heldOut(3, 100, 'width outside the grid'),
];

const SEEN = DEPTHS.flatMap((layers) => WIDTHS.map((hidden) => vit(layers, hidden))).filter(
  (seen) => !HELD_OUT.some(({ architecture }) => JSON.stringify(architecture) === JSON.stringify(seen)),
);

/** Draws one of the architectures that are not held out. */
export const architectures: ArchitectureSource = (random) => random.choose(SEEN);

const EPOCHS = 20;

/** The recipe for a number of steps, a multiple of 20. */
export const recipe = (steps: number, seed: number): TrainerConfig => ({
  ...TRAINER_DEFAULTS,
  seed,
  batch: 32,
  epochs: EPOCHS,
  stepsPerEpoch: Math.max(1, Math.round(steps / EPOCHS)),
  learningRate: 1e-3,
  warmupEpochs: 2,
  warmupFrom: 1e-4,
});
