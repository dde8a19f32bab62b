import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  buildArchitecture,
  buildGpt2,
  buildVit,
  GraphBuilder,
  type LoweringOptions,
  parseArchitecture,
  summarizeComputationalGraph,
  toComputationalGraph,
} from '../src/index.js';
import { smallConvnet } from './small-convnet.js';

const golden = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`./fixtures/${name}.json`, import.meta.url), 'utf8'));

describe('toComputationalGraph gives the reference graph, node for node', () => {
  it.each([
    ['vit-l2-h4-d32', 'vit:layers=2,heads=4,hidden=32,mlp=128'],
    ['vit-l9-h8-d128', 'vit:layers=9,heads=8,hidden=128,mlp=512,patch=2,classes=10,image=32'],
    ['vit-s-cifar100', 'vit-s:classes=100'],
    ['resnet18', 'resnet18'],
    ['resnet50', 'resnet50'],
    ['vgg11_bn', 'vgg11_bn'],
  ])('%s', (name, architecture) => {
    const graph = toComputationalGraph(buildArchitecture(parseArchitecture(architecture)));
    expect(summarizeComputationalGraph(graph)).toEqual(golden(name));
  });

  it.each([
    ['gpt2-l2-h4-d32-v257', 'gpt2:layers=2,heads=4,hidden=32,vocab=257,tied=false'],
    ['gpt2-l9-h8-d72', 'gpt2:layers=9,heads=8,hidden=72,vocab=257,tied=false'],
  ])('%s, with the head wired as the reference wires it', (name, architecture) => {
    const graph = toComputationalGraph(buildArchitecture(parseArchitecture(architecture)), { reference: true });
    expect(summarizeComputationalGraph(graph)).toEqual(golden(name));
  });

  it('small-convnet', () => {
    expect(summarizeComputationalGraph(toComputationalGraph(smallConvnet()))).toEqual(golden('small-convnet'));
  });
});

describe('convolutional networks', () => {
  const typesOf = (architecture: string): Record<string, number> => {
    const counts: Record<string, number> = {};
    for (const { op } of toComputationalGraph(buildArchitecture(parseArchitecture(architecture))).nodes)
      counts[op] = (counts[op] ?? 0) + 1;
    return counts;
  };

  it('a squeeze-and-excitation is one node for its product, none for its mean and its sigmoid', () => {
    // 16 blocks: 2 convolutions of each excitation, 1 depthwise, 1 or 2 others; 9 shortcuts.
    expect(typesOf('efficientnet_b0')).toEqual({
      input: 1,
      conv: 2 + 16 * 3 + 15 + 1,
      sep_conv: 16,
      bn: 49,
      bias: 16 * 2 + 1,
      cse: 16,
      sum: 9,
      glob_avg: 1,
    });
  });

  it('a scale of channels has no node and is not predicted', () => {
    expect(typesOf('convnext_tiny')).toEqual({
      input: 1,
      conv: 1 + 3 + 18 * 2 + 1,
      sep_conv: 18,
      ln: 1 + 3 + 18 + 1,
      bias: 1 + 3 + 18 * 3 + 1,
      sum: 18,
      glob_avg: 1,
    });
  });

  it('a concatenation of one value is dropped, depthwise convolutions have a type of their own', () => {
    expect(typesOf('densenet121').concat).toBe(6 + 12 + 24 + 16);
    expect(typesOf('mobilenet_v2')).toMatchObject({ sep_conv: 17, sum: 10, bn: 52 });
  });
});

