// The networks of the studies by text: every architecture of @logah/graph-ir, and MLP-Mixers, which it has no builder for.
import { buildArchitecture, GraphBuilder, parseArchitecture } from '@logah/graph-ir';

/** The graph of a text such as `vit:layers=3,…` or `mixer:layers=3,hidden=48,mlp=192,tokens=64,patch=8`. Throws Error for a mixer's size that is missing or none. */
export function graphOf(text) {
  if (!text.startsWith('mixer:')) return buildArchitecture(parseArchitecture(text));
  const sizes = Object.fromEntries(
    text
      .slice('mixer:'.length)
      .split(',')
      .map((change) => change.split('=')),
  );
  const [layers, hidden, mlp, tokens, patch] = ['layers', 'hidden', 'mlp', 'tokens', 'patch'].map((name) => {
    const size = Number(sizes[name]);
    if (!Number.isSafeInteger(size) || size < 1)
      throw new Error(`"${text}": ${name} should be a positive integer, got "${sizes[name]}"`);
    return size;
  });
  return buildMixer({ layers, hidden, mlp, tokens, patch, classes: 10, image: 32 });
}

/**
 * An MLP-Mixer (arXiv 2105.01601): images `[batch, 3, image, image]` to logits `[batch, classes]`; `tokens` are the features of the MLPs
 * that mix patches, `mlp` those of the MLPs that mix channels.
 */
function buildMixer({ layers, hidden, mlp, tokens, patch, classes, image }) {
  const g = new GraphBuilder('mixer');
  const branch = (x, name, features) => {
    const [, , out] = x.shape;
    return g.linear(g.activation(g.linear(x, `${name}.fc1`, { out: features }), 'gelu'), `${name}.fc2`, { out });
  };
  const turned = (x) => g.transpose(x, [0, 2, 1]);
  const images = g.input('images', ['batch', 3, image, image]);
  let x = turned(g.reshape(g.conv2d(images, 'stem.proj', { out: hidden, kernel: patch, stride: patch }), [0, 0, -1]));
  for (let i = 0; i < layers; i++) {
    const name = `blocks.${i}`;
    x = g.add(x, turned(branch(turned(g.layerNorm(x, `${name}.norm1`)), `${name}.mlp_tokens`, tokens)));
    x = g.add(x, branch(g.layerNorm(x, `${name}.norm2`), `${name}.mlp_channels`, mlp));
  }
  const last = turned(g.layerNorm(x, 'norm'));
  const patches = (image / patch) ** 2;
  // The mean over patches, as global pooling of images of one column.
  const pooled = g.globalAvgPool(g.reshape(last, [0, 0, patches, 1]));
  return g.build([g.linear(pooled, 'head', { out: classes })]);
}
