import { describe, expect, it } from 'vitest';
import { buildArchitecture, estimateCost, GraphBuilder, parseArchitecture } from '../src/index.js';

const costOf = (architecture: string, sizes: Record<string, number>) =>
  estimateCost(buildArchitecture(parseArchitecture(architecture)), sizes);

describe('estimateCost', () => {
  it('counts a small network by hand', () => {
    const g = new GraphBuilder('net');
    const image = g.input('image', ['batch', 3, 8, 8]);
    const conv = g.activation(g.conv2d(image, 'conv', { out: 4, kernel: 3, padding: 1 }), 'relu');
    const graph = g.build([g.linear(g.globalAvgPool(conv), 'fc', { out: 10 })]);
    expect(estimateCost(graph, { batch: 2 })).toEqual({
      // Each of 4·8·8 outputs sums 27 products; relu, the mean's 4 and the head.
      flops: 2 * (2 * 256 * 27 + 256 + 4 + 2 * 10 * 4),
      activations: 2 * (256 + 256 + 4 + 10),
    });
  });

  it('has the published magnitudes: 1.8, 4.1 and 15.5 billion multiply-adds of ResNet-18, ResNet-50 and VGG-16', () => {
    for (const [name, multiplyAdds] of [
      ['resnet18', 1.8],
      ['resnet50', 4.1],
      ['vgg16', 15.5],
    ] as const)
      expect(costOf(name, { batch: 1 }).flops / 2e9).toBeCloseTo(multiplyAdds, 1);
  });

  it('grows with the square of a text in attention alone', () => {
    const [short, long] = [256, 512].map((time) => costOf('gpt2', { batch: 1, time }).flops);
    // 12 layers: 4 · time² · 768.
    expect(long - 2 * short).toBeCloseTo(12 * 4 * 768 * (512 ** 2 - 2 * 256 ** 2), -6);
  });

  it('names a dimension without a size', () => {
    expect(() => costOf('gpt2', { batch: 1 })).toThrow('the cost of "gpt2" depends on "time": give it a size');
  });
});
