// Densely connected networks (arXiv 1608.06993) with torchvision's parameter names (torchvision.models.densenet).
import { GraphBuilder, type ValueRef } from '../builder.js';
import { type Graph, GraphError } from '../graph.js';

export interface DensenetConfig {
  /** 121, 169 or 201. */
  readonly depth: number;
  readonly classes: number;
  /** Height and width of an image in pixels. */
  readonly image: number;
}

const BLOCKS: Readonly<Record<number, readonly number[]>> = {
  121: [6, 12, 24, 16],
  169: [6, 12, 32, 32],
  201: [6, 12, 48, 32],
};
const GROWTH = 32;
/** Features of a bottleneck, in growths. */
const BOTTLENECK = 4;

/** The graph of a DenseNet: images `[batch, 3, image, image]` to logits `[batch, classes]`. Throws {@link GraphError} for an unknown depth. */
export function buildDensenet({ depth, classes, image }: DensenetConfig): Graph {
  const blocks = BLOCKS[depth];
  if (!blocks) throw new GraphError(`densenet: depth is one of ${Object.keys(BLOCKS).join(', ')}, got ${depth}`);
  const g = new GraphBuilder(`densenet${depth}`);

  const activated = (x: ValueRef, norm: string): ValueRef => g.activation(g.batchNorm(x, norm), 'relu');
  const layer = (before: readonly ValueRef[], name: string): ValueRef => {
    const all = before.length === 1 ? before[0] : g.concat(before, 1);
    const narrow = g.conv2d(activated(all, `${name}.norm1`), `${name}.conv1`, {
      out: BOTTLENECK * GROWTH,
      kernel: 1,
      hasBias: false,
    });
    return g.conv2d(activated(narrow, `${name}.norm2`), `${name}.conv2`, {
      out: GROWTH,
      kernel: 3,
      padding: 1,
      hasBias: false,
    });
  };

  const images = g.input('images', ['batch', 3, image, image]);
  const stem = g.conv2d(images, 'features.conv0', { out: 64, kernel: 7, stride: 2, padding: 3, hasBias: false });
  let x = g.maxPool(activated(stem, 'features.norm0'), { kernel: 3, stride: 2, padding: 1 });
  blocks.forEach((count, i) => {
    const features = [x];
    for (let j = 0; j < count; j++) features.push(layer(features, `features.denseblock${i + 1}.denselayer${j + 1}`));
    x = g.concat(features, 1);
    if (i === blocks.length - 1) return;
    const name = `features.transition${i + 1}`;
    const half = Number(x.shape[1]) / 2;
    x = g.conv2d(activated(x, `${name}.norm`), `${name}.conv`, { out: half, kernel: 1, hasBias: false });
    x = g.avgPool(x, { kernel: 2 });
  });
  return g.build([g.linear(g.globalAvgPool(activated(x, 'features.norm5')), 'classifier', { out: classes })]);
}
