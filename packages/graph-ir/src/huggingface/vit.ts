// Vision transformers with the names that Hugging Face's checkpoint files have (transformers.ViTForImageClassification).

import { GraphBuilder, type ValueRef } from '../builder.js';
import { type ActivationFunction, type Graph, GraphError } from '../graph.js';

export interface HuggingFaceVitConfig {
  readonly layers: number;
  readonly heads: number;
  readonly hidden: number;
  readonly mlp: number;
  readonly patch: number;
  readonly image: number;
  readonly channels: number;
  /** Left out for features of patches and of the whole image; then names have no "vit.". */
  readonly classes?: number;
  readonly activation: ActivationFunction;
  readonly epsilon: number;
  readonly hasQkvBias: boolean;
}

/** The graph of a ViT: images `[batch, channels, image, image]` to logits `[batch, classes]`, or to features. Throws {@link GraphError} when sizes do not fit each other. */
export function buildHuggingFaceVit(config: HuggingFaceVitConfig): Graph {
  const { layers, heads, hidden, mlp, patch, image, channels, classes, activation, epsilon, hasQkvBias } = config;
  if (image % patch !== 0) throw new GraphError(`vit: a patch of ${patch} does not divide an image of ${image}`);
  const g = new GraphBuilder('vit');
  const block = (input: ValueRef, name: string): ValueRef => {
    const normed = g.layerNorm(input, `${name}.layernorm_before`, epsilon);
    const project = (role: string): ValueRef =>
      g.linear(normed, `${name}.attention.attention.${role}`, { out: hidden, hasBias: hasQkvBias });
    const attended = g.groupedAttention([project('query'), project('key'), project('value')], `${name}.attention`, {
      heads,
      keyValueHeads: heads,
      causal: false,
    });
    const x = g.add(g.linear(attended, `${name}.attention.output.dense`, { out: hidden }), input);
    const inner = g.linear(g.layerNorm(x, `${name}.layernorm_after`, epsilon), `${name}.intermediate.dense`, {
      out: mlp,
    });
    return g.add(g.linear(g.activation(inner, activation), `${name}.output.dense`, { out: hidden }), x);
  };

  const prefix = classes === undefined ? '' : 'vit.';
  const images = g.input('pixel_values', ['batch', channels, image, image]);
  const patches = g.conv2d(images, `${prefix}embeddings.patch_embeddings.projection`, {
    out: hidden,
    kernel: patch,
    stride: patch,
  });
  const sequence = g.transpose(g.reshape(patches, [0, 0, -1]), [0, 2, 1]);
  const tokens = (image / patch) ** 2 + 1;
  let x = g.add(
    g.prependToken(sequence, `${prefix}embeddings.cls_token`),
    g.positionEmbedding(`${prefix}embeddings.position_embeddings`, tokens, hidden),
  );
  for (let i = 0; i < layers; i++) x = block(x, `${prefix}encoder.layer.${i}`);
  x = g.layerNorm(x, `${prefix}layernorm`, epsilon);
  if (classes === undefined)
    return g.build([x, g.activation(g.linear(g.select(x, 1, 0), 'pooler.dense', { out: hidden }), 'tanh')]);
  return g.build([g.linear(g.select(x, 1, 0), 'classifier', { out: classes })]);
}
