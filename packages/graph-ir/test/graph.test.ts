import { describe, expect, it } from 'vitest';
import {
  ARCHITECTURE_PRESETS,
  buildArchitecture,
  buildGpt2,
  buildVit,
  formatArchitecture,
  GraphBuilder,
  parameterCount,
  parseArchitecture,
  validate,
} from '../src/index.js';

describe('GraphBuilder', () => {
  it('infers shapes through a network', () => {
    const g = new GraphBuilder('net');
    const images = g.input('images', ['batch', 3, 32, 32]);
    const x = g.maxPool(g.conv2d(images, 'conv', { out: 8, kernel: 3, stride: 2, padding: 1 }), { kernel: 2 });
    expect(x.shape).toEqual(['batch', 8, 8, 8]);
    expect(g.reshape(x, [0, -1]).shape).toEqual(['batch', 512]);
    expect(g.globalAvgPool(x).shape).toEqual(['batch', 8]);
  });

  it.each([
    [
      'heads that do not divide the features',
      (g: GraphBuilder) => g.attention(g.input('x', ['b', 4, 30]), 'attn', { heads: 4, causal: false }),
      /attention "attn": attention of 4 heads wants/,
    ],
    [
      'shapes that do not broadcast',
      (g: GraphBuilder) => g.add(g.input('x', [2, 3]), g.input('y', [2, 4])),
      /add "add_0": cannot broadcast \[2, 3\] with \[2, 4\]/,
    ],
    [
      'a shared parameter of another shape',
      (g: GraphBuilder) =>
        g.linear(g.linear(g.input('x', ['b', 4]), 'a', { out: 4 }), 'b', { out: 5, weight: 'a.weight' }),
      /parameter "a.weight" is \[4, 4\] in one layer and \[5, 4\] in another/,
    ],
    [
      'a reshape to another size',
      (g: GraphBuilder) => g.reshape(g.input('x', ['b', 6]), [0, 4]),
      /reshape "reshape_0": cannot reshape/,
    ],
    [
      'a window larger than its image',
      (g: GraphBuilder) => g.maxPool(g.input('x', ['b', 1, 2, 2]), { kernel: 3 }),
      /a window of 3 does not fit/,
    ],
    [
      'two layers of one name',
      (g: GraphBuilder) => g.linear(g.linear(g.input('x', ['b', 4]), 'fc', { out: 4 }), 'fc', { out: 4 }),
      /two values are named "fc"/,
    ],
  ])('refuses %s', (_, build, message) => {
    expect(() => build(new GraphBuilder('bad'))).toThrow(message);
  });

  it('refuses a parameter that no operator uses', () => {
    const g = new GraphBuilder('net');
    const graph = g.build([g.linear(g.input('x', ['b', 4]), 'fc', { out: 2 })]);
    const extra = { name: 'extra', shape: [3], layout: 'features' } as const;
    expect(() => validate({ ...graph, parameters: [...graph.parameters, extra] })).toThrow(
      'no operator uses the parameter "extra"',
    );
  });
});

describe('builders', () => {
  it.each([
    // ViTs by hand: layers · (12 d² + 13 d) + 13 d (patches) + d (token) + 257 d (positions) + 2 d (norm) + 10 (d + 1); GPT-2s as published.
    ['vit-s', 21_402_250],
    ['vit-b', 85_271_818],
    ['vit-l', 302_599_178],
    ['gpt2', 124_439_808],
    ['gpt2-medium', 354_823_168],
    ['gpt2-large', 774_030_080],
    ['gpt2-xl', 1_557_611_200],
    ['gpt2-large:tied=false', 838_359_040],
  ])('%s has %i parameters', (name, count) => {
    expect(parameterCount(buildArchitecture(parseArchitecture(name)))).toBe(count);
  });

  it('refuse sizes that do not fit', () => {
    expect(() => buildVit({ layers: 1, heads: 3, hidden: 16, mlp: 32, patch: 4, classes: 2, image: 32 })).toThrow(
      'vit: 3 heads do not divide 16 features',
    );
    expect(() => buildVit({ layers: 1, heads: 2, hidden: 16, mlp: 32, patch: 5, classes: 2, image: 32 })).toThrow(
      'vit: a patch of 5 does not divide an image of 32',
    );
    expect(() => buildGpt2({ layers: 1, heads: 3, hidden: 16, vocab: 9, context: 8, tied: true })).toThrow(
      'gpt2: 3 heads do not divide 16 features',
    );
  });
});

describe('parseArchitecture', () => {
  it('reads back what formatArchitecture writes, for every preset', () => {
    for (const name of Object.keys(ARCHITECTURE_PRESETS)) {
      const architecture = parseArchitecture(name);
      expect(parseArchitecture(formatArchitecture(architecture))).toEqual(architecture);
    }
  });

  it.each([
    ['vit-x', 'unknown architecture "vit-x"; known are vit, vit-s'],
    ['vit:width=3', '"vit:width=3": vit has no size "width"; known are layers, heads, hidden'],
    ['vit:layers=0', '"vit:layers=0": layers is a positive integer, got "0"'],
    ['vit:layers', '"vit:layers": layers is a positive integer, got ""'],
    ['gpt2:layers=1,layers=2', '"gpt2:layers=1,layers=2": layers is given twice'],
    ['gpt2:tied=yes', '"gpt2:tied=yes": tied is true or false, got "yes"'],
  ])('refuses %s', (text, message) => {
    expect(() => parseArchitecture(text)).toThrow(message);
  });
});