describe('toComputationalGraph', () => {
  const gpt2 = { layers: 2, heads: 2, hidden: 16, vocab: 50, context: 16 };

  it('hangs an untied head after the last norm', () => {
    const { nodes, edges } = toComputationalGraph(buildGpt2({ ...gpt2, tied: false }));
    expect(nodes.slice(-2).map(({ parameter }) => parameter)).toEqual(['transformer.ln_f.weight', 'lm_head.weight']);
    expect([...edges.slice(-2)]).toEqual([nodes.length - 2, nodes.length - 1]);
  });

  it('gives a tied table one node', () => {
    const { nodes, targets } = toComputationalGraph(buildGpt2({ ...gpt2, tied: true }));
    expect(nodes.filter(({ parameter }) => parameter === 'transformer.wte.weight')).toHaveLength(1);
    expect(targets.filter(({ parameter }) => parameter.name === 'transformer.wte.weight')).toHaveLength(1);
  });

  it('predicts every parameter but the class token, in the order of the graph', () => {
    const graph = buildVit({ layers: 1, heads: 2, hidden: 8, mlp: 16, patch: 4, classes: 3, image: 8 });
    const names = toComputationalGraph(graph).targets.map(({ parameter }) => parameter.name);
    expect(names).toEqual(graph.parameters.map(({ name }) => name).filter((name) => name !== 'class_token'));
  });

  it('reads the bias of a norm off the norm’s own node', () => {
    const { nodes, targets } = toComputationalGraph(buildGpt2({ ...gpt2, tied: true }));
    const [weight, bias] = ['transformer.ln_f.weight', 'transformer.ln_f.bias'].map((name) =>
      targets.find((t) => t.parameter.name === name),
    );
    expect(weight?.node).toBe(bias?.node);
    expect([weight?.role, bias?.role]).toEqual(['norm_weight', 'bias']);
    expect(nodes.map(({ parameter }) => parameter)).not.toContain('transformer.ln_f.bias');
  });

  it('leaves out paths longer than the cutoff', () => {
    const graph = buildVit({ layers: 3, heads: 2, hidden: 8, mlp: 16, patch: 4, classes: 3, image: 8 });
    const summary = summarizeComputationalGraph(toComputationalGraph(graph, { cutoff: 5 }));
    const whole = summarizeComputationalGraph(toComputationalGraph(graph));
    expect(summary.virtualEdges).toBeLessThan(whole.virtualEdges);
    expect(() => toComputationalGraph(graph, { cutoff: 0 })).toThrow('cutoff is an integer in 1..65535, got 0');
  });

  it('sums up the largest distance whole, where the cutoff leaves paths out and where it does not', () => {
    // Shortest paths take each layer's two sums, along its shortcuts; 9 edges lie outside the layers passed so.
    const distances = [3, 12, 24].map((layers) => {
      const graph = buildVit({ layers, heads: 2, hidden: 8, mlp: 16, patch: 4, classes: 3, image: 8 });
      const [cut, whole] = [5, 1000].map((cutoff) =>
        summarizeComputationalGraph(toComputationalGraph(graph, { cutoff })),
      );
      expect(cut.maxDistance).toBe(whole.maxDistance);
      return whole.maxDistance;
    });
    expect(distances).toEqual([15, 33, 57]);
  });

  it('names grouped and dilated convolutions', () => {
    const g = new GraphBuilder('convolutions');
    const x = g.input('x', ['batch', 4, 8, 8]);
    const grouped = g.conv2d(x, 'grouped', { out: 4, kernel: 3, groups: 4 });
    const dilated = g.conv2d(grouped, 'dilated', { out: 4, kernel: 3, groups: 2, dilation: 2 });
    const { nodes } = toComputationalGraph(g.build([g.concat([dilated, dilated], 1)]));
    expect(nodes.map(({ op }) => op)).toEqual(['input', 'sep_conv', 'bias', 'dil_conv', 'bias']);
  });

  const chain = fc.record({ layers: fc.integer({ min: 1, max: 4 }), heads: fc.constantFrom(1, 2), tied: fc.boolean() });

  it('keeps every edge forward, and every distance at most one more than a neighbour’s', () => {
    fc.assert(
      fc.property(chain, (config) => {
        const { nodes, edges, distances } = toComputationalGraph(buildGpt2({ ...gpt2, ...config }));
        const n = nodes.length;
        for (let e = 0; e < edges.length; e += 2) {
          const [from, to] = [edges[e], edges[e + 1]];
          expect(from).toBeLessThan(to);
          expect(distances[from * n + to]).toBe(1);
          for (let i = 0; i < n; i++) {
            const near = i === from ? 0 : distances[i * n + from];
            if (i === from || near > 0) expect(distances[i * n + to]).toBeLessThanOrEqual(near + 1);
          }
        }
      }),
      { numRuns: 20 },
    );
  });
});

describe('reference: true', () => {
  const lower = (architecture: string, options: LoweringOptions = {}) =>
    toComputationalGraph(buildArchitecture(parseArchitecture(architecture)), options);
  const tied = 'gpt2:layers=2,heads=4,hidden=32,vocab=257';

  it('makes a weight that is embedding and head a conv called lm_head.weight, with the values of a matrix', () => {
    const [ours, theirs] = [lower(tied), lower(tied, { reference: true })];
    const changed = ours.nodes.flatMap((node, i) => (node.op === theirs.nodes[i].op ? [] : [[node, theirs.nodes[i]]]));
    const shape = [257, 32];
    expect(changed).toEqual([
      [
        { op: 'pos_enc', parameter: 'transformer.wte.weight', shape },
        { op: 'conv', parameter: 'lm_head.weight', shape },
      ],
    ]);
    expect(theirs.edges).toEqual(ours.edges);
    const shared = ({ targets }: typeof ours) => targets.find(({ parameter }) => parameter.name.endsWith('wte.weight'));
    expect([shared(ours)?.role, shared(theirs)?.role]).toEqual(['embedding', 'matrix']);
    expect(shared(theirs)?.node).toBe(shared(ours)?.node);
  });

  it('makes the product of a squeeze-and-excitation a gate where the vocabulary has one, else cse', () => {
    const products = (options: LoweringOptions) => {
      const ops = lower('efficientnet_b0', options).nodes.map(({ op }) => op);
      return ops.filter((op) => op === 'cse' || op === 'gate');
    };
    expect(new Set(products({ reference: true, nodeTypes: 18 }))).toEqual(new Set(['gate']));
    for (const options of [{ reference: true, nodeTypes: 15 }, { reference: true }, { nodeTypes: 18 }, {}])
      expect(new Set(products(options))).toEqual(new Set(['cse']));
  });

  it('changes nothing of a vision transformer', () => {
    expect(lower('vit-s', { reference: true })).toEqual(lower('vit-s'));
  });
});
