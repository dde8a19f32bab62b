// ConvNeXt (arXiv 2201.03545) with torchvision's parameter names (torchvision.models.convnext).
import { GraphBuilder, type ValueRef } from '../builder.js';
import type { Graph } from '../graph.js';

export interface ConvnextConfig {
  /** Blocks of the third of four stages; the others have three. 9 is Tiny, 27 Small and Base. */
  readonly depth: number;
  /** Channels of the first stage; each later one has twice as many. 96 is Tiny and Small, 128 Base. */
  readonly width: number;
  readonly classes: number;
  /** Height and width of an image in pixels. */
  readonly image: number;
}

const LAYER_NORM_EPSILON = 1e-6;

/** The graph of a ConvNeXt: images `[batch, 3, image, image]` to logits `[batch, classes]`. */
export function buildConvnext({ depth, width, classes, image }: ConvnextConfig): Graph {
  const g = new GraphBuilder('convnext');

  const channelLast = (x: ValueRef): ValueRef => g.transpose(x, [0, 2, 3, 1]);
  const channelFirst = (x: ValueRef): ValueRef => g.transpose(x, [0, 3, 1, 2]);
  const norm = (x: ValueRef, name: string): ValueRef =>
    channelFirst(g.layerNorm(channelLast(x), name, LAYER_NORM_EPSILON));
  const block = (x: ValueRef, name: string, channels: number): ValueRef => {
    const options = { out: channels, kernel: 7, padding: 3, groups: channels };
    const mixed = channelLast(g.conv2d(x, `${name}.block.0`, options));
    const hidden = g.linear(g.layerNorm(mixed, `${name}.block.2`, LAYER_NORM_EPSILON), `${name}.block.3`, {
      out: 4 * channels,
    });
    const result = channelFirst(g.linear(g.activation(hidden, 'gelu'), `${name}.block.5`, { out: channels }));
    return g.add(g.scale(result, `${name}.layer_scale`), x);
  };

  const images = g.input('images', ['batch', 3, image, image]);
  let x = norm(g.conv2d(images, 'features.0.0', { out: width, kernel: 4, stride: 4 }), 'features.0.1');
  for (let stage = 0; stage < 4; stage++) {
    const channels = width * 2 ** stage;
    if (stage > 0) {
      const name = `features.${2 * stage}`;
      x = g.conv2d(norm(x, `${name}.0`), `${name}.1`, { out: channels, kernel: 2, stride: 2 });
    }
    for (let i = 0; i < (stage === 2 ? depth : 3); i++) x = block(x, `features.${2 * stage + 1}.${i}`, channels);
  }
  const pooled = g.layerNorm(g.globalAvgPool(x), 'classifier.0', LAYER_NORM_EPSILON);
  return g.build([g.linear(pooled, 'classifier.2', { out: classes })]);
}
