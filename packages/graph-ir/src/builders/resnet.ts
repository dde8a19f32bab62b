// Residual networks (arXiv 1512.03385) with torchvision's parameter names (torchvision.models.resnet).
import { GraphBuilder, type ValueRef } from '../builder.js';
import { type Graph, GraphError } from '../graph.js';

export interface ResnetConfig {
  /** 18 or 34 with blocks of two convolutions, 50, 101 or 152 with bottlenecks of three. */
  readonly depth: number;
  readonly classes: number;
  /** Height and width of an image in pixels. */
  readonly image: number;
}

const BLOCKS: Readonly<Record<number, readonly number[]>> = {
  18: [2, 2, 2, 2],
  34: [3, 4, 6, 3],
  50: [3, 4, 6, 3],
  101: [3, 4, 23, 3],
  152: [3, 8, 36, 3],
};

/** The graph of a ResNet: images `[batch, 3, image, image]` to logits `[batch, classes]`. Throws {@link GraphError} for an unknown depth. */
export function buildResnet({ depth, classes, image }: ResnetConfig): Graph {
  const blocks = BLOCKS[depth];
  if (!blocks) throw new GraphError(`resnet: depth is one of ${Object.keys(BLOCKS).join(', ')}, got ${depth}`);
  const isBottleneck = depth >= 50;
  const expansion = isBottleneck ? 4 : 1;
  const g = new GraphBuilder(`resnet${depth}`);

  const convolution = (x: ValueRef, block: string, index: number, out: number, kernel: number, stride: number) =>
    g.batchNorm(
      g.conv2d(x, `${block}.conv${index}`, { out, kernel, stride, padding: (kernel - 1) / 2, hasBias: false }),
      `${block}.bn${index}`,
    );
  const block = (x: ValueRef, name: string, width: number, stride: number): ValueRef => {
    const out = width * expansion;
    const first = g.activation(convolution(x, name, 1, width, isBottleneck ? 1 : 3, isBottleneck ? 1 : stride), 'relu');
    const second = convolution(first, name, 2, width, 3, isBottleneck ? stride : 1);
    const result = isBottleneck ? convolution(g.activation(second, 'relu'), name, 3, out, 1, 1) : second;
    const isSame = stride === 1 && x.shape[1] === out;
    const shortcut = isSame
      ? x
      : g.batchNorm(
          g.conv2d(x, `${name}.downsample.0`, { out, kernel: 1, stride, hasBias: false }),
          `${name}.downsample.1`,
        );
    return g.activation(g.add(result, shortcut), 'relu');
  };

  const images = g.input('images', ['batch', 3, image, image]);
  const stem = g.conv2d(images, 'conv1', { out: 64, kernel: 7, stride: 2, padding: 3, hasBias: false });
  let x = g.maxPool(g.activation(g.batchNorm(stem, 'bn1'), 'relu'), { kernel: 3, stride: 2, padding: 1 });
  blocks.forEach((count, stage) => {
    for (let i = 0; i < count; i++) {
      x = block(x, `layer${stage + 1}.${i}`, 64 * 2 ** stage, i === 0 && stage > 0 ? 2 : 1);
    }
  });
  return g.build([g.linear(g.globalAvgPool(x), 'fc', { out: classes })]);
}
