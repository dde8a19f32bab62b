// Pictures as SVG.
import type { DrawnNode } from './drawing.js';
import type { Fold, FoldedDrawing } from './fold.js';
import { layOut } from './layout.js';
import type { Box, Point } from './piece.js';
import { INK, MARKS, type NodeStyle, SHORTCUT, STYLES, UNMARKED } from './styles.js';
import { escaped, PAGE_STYLE } from './svg-text.js';

const TITLE_SIZE = 12;
const DETAIL_SIZE = 10;
const LINE_HEIGHT = 13;
/** Of a letter of Helvetica, on average, in its size. */
const LETTER_WIDTH = 0.56;
const MARGIN = 16;
/** Room for "×12" beside a frame. */
const COUNT_WIDTH = 44;
/** Milliseconds in which a drawing is laid out as well as can be; what is not done by then gets a plain layout. */
const TIME_LIMIT = 4000;

export interface SvgOptions {
  /** Milliseconds after which what is left is laid out plainly, in time in proportion to its size; 4000 by default. */
  readonly timeLimit?: number;
}

/**
 * The drawing as an SVG file that reads on light and dark pages. Every node says on hover what it is; its element has its place as
 * `data-node`, that of a fold the fold's `origin` as `data-fold`. In a picture of differences only what is marked has colours.
 */
