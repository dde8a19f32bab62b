// Vision transformers with torchvision's parameter names (torchvision.models.vision_transformer).
import { GraphBuilder, type ValueRef } from '../builder.js';
import { type Graph, GraphError } from '../graph.js';

/** The sizes of a vision transformer. */
export interface VitConfig {
  readonly layers: number;
  readonly heads: number;
  /** Features of a token. */
  readonly hidden: number;
  /** Features of the MLP's hidden layer. */
  readonly mlp: number;
  /** Height and width of a patch in pixels; divides `image`. */
  readonly patch: number;
  readonly classes: number;
  /** Height and width of an image in pixels. */
  readonly image: number;
}

const LAYER_NORM_EPSILON = 1e-6;

/**
 * The graph of a vision transformer: images `[batch, 3, image, image]` to logits `[batch, classes]`.
 * Throws {@link GraphError} when the patch does not divide the image or the heads do not divide the features.
 */
export function buildVit(config: VitConfig): Graph {
  const { layers, heads, hidden, mlp, patch, classes, image } = config;
  if (image % patch !== 0) throw new GraphError(`vit: a patch of ${patch} does not divide an image of ${image}`);
  if (hidden % heads !== 0) throw new GraphError(`vit: ${heads} heads do not divide ${hidden} features`);
  const g = new GraphBuilder('vit');
  const tokens = (image / patch) ** 2 + 1;

  const block = (input: ValueRef, name: string): ValueRef => {
    const attended = g.linear(
      g.attention(
        g.linear(g.layerNorm(input, `${name}.ln_1`, LAYER_NORM_EPSILON), `${name}.self_attention.in_proj`, {
          out: 3 * hidden,
          weight: `${name}.self_attention.in_proj_weight`,
          bias: `${name}.self_attention.in_proj_bias`,
        }),
        `${name}.self_attention`,
        { heads, causal: false },
      ),
      `${name}.self_attention.out_proj`,
      { out: hidden },
    );
    const x = g.add(attended, input);
    const expanded = g.linear(g.layerNorm(x, `${name}.ln_2`, LAYER_NORM_EPSILON), `${name}.mlp.0`, { out: mlp });
    return g.add(x, g.linear(g.activation(expanded, 'gelu'), `${name}.mlp.3`, { out: hidden }));
  };

  const images = g.input('images', ['batch', 3, image, image]);
  const patches = g.conv2d(images, 'conv_proj', { out: hidden, kernel: patch, stride: patch });
  const sequence = g.transpose(g.reshape(patches, [0, 0, -1]), [0, 2, 1]); // [batch, patches, hidden]
  let x = g.prependToken(sequence, 'class_token');
  x = g.add(x, g.positionEmbedding('encoder.pos_embedding', tokens, hidden));
  for (let i = 0; i < layers; i++) x = block(x, `encoder.layers.encoder_layer_${i}`);
  x = g.layerNorm(x, 'encoder.ln', LAYER_NORM_EPSILON);
  return g.build([g.linear(g.select(x, 1, 0), 'heads.head', { out: classes })]);
}
