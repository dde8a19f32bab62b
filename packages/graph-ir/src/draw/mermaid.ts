// Pictures as Mermaid flowcharts, which Markdown on GitHub and elsewhere shows.
import type { FoldedDrawing } from './fold.js';
import { INK, type NodeStyle, SHORTCUT, STYLES } from './styles.js';

const BRACKETS: Readonly<Record<NodeStyle['shape'], readonly [open: string, close: string]>> = {
  box: ['[', ']'],
  round: ['(', ')'],
  pill: ['([', '])'],
  hexagon: ['{{', '}}'],
  trapezoid: ['[\\', '/]'],
};

/** The drawing as a Mermaid flowchart. */
export function toMermaid({ nodes, edges, folds }: FoldedDrawing): string {
  const declare = (i: number): string => {
    const { kind, title, details } = nodes[i];
    const [open, close] = BRACKETS[STYLES[kind].shape];
    return `n${i}${open}"${escaped([title, ...details].join('\n'))}"${close}:::${kind}`;
  };
  const framed = new Set<number>();
  const frames = folds.flatMap(({ start, length, count }, i) => {
    const inside = Array.from({ length }, (_, k) => start + k);
    for (const node of inside) framed.add(node);
    return [`  subgraph f${i}["×${count}"]`, ...inside.map((node) => `    ${declare(node)}`), '  end'];
  });
  const loose = nodes.flatMap((_, i) => (framed.has(i) ? [] : [`  ${declare(i)}`]));
  const shortcuts = edges.flatMap(({ isShortcut }, i) => (isShortcut ? [i] : []));
  const used = [...new Set(nodes.map(({ kind }) => kind))];
  return [
    'flowchart TD',
    ...frames,
    ...loose,
    ...edges.map(({ from, to }) => `  n${from} --> n${to}`),
    ...used.map((kind) => `  classDef ${kind} fill:${STYLES[kind].fill},stroke:${STYLES[kind].stroke},color:${INK}`),
    ...(shortcuts.length > 0 ? [`  linkStyle ${shortcuts.join(',')} stroke:${SHORTCUT},stroke-width:2px`] : []),
    '',
  ].join('\n');
}

const escaped = (text: string): string =>
  text.replace(/[&<>"#]/g, (character) => `#${character.charCodeAt(0)};`).replaceAll('\n', '<br>');
