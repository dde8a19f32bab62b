// MobileNetV2 (arXiv 1801.04381) with torchvision's parameter names (torchvision.models.mobilenetv2).
import { GraphBuilder, type ValueRef } from '../builder.js';
import type { Graph } from '../graph.js';

export interface MobilenetConfig {
  readonly classes: number;
  /** Height and width of an image in pixels. */
  readonly image: number;
}

/** Table 2 of the paper: expansion, channels, blocks, stride of the first block. */
const STAGES = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
] as const;

/** The graph of a MobileNetV2 of width 1: images `[batch, 3, image, image]` to logits `[batch, classes]`. */
export function buildMobilenet({ classes, image }: MobilenetConfig): Graph {
  const g = new GraphBuilder('mobilenet_v2');

  const normalized = (
    x: ValueRef,
    [convolution, norm]: readonly [string, string],
    options: { out: number; kernel?: number; stride?: number; groups?: number },
  ): ValueRef => {
    const { out, kernel = 1, stride = 1, groups = 1 } = options;
    const padding = (kernel - 1) / 2;
    return g.batchNorm(g.conv2d(x, convolution, { out, kernel, stride, padding, groups, hasBias: false }), norm);
  };
  const unit = (x: ValueRef, name: string, options: Parameters<typeof normalized>[2]): ValueRef =>
    g.activation(normalized(x, [`${name}.0`, `${name}.1`], options), 'relu6');
  const block = (input: ValueRef, name: string, expansion: number, out: number, stride: number): ValueRef => {
    const channels = Number(input.shape[1]);
    const hidden = channels * expansion;
    let layer = 0;
    let x = input;
    if (expansion > 1) x = unit(x, `${name}.conv.${layer++}`, { out: hidden });
    x = unit(x, `${name}.conv.${layer++}`, { out: hidden, kernel: 3, stride, groups: hidden });
    x = normalized(x, [`${name}.conv.${layer}`, `${name}.conv.${layer + 1}`], { out });
    return stride === 1 && channels === out ? g.add(input, x) : x;
  };

  let x = unit(g.input('images', ['batch', 3, image, image]), 'features.0', { out: 32, kernel: 3, stride: 2 });
  let index = 1;
  for (const [expansion, out, count, stride] of STAGES) {
    for (let i = 0; i < count; i++) x = block(x, `features.${index++}`, expansion, out, i === 0 ? stride : 1);
  }
  x = unit(x, `features.${index}`, { out: 1280 });
  return g.build([g.linear(g.globalAvgPool(x), 'classifier.1', { out: classes })]);
}
