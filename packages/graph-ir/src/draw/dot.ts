// Pictures as DOT, for Graphviz.
import type { FoldedDrawing } from './fold.js';
import { INK, type NodeStyle, SHORTCUT, STYLES } from './styles.js';

const SHAPES: Readonly<Record<NodeStyle['shape'], string>> = {
  box: 'shape=box',
  round: 'shape=box style="filled,rounded"',
  pill: 'shape=oval',
  hexagon: 'shape=hexagon',
  trapezoid: 'shape=invtrapezium',
};

/** The drawing in the language of Graphviz. */
export function toDot({ title, nodes, edges, folds }: FoldedDrawing): string {
  const declare = (i: number): string => {
    const { kind, title: name, details } = nodes[i];
    const { fill, stroke, shape } = STYLES[kind];
    return `n${i} [label=${quoted([name, ...details].join('\n'))} ${SHAPES[shape]} fillcolor="${fill}" color="${stroke}"];`;
  };
  const framed = new Set<number>();
  const frames = folds.flatMap(({ start, length, count }, i) => {
    const inside = Array.from({ length }, (_, k) => start + k);
    for (const node of inside) framed.add(node);
    return [
      `  subgraph cluster_${i} {`,
      `    label=${quoted(`×${count}`)}; style=rounded; color="#8c959f";`,
      ...inside.map((node) => `    ${declare(node)}`),
      '  }',
    ];
  });
  const loose = nodes.flatMap((_, i) => (framed.has(i) ? [] : [`  ${declare(i)}`]));
  const lines = edges.map(({ from, to, isShortcut }) =>
    isShortcut ? `  n${from} -> n${to} [color="${SHORTCUT}" penwidth=2];` : `  n${from} -> n${to};`,
  );
  return [
    `digraph ${quoted(title)} {`,
    `  node [style=filled fontname="Helvetica" fontsize=10 fontcolor="${INK}"];`,
    '  edge [color="#57606a" arrowsize=0.6];',
    ...frames,
    ...loose,
    ...lines,
    '}',
    '',
  ].join('\n');
}

const quoted = (text: string): string =>
  `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
