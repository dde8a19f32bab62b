// VGG networks (arXiv 1409.1556) with torchvision's parameter names (torchvision.models.vgg).
import { GraphBuilder, type ValueRef } from '../builder.js';
import { type Graph, GraphError } from '../graph.js';

export interface VggConfig {
  /** 11, 13, 16 or 19 layers with weights. */
  readonly depth: number;
  /** Whether every convolution is followed by a batch norm. */
  readonly batchNorm: boolean;
  readonly classes: number;
  /** Height and width of an image in pixels. */
  readonly image: number;
}

/** Convolutions of each of the five widths; a pooling follows each. */
const CONVOLUTIONS: Readonly<Record<number, readonly number[]>> = {
  11: [1, 1, 2, 2, 2],
  13: [2, 2, 2, 2, 2],
  16: [2, 2, 3, 3, 3],
  19: [2, 2, 4, 4, 4],
};
const WIDTHS = [64, 128, 256, 512, 512];
const POOLED_SIZE = 7;
const HIDDEN = 4096;

/** The graph of a VGG: images `[batch, 3, image, image]` to logits `[batch, classes]`. Throws {@link GraphError} for an unknown depth. */
export function buildVgg({ depth, batchNorm, classes, image }: VggConfig): Graph {
  const stages = CONVOLUTIONS[depth];
  if (!stages) throw new GraphError(`vgg: depth is one of ${Object.keys(CONVOLUTIONS).join(', ')}, got ${depth}`);
  const g = new GraphBuilder(`vgg${depth}${batchNorm ? '_bn' : ''}`);
  let x: ValueRef = g.input('images', ['batch', 3, image, image]);
  // Layers are numbered in a row, activations and poolings among them.
  let layer = 0;
  stages.forEach((count, stage) => {
    for (let i = 0; i < count; i++) {
      x = g.conv2d(x, `features.${layer++}`, { out: WIDTHS[stage], kernel: 3, padding: 1 });
      if (batchNorm) x = g.batchNorm(x, `features.${layer++}`);
      x = g.activation(x, 'relu');
      layer++;
    }
    x = g.maxPool(x, { kernel: 2 });
    layer++;
  });
  x = g.reshape(g.adaptiveAvgPool(x, POOLED_SIZE), [0, -1]);
  for (const name of ['classifier.0', 'classifier.3']) x = g.activation(g.linear(x, name, { out: HIDDEN }), 'relu');
  return g.build([g.linear(x, 'classifier.6', { out: classes })]);
}
