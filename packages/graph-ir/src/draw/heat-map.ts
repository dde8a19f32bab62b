// The matrix of shortest-path lengths as a picture: what a graph hypernetwork knows of who comes before whom.
import type { ComputationalGraph } from '../computational-graph.js';
import { escaped, PAGE_STYLE } from './svg-text.js';

const SIDE = 560;
const MARGIN = 40;
const LEGEND = 34;
const LABEL_SIZE = 12;
/** Room for the title. */
const NARROWEST = 240;

/** From near to far: a scale that is even to the eye, also in grey (after matplotlib's viridis). */
const SCALE = [
  [253, 231, 37],
  [143, 215, 68],
  [53, 183, 121],
  [33, 145, 140],
  [49, 104, 142],
  [68, 57, 131],
  [68, 1, 84],
] as const;

export interface HeatMapOptions {
  /** Of the whole picture, in pixels; letters stay as large. 674 by default, and at least 240. */
  readonly width?: number;
}

/** An SVG file with row i, column j coloured by the length of the path from node i to node j; pairs without a path are left blank. */
export function heatMap(
  { nodes, distances }: ComputationalGraph,
  title: string,
  { width = SIDE + 2 * MARGIN + LEGEND }: HeatMapOptions = {},
): string {
  const side = Math.max(NARROWEST, width) - 2 * MARGIN - LEGEND;
  const count = nodes.length;
  const largest = distances.reduce((most, distance) => Math.max(most, distance), 1);
  /** Runs of equal distances along the rows, by distance: one path each keeps the file small. */
  const runs = new Map<number, string[]>();
  for (let row = 0; row < count; row++) {
    for (let column = 0; column < count; ) {
      const distance = distances[row * count + column];
      let end = column + 1;
      while (end < count && distances[row * count + end] === distance) end++;
      if (distance > 0) {
        const path = runs.get(distance) ?? [];
        path.push(`M${column} ${row}h${end - column}v1h${column - end}z`);
        runs.set(distance, path);
      }
      column = end;
    }
  }
  const cells = [...runs]
    .sort(([a], [b]) => a - b)
    .map(([distance, path]) => `<path d="${path.join('')}" fill="${colorOf(distance, largest)}"/>`);
  const legend = { top: MARGIN + 20, height: side - 40 };
  const steps = Array.from({ length: 24 }, (_, i) => {
    const y = legend.top + (i * legend.height) / 24;
    return `<rect x="${MARGIN + side + 16}" y="${y.toFixed(1)}" width="14" height="${(legend.height / 24 + 0.5).toFixed(1)}" fill="${colorOf(1 + (i * (largest - 1)) / 23, largest)}"/>`;
  });
  const text = (place: string, words: string, anchor = 'middle'): string =>
    `<text ${place} font-size="${LABEL_SIZE}" text-anchor="${anchor}" fill="currentColor">${words}</text>`;
  const at = (x: number, y: number): string => `x="${x}" y="${y}"`;
  const end = MARGIN + side;
  const [whole, height] = [side + 2 * MARGIN + LEGEND, side + 2 * MARGIN];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${whole} ${height}" width="${whole}" height="${height}" font-family="Helvetica, Arial, sans-serif">
${PAGE_STYLE}
<text x="${MARGIN}" y="24" font-size="14" font-weight="600" fill="currentColor">${escaped(title)}: lengths of shortest paths</text>
<rect x="${MARGIN}" y="${MARGIN}" width="${side}" height="${side}" fill="currentColor" fill-opacity="0.05"/>
<g transform="translate(${MARGIN} ${MARGIN}) scale(${side / count})" shape-rendering="crispEdges">${cells.join('\n')}</g>
${steps.join('')}
${text(at(end + 36, legend.top + 10), '1', 'start')}
${text(at(end + 36, legend.top + legend.height), String(largest), 'start')}
${text(at(MARGIN, end + 18), '0', 'start')}
${text(at(MARGIN + side / 2, end + 18), 'to node')}
${text(at(end, end + 18), String(count - 1), 'end')}
${text(`transform="translate(${MARGIN - 8} ${MARGIN + side / 2}) rotate(-90)"`, 'from node')}
</svg>
`;
}

function colorOf(distance: number, largest: number): string {
  const place = largest === 1 ? 0 : ((distance - 1) / (largest - 1)) * (SCALE.length - 1);
  const lower = Math.min(Math.floor(place), SCALE.length - 2);
  const mixed = SCALE[lower].map((channel, i) =>
    Math.round(channel + (place - lower) * (SCALE[lower + 1][i] - channel)),
  );
  return `rgb(${mixed.join()})`;
}
