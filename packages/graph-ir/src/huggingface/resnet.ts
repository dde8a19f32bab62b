// Residual networks with Hugging Face's names (transformers.ResNetForImageClassification).
import { GraphBuilder, type ValueRef } from '../builder.js';
import type { ActivationFunction, Graph } from '../graph.js';

export interface HuggingFaceResnetConfig {
  /** Channels of the first convolution. */
  readonly embedding: number;
  /** Channels and blocks of each stage. */
  readonly hidden: readonly number[];
  readonly depths: readonly number[];
  readonly isBottleneck: boolean;
  readonly downsampleInFirstStage: boolean;
  readonly downsampleInBottleneck: boolean;
  readonly channels: number;
  readonly image: number;
  /** Left out for features of images alone; then names have no "resnet.". */
  readonly classes?: number;
  readonly activation: ActivationFunction;
}

const REDUCTION = 4;

/**
 * The graph of a ResNet: images `[batch, channels, image, image]` to logits `[batch, classes]`, or to features and their means over pixels. Batch norms
 * have the statistics that training gathered as parameters. Throws GraphError when sizes do not fit each other.
 */
export function buildHuggingFaceResnet(config: HuggingFaceResnetConfig): Graph {
  const { embedding, hidden, depths, isBottleneck, channels, image, classes, activation } = config;
  const g = new GraphBuilder('resnet');
  const convolution = (x: ValueRef, name: string, out: number, kernel: number, stride: number): ValueRef =>
    g.batchNorm(
      g.conv2d(x, `${name}.convolution`, { out, kernel, stride, padding: Math.floor(kernel / 2), hasBias: false }),
      `${name}.normalization`,
      1e-5,
      { hasStatistics: true },
    );
  const block = (x: ValueRef, name: string, out: number, stride: number): ValueRef => {
    const narrow = out / REDUCTION;
    const [first, second] = config.downsampleInBottleneck ? [stride, 1] : [1, stride];
    const steps = isBottleneck
      ? ([
          [narrow, 1, first],
          [narrow, 3, second],
          [out, 1, 1],
        ] as const)
      : ([
          [out, 3, stride],
          [out, 3, 1],
        ] as const);
    let result = x;
    steps.forEach(([width, kernel, step], i) => {
      result = convolution(result, `${name}.layer.${i}`, width, kernel, step);
      if (i < steps.length - 1) result = g.activation(result, activation);
    });
    const isSame = x.shape[1] === out && stride === 1;
    return g.activation(g.add(result, isSame ? x : convolution(x, `${name}.shortcut`, out, 1, stride)), activation);
  };

  const prefix = classes === undefined ? '' : 'resnet.';
  const images = g.input('pixel_values', ['batch', channels, image, image]);
  const stem = convolution(images, `${prefix}embedder.embedder`, embedding, 7, 2);
  let x = g.maxPool(g.activation(stem, activation), { kernel: 3, stride: 2, padding: 1 });
  hidden.forEach((out, stage) => {
    const stride = stage > 0 || config.downsampleInFirstStage ? 2 : 1;
    for (let i = 0; i < (depths[stage] ?? 0); i++)
      x = block(x, `${prefix}encoder.stages.${stage}.layers.${i}`, out, i === 0 ? stride : 1);
  });
  if (classes === undefined) return g.build([x, g.adaptiveAvgPool(x, 1)]);
  return g.build([g.linear(g.globalAvgPool(x), 'classifier.1', { out: classes })]);
}