export function toSvg(drawing: FoldedDrawing, { timeLimit = TIME_LIMIT }: SvgOptions = {}): string {
  const { nodes, edges, folds, title } = drawing;
  const { boxes, frames: around, routes, width, height } = layOut(drawing, nodes.map(sizeOf), { timeLimit });
  const frames = folds.map((of, i) => drawFrame(around[i], of));
  const lines = edges.map(({ from, to, isShortcut }, i) => {
    const route = routes[i];
    if (route === undefined) return drawPassing(boxes[from], boxes[to], width);
    return drawEdge(route, isShortcut, [nodes[from].mark, nodes[to].mark].includes('removed'));
  });
  const isDifference = nodes.some(({ mark }) => mark !== undefined);
  const [w, h] = [Math.ceil(width) + COUNT_WIDTH, Math.ceil(height)];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${w} ${h}" width="${w}" height="${h}" font-family="Helvetica, Arial, sans-serif" text-anchor="middle">
${PAGE_STYLE}
<title>${escaped(title)}</title>
<defs>${[
    ['arrow', 'currentColor'],
    ['shortcut', SHORTCUT],
  ]
    .map(
      ([id, color]) =>
        `<marker id="${id}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6" markerHeight="6" orient="auto"><path d="M0 0L8 4L0 8z" fill="${color}"/></marker>`,
    )
    .join('')}</defs>
<text x="${MARGIN}" y="20" font-size="14" font-weight="600" text-anchor="start" fill="currentColor">${escaped(title)}</text>
${[...frames, ...lines, ...nodes.map((node, i) => drawNode(node, i, boxes[i], isDifference))].join('\n')}
</svg>
`;
}

function sizeOf({ title, details, kind, mark }: DrawnNode): { width: number; height: number } {
  const widest = Math.max(
    (title.length + (mark === undefined ? 0 : 2)) * TITLE_SIZE * LETTER_WIDTH,
    ...details.map((line) => line.length * DETAIL_SIZE * LETTER_WIDTH),
  );
  const isPointed = STYLES[kind].shape === 'hexagon' || STYLES[kind].shape === 'trapezoid';
  return { width: Math.ceil(widest) + (isPointed ? 36 : 18), height: 10 + LINE_HEIGHT * (1 + details.length) };
}

const number = (value: number): string => value.toFixed(1).replace(/\.0$/, '');

function drawNode(
  { kind, title, details, hint, mark }: DrawnNode,
  place: number,
  box: Box,
  isDifference: boolean,
): string {
  const { shape } = STYLES[kind];
  const { fill, stroke } = mark !== undefined ? MARKS[mark] : isDifference ? UNMARKED : STYLES[kind];
  const first = box.y - (LINE_HEIGHT * details.length) / 2 + TITLE_SIZE / 3;
  const sign = mark === undefined ? '' : `${MARKS[mark].sign} `;
  const lines = [`${sign}${title}`, ...details].map(
    (line, i) =>
      `<text x="${number(box.x)}" y="${number(first + i * LINE_HEIGHT)}" font-size="${i === 0 ? TITLE_SIZE : DETAIL_SIZE}" fill="${INK}">${escaped(line)}</text>`,
  );
  const said = mark === undefined ? '' : ` data-mark="${mark}"`;
  const words = mark === undefined ? hint : `${MARKS[mark].words}: ${hint}`;
  return `<g data-node="${place}"${said}><title>${escaped(words)}</title>${outline(shape, box, `fill="${fill}" stroke="${stroke}"`)}${lines.join('')}</g>`;
}

function outline(shape: NodeStyle['shape'], { x, y, width, height }: Box, paint: string): string {
  const [left, right, top, bottom] = [x - width / 2, x + width / 2, y - height / 2, y + height / 2];
  const polygon = (points: ReadonlyArray<readonly [number, number]>): string =>
    `<polygon points="${points.map(([px, py]) => `${number(px)},${number(py)}`).join(' ')}" ${paint}/>`;
  const slant = 10;
  switch (shape) {
    case 'hexagon':
      return polygon([
        [left, y],
        [left + slant, top],
        [right - slant, top],
        [right, y],
        [right - slant, bottom],
        [left + slant, bottom],
      ]);
    case 'trapezoid':
      return polygon([
        [left, top],
        [right, top],
        [right - slant, bottom],
        [left + slant, bottom],
      ]);
    default: {
      const radius = { box: 2, round: 8, pill: height / 2 }[shape];
      return `<rect x="${number(left)}" y="${number(top)}" width="${number(width)}" height="${number(height)}" rx="${number(radius)}" ${paint}/>`;
    }
  }
}

/** A curve through the points that the layout gives, smooth where they turn. */
function drawEdge(points: readonly Point[], isShortcut: boolean, isRemoved: boolean): string {
  const [first, ...rest] = points;
  if (!first) return '';
  const at = ({ x, y }: Point): string => `${number(x)} ${number(y)}`;
  const between = rest.slice(0, -1).map((point, i) => {
    const next = rest[i + 1];
    const isLast = i === rest.length - 2;
    return `Q${at(point)} ${isLast ? at(next) : at({ x: (point.x + next.x) / 2, y: (point.y + next.y) / 2 })}`;
  });
  const path = `M${at(first)}${rest.length === 1 ? `L${at(rest[0])}` : between.join('')}`;
  const paint = isRemoved
    ? `stroke="${MARKS.removed.stroke}" stroke-dasharray="5 3" marker-end="url(#arrow)"`
    : isShortcut
      ? `stroke="${SHORTCUT}" stroke-width="2" marker-end="url(#shortcut)"`
      : 'stroke="currentColor" stroke-opacity="0.7" marker-end="url(#arrow)"';
  return `<path d="${path}" fill="none" ${paint}/>`;
}

/** A curve from box to box by the right edge of the picture. */
function drawPassing(from: Box, to: Box, width: number): string {
  const [start, end] = [from, to].map((box) => `${number(box.x + box.width / 2)} ${number(box.y)}`);
  const side = width + COUNT_WIDTH / 2;
  return `<path d="M${start}C${number(side)} ${number(from.y)} ${number(side)} ${number(to.y)} ${end}" fill="none" stroke="${SHORTCUT}" stroke-opacity="0.5" marker-end="url(#shortcut)"/>`;
}

function drawFrame({ x, y, width, height }: Box, { count, origin }: Fold): string {
  const [left, top] = [x - width / 2, y - height / 2];
  return (
    `<g data-fold="${origin}"><title>${count} blocks that are alike</title>` +
    `<rect x="${number(left)}" y="${number(top)}" width="${number(width)}" height="${number(height)}" rx="10" fill="currentColor" fill-opacity="0.05" stroke="currentColor" stroke-opacity="0.4" stroke-dasharray="4 3"/>` +
    `<text x="${number(left + width + 6)}" y="${number(top + 18)}" font-size="16" font-weight="700" text-anchor="start" fill="currentColor">×${count}</text></g>`
  );
}
