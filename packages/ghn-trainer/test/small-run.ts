// What the tests train: a tiny hypernetwork, tiny ViTs, tiny images.
import { imageSource } from '@logah/data';
import type { ArchitectureSource } from '@logah/ghn-trainer';
import { hypernetPreset } from '@logah/hypernet';
import { createRandom } from '@logah/random';

export const HYPERNET = hypernetPreset('tiny', {
  dim: 16,
  heads: 4,
  layers: 1,
  rank: 4,
  maxRows: 256,
  maxChannels: 64,
});

const random = createRandom(9);

/** Bright images of one class, dark ones of the other. */
export const data = imageSource({
  pixels: Uint8Array.from({ length: 16 * 3 * 64 }, (_, i) =>
    Math.floor(i / 192) % 2 === 0 ? random.integer(150, 255) : random.integer(0, 100),
  ),
  labels: Uint16Array.from({ length: 16 }, (_, i) => i % 2),
  height: 8,
  width: 8,
  classNames: ['bright', 'dark'],
});

export const architectures: ArchitectureSource = (draw) => ({
  family: 'vit',
  layers: draw.integer(1, 2),
  heads: 2,
  hidden: draw.choose([8, 16]),
  mlp: 32,
  patch: 4,
  classes: 2,
  image: 8,
});
