import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Drawing,
  drawComputationalGraph,
  drawGraph,
  fold,
  heatMap,
  toDot,
  toMermaid,
  toSvg,
} from '../src/draw.js';
import { buildArchitecture, parseArchitecture, toComputationalGraph } from '../src/index.js';

const graphOf = (architecture: string) => buildArchitecture(parseArchitecture(architecture));
const computational = (architecture: string): Drawing =>
  drawComputationalGraph(toComputationalGraph(graphOf(architecture)), architecture);

/** A chain of nodes with these signatures, and shortcuts from `from` to `to`. */
const chain = (signatures: string[], shortcuts: ReadonlyArray<readonly [number, number]> = []): Drawing => ({
  title: 'chain',
  nodes: signatures.map((signature) => ({ kind: 'weights', title: signature, details: [], hint: '', signature })),
  edges: [
    ...signatures.slice(1).map((_, i) => ({ from: i, to: i + 1, isShortcut: false })),
    ...shortcuts.map(([from, to]) => ({ from, to, isShortcut: true })),
  ],
});

describe('fold', () => {
  it('leaves runs open that are asked for, by where they begin', () => {
    const drawing = drawGraph(graphOf('vit-s'));
    const { folds, nodes } = fold(drawing);
    expect(folds).toHaveLength(1);
    const [{ origin, length, count }] = folds;
    expect(fold(drawing, new Set([origin])).nodes).toHaveLength(nodes.length + (count - 1) * length);
    expect(fold(drawing, new Set([origin + 1])).nodes).toHaveLength(nodes.length);
  });

  it('draws the blocks of transformers once', () => {
    for (const architecture of ['vit-s', 'gpt2', 'llama2-7b']) {
      const layers = architecture === 'llama2-7b' ? 32 : 12;
      expect(fold(computational(architecture)).folds.map(({ count }) => count)).toEqual([layers]);
      expect(fold(drawGraph(graphOf(architecture))).folds.map(({ count }) => count)).toEqual([layers]);
    }
  });

  it('folds the equal blocks of each stage of a ResNet', () => {
    const { folds } = fold(computational('resnet50'));
    // Of 3, 4, 6 and 3 blocks the first of each stage has a projection.
    expect(folds).toEqual([2, 3, 5, 2].map((count) => expect.objectContaining({ length: 7, count })));
  });

  it('does not fold what is joined differently', () => {
    const blocks = ['a', 'b', 'c', 'a', 'b', 'c', 'a', 'b', 'c'];
    expect(fold(chain(['x', ...blocks])).folds).toEqual([{ start: 1, length: 3, count: 3, origin: 1 }]);
    expect(fold(chain(['x', ...blocks], [[0, 6]])).folds).toEqual([]);
  });

  it('loses no node, and keeps every edge forward and every node joined, of any chain', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 40 }), (signatures) => {
        const { nodes, edges, folds } = fold(chain(signatures));
        const hidden = folds.reduce((sum, { length, count }) => sum + length * (count - 1), 0);
        expect(nodes.length + hidden).toBe(signatures.length);
        for (const { from, to } of edges) expect(from).toBeLessThan(to);
        const joined = new Set(edges.flatMap(({ from, to }) => [from, to]));
        if (nodes.length > 1) expect(joined.size).toBe(nodes.length);
      }),
    );
  });
});

describe('pictures', () => {
  it('mark the way round a block, not a positional encoding or the operand before', () => {
    const { nodes, edges } = computational('vit:layers=1,heads=2,hidden=16,mlp=32');
    const shortcuts = edges.filter(({ isShortcut }) => isShortcut);
    expect(shortcuts.map(({ from, to }) => `${nodes[from].title} to ${nodes[to].title}`)).toEqual([
      'sum to sum',
      'sum to sum',
    ]);
  });

  it('as DOT declare every node once, in frames where it repeats', () => {
    const dot = toDot(fold(computational('vit-s')));
    expect(dot.match(/^ +n\d+ \[/gm)).toHaveLength(21);
    expect(dot).toContain('label="×12"; style=rounded');
    expect(dot).toContain('n6 [label="conv\\n1152×384" shape=box fillcolor="#b6d7f4" color="#1f6fb2"];');
    expect(dot.match(/ -> /g)).toHaveLength(fold(computational('vit-s')).edges.length);
    expect(toDot(fold(chain(['say "hi"\\'])))).toContain('label="say \\"hi\\"\\\\"');
  });

  it('as Mermaid too', () => {
    const mermaid = toMermaid(fold(computational('gpt2')));
    expect(mermaid.startsWith('flowchart TD\n  subgraph f0["×12"]\n')).toBe(true);
    expect(mermaid.match(/:::\w+$/gm)).toHaveLength(18);
    expect(mermaid).toMatch(/linkStyle [\d,]+ stroke:/);
    expect(toMermaid(fold(chain(['a"b<c'])))).toContain('n0["a#34;b#60;c"]');
  });

  it('as SVG place nodes apart from each other and draw every edge', () => {
    const drawing = fold(drawGraph(graphOf('resnet18')));
    const svg = toSvg(drawing);
    const boxes = [
      ...svg.matchAll(
        /<g data-node="\d+"><title>[^<]*<\/title>(?:<rect x="([\d.-]+)" y="([\d.-]+)" width="([\d.]+)" height="([\d.]+)")?/g,
      ),
    ]
      .filter(([, x]) => x !== undefined)
      .map(([, ...numbers]) => numbers.map(Number));
    expect(svg.match(/<g data-node=/g)).toHaveLength(drawing.nodes.length);
    for (const [i, [x, y, width, height]] of boxes.entries())
      for (const [ox, oy, owidth, oheight] of boxes.slice(i + 1))
        expect(x + width <= ox || ox + owidth <= x || y + height <= oy || oy + oheight <= y).toBe(true);
    expect(svg.match(/marker-end/g)).toHaveLength(drawing.edges.length);
    expect(svg).toContain('>weight 64×3×7×7</text>');
  });

  it('as SVG say on hover what a node is, and have a background where they are opened alone', () => {
    const svg = toSvg(fold(drawGraph(graphOf('vit-s'))));
    expect(svg).toContain(
      '<title>conv_proj: conv2d, gives [batch, 384, 16, 16]; weight conv_proj.weight [384, 3, 2, 2]; bias conv_proj.bias [384]</title>',
    );
    expect(svg).toContain('svg:root{color-scheme:light dark;');
    expect(svg).toMatch(/prefers-color-scheme:dark\)\{svg:root\{color:#\w+;background:#\w+\}/);
  });

  it('of distances show every pair with a path once', () => {
    const graph = toComputationalGraph(graphOf('vit:layers=2,heads=2,hidden=16,mlp=32'));
    const svg = heatMap(graph, 'a <ViT>');
    const drawn = [...svg.matchAll(/M\d+ \d+h(\d+)v1/g)].reduce((sum, [, length]) => sum + Number(length), 0);
    expect(drawn).toBe(graph.distances.filter((distance) => distance > 0).length);
    expect(svg).toContain('a &#60;ViT&#62;');
  });

  it('of distances are as wide as is asked for, with letters of one size', () => {
    const graph = toComputationalGraph(graphOf('vit:layers=2,heads=2,hidden=16,mlp=32'));
    const sizes = [undefined, 350, 100].map((width) => {
      const svg = heatMap(graph, 'ViT', width === undefined ? {} : { width });
      expect(svg.match(/font-size="12"/g)).toHaveLength(6);
      return Number(/viewBox="0 0 (\d+) /.exec(svg)?.[1]);
    });
    expect(sizes).toEqual([674, 350, 240]);
  });
});
