// How the cost of lowering grows with depth: nodes are linear in layers, pairs of nodes quadratic.
import { bench, describe } from 'vitest';
import { buildGpt2, toComputationalGraph } from '../src/index.js';

describe('GPT-2 to a computational graph with all distances', () => {
  for (const [name, layers] of [
    ['small, 12 layers', 12],
    ['medium, 24 layers', 24],
    ['large, 36 layers', 36],
    ['XL, 48 layers', 48],
  ] as const) {
    const graph = buildGpt2({ layers, heads: 25, hidden: 1600, vocab: 50257, context: 1024, tied: true });
    bench(name, () => {
      toComputationalGraph(graph);
    });
  }
});
