// Vision transformers with the names that Hugging Face's checkpoint files have (transformers.ViTForImageClassification,
// DeiTForImageClassification, DeiTForImageClassificationWithTeacher).

import { GraphBuilder, type ValueRef } from '../builder.js';
import { type ActivationFunction, type Graph, GraphError } from '../graph.js';

export interface HuggingFaceVitConfig {
  /** A DeiT has a second token, which learns from a teacher. */
  readonly family: 'vit' | 'deit';
  readonly layers: number;
  readonly heads: number;
  readonly hidden: number;
  readonly mlp: number;
  readonly patch: number;
  readonly image: number;
  readonly channels: number;
  /** Classes from the first token, means of those from both, or features of patches and of the whole image; then names have no "vit." or "deit.". */
  readonly head:
    | { readonly type: 'classes' | 'distilled-classes'; readonly classes: number }
    | { readonly type: 'none' };
  readonly activation: ActivationFunction;
  readonly epsilon: number;
  readonly hasQkvBias: boolean;
}

/** The graph of a ViT: images `[batch, channels, image, image]` to logits `[batch, classes]`, or to features. Throws {@link GraphError} when sizes do not fit each other. */
export function buildHuggingFaceVit(config: HuggingFaceVitConfig): Graph {
  const { family, layers, heads, hidden, mlp, patch, image, channels, activation, epsilon, hasQkvBias, head } = config;
  if (image % patch !== 0) throw new GraphError(`${family}: a patch of ${patch} does not divide an image of ${image}`);
  const g = new GraphBuilder(family);
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

  const prefix = head.type === 'none' ? '' : `${family}.`;
  const images = g.input('pixel_values', ['batch', channels, image, image]);
  const patches = g.conv2d(images, `${prefix}embeddings.patch_embeddings.projection`, {
    out: hidden,
    kernel: patch,
    stride: patch,
  });
  const sequence = g.transpose(g.reshape(patches, [0, 0, -1]), [0, 2, 1]);
  const marked = family === 'deit' ? g.prependToken(sequence, `${prefix}embeddings.distillation_token`) : sequence;
  const tokens = (image / patch) ** 2 + (family === 'deit' ? 2 : 1);
  let x = g.add(
    g.prependToken(marked, `${prefix}embeddings.cls_token`),
    g.positionEmbedding(`${prefix}embeddings.position_embeddings`, tokens, hidden),
  );
  for (let i = 0; i < layers; i++) x = block(x, `${prefix}encoder.layer.${i}`);
  x = g.layerNorm(x, `${prefix}layernorm`, epsilon);
  const token = (place: number): ValueRef => g.select(x, 1, place);
  switch (head.type) {
    case 'none':
      return g.build([x, g.activation(g.linear(token(0), 'pooler.dense', { out: hidden }), 'tanh')]);
    case 'classes':
      return g.build([g.linear(token(0), 'classifier', { out: head.classes })]);
    case 'distilled-classes': {
      const own = g.linear(token(0), 'cls_classifier', { out: head.classes });
      const teacher = g.linear(token(1), 'distillation_classifier', { out: head.classes });
      return g.build([g.times(g.add(own, teacher), 0.5)]);
    }
  }
}
