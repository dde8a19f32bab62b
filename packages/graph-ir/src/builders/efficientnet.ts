// EfficientNet-B0 (arXiv 1905.11946) with torchvision's parameter names (torchvision.models.efficientnet).
import { GraphBuilder, type ValueRef } from '../builder.js';
import type { Graph } from '../graph.js';

export interface EfficientnetConfig {
  readonly classes: number;
  /** Height and width of an image in pixels. */
  readonly image: number;
}

/** Table 1 of the paper: expansion, kernel, stride of the first block, channels, blocks. */
const STAGES = [
  [1, 3, 1, 16, 1],
  [6, 3, 2, 24, 2],
  [6, 5, 2, 40, 2],
  [6, 3, 2, 80, 3],
  [6, 5, 1, 112, 3],
  [6, 5, 2, 192, 4],
  [6, 3, 1, 320, 1],
] as const;

interface ConvolutionOptions {
  readonly out: number;
  readonly kernel?: number;
  readonly stride?: number;
  readonly groups?: number;
}

/** The graph of an EfficientNet-B0: images `[batch, 3, image, image]` to logits `[batch, classes]`. */
export function buildEfficientnet({ classes, image }: EfficientnetConfig): Graph {
  const g = new GraphBuilder('efficientnet_b0');

  const normalized = (x: ValueRef, name: string, options: ConvolutionOptions): ValueRef => {
    const { out, kernel = 1, stride = 1, groups = 1 } = options;
    const padding = (kernel - 1) / 2;
    return g.batchNorm(g.conv2d(x, `${name}.0`, { out, kernel, stride, padding, groups, hasBias: false }), `${name}.1`);
  };
  const unit = (x: ValueRef, name: string, options: ConvolutionOptions): ValueRef =>
    g.activation(normalized(x, name, options), 'silu');
  const squeezeExcitation = (x: ValueRef, name: string, squeezed: number): ValueRef => {
    const narrow = g.conv2d(g.adaptiveAvgPool(x, 1), `${name}.fc1`, { out: squeezed, kernel: 1 });
    const wide = g.conv2d(g.activation(narrow, 'silu'), `${name}.fc2`, { out: Number(x.shape[1]), kernel: 1 });
    return g.multiply(g.activation(wide, 'sigmoid'), x);
  };
  const block = (input: ValueRef, name: string, [expansion, kernel, stride, out]: readonly number[]): ValueRef => {
    const channels = Number(input.shape[1]);
    const hidden = channels * expansion;
    let layer = 0;
    let x = input;
    if (expansion > 1) x = unit(x, `${name}.block.${layer++}`, { out: hidden });
    x = unit(x, `${name}.block.${layer++}`, { out: hidden, kernel, stride, groups: hidden });
    x = squeezeExcitation(x, `${name}.block.${layer++}`, Math.max(1, Math.floor(channels / 4)));
    x = normalized(x, `${name}.block.${layer}`, { out });
    return stride === 1 && channels === out ? g.add(x, input) : x;
  };

  let x = unit(g.input('images', ['batch', 3, image, image]), 'features.0', { out: 32, kernel: 3, stride: 2 });
  STAGES.forEach(([expansion, kernel, stride, out, count], stage) => {
    for (let i = 0; i < count; i++)
      x = block(x, `features.${stage + 1}.${i}`, [expansion, kernel, i === 0 ? stride : 1, out]);
  });
  x = unit(x, 'features.8', { out: 1280 });
  return g.build([g.linear(g.globalAvgPool(x), 'classifier.1', { out: classes })]);
}
