import { describe, expect, it } from 'vitest';
import { barChart, escapeHtml, htmlPage, htmlTable, lineChart, standalone } from '../src/index.js';

const AXES = { title: 'Accuracy', x: 'epoch', y: 'per cent' };
const points = [
  [0, 10],
  [1, 30],
  [2, 40],
] as const;

/** The coordinates of the paths that are filled or drawn in a colour. */
const pathsOf = (svg: string, color: string): string[] =>
  [...svg.matchAll(/<(?:path|polygon)[^>]*>/g)].map(([tag]) => tag).filter((tag) => tag.includes(color));

describe('charts', () => {
  it('name their axes and series, and take the colour of the page', () => {
    const svg = lineChart(AXES, [{ name: 'LoGAH', color: '#2f7ed8', points }]);
    for (const word of ['Accuracy', 'epoch', 'per cent', 'LoGAH']) expect(svg).toContain(`>${word}<`);
    expect(svg).toContain('currentColor');
    expect(standalone(svg)).toContain('prefers-color-scheme:dark');
  });

  it('draw a band from a line less to the line plus its deviations', () => {
    const series = { name: 'LoGAH', color: '#2f7ed8', points };
    const [plain, banded] = [series, { ...series, deviations: [1, 5, 2] }].map((one) => lineChart(AXES, [one]));
    const areas = (svg: string): string[] =>
      pathsOf(svg, 'fill="#2f7ed8"').filter((tag) => tag.includes('opacity="0.18"'));
    expect(areas(plain)).toHaveLength(0);
    expect(areas(banded)).toHaveLength(1);
    // Three points above and three below.
    expect(areas(banded)[0].match(/[ML ](?=[\d.]+[ ,][\d.]+)/g)?.length).toBeGreaterThanOrEqual(6);
  });

  it('draw a whisker over every bar with a deviation', () => {
    const series = [
      { name: 'random', color: '#c0b8a8', values: [0.4, 0.5], deviations: [0.02, 0.01] },
      { name: 'LoGAH', color: '#2f7ed8', values: [0.6, 0.65], deviations: [0.01, 0.03] },
    ];
    const plain = series.map(({ deviations: _, ...rest }) => rest);
    const lines = (svg: string): number => svg.match(/stroke="currentColor"/g)?.length ?? 0;
    // Each whisker is an upright and two ends.
    expect(lines(barChart(AXES, ['a', 'b'], series)) - lines(barChart(AXES, ['a', 'b'], plain))).toBe(2 * 2 * 3);
  });
});

describe('pages', () => {
  it('escape what is text', () => {
    expect(escapeHtml('<a & "b">')).toBe('&#60;a &#38; &#34;b&#34;&#62;');
    expect(htmlPage('x < y', ['<p>z</p>'])).toContain('<h1>x &#60; y</h1>\n<p>z</p>');
    expect(htmlTable(['<th>'], [['1 < 2']], 0)).toContain('<td>1 &#60; 2</td>');
  });

  it('set words left and numbers right', () => {
    expect(htmlTable(['name', 'n'], [['a', '1']], 1)).toContain('<tr><td class="text">a</td><td>1</td></tr>');
  });
});
