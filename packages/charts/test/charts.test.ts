import { describe, expect, it } from 'vitest';
import { barChart, escapeHtml, forAllScreens, htmlPage, htmlTable, lineChart, standalone } from '../src/index.js';

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

  it('have no styles of their own, which a strict content security policy would leave out, and nothing that looks like a link', () => {
    const series = { name: 'style="color:red"', color: '#2f7ed8', deviations: [1, 5, 2] };
    for (const svg of [
      lineChart(AXES, [{ ...series, points }]),
      barChart(
        AXES,
        ['a', 'b', 'c'],
        [1, 2].map(() => ({ ...series, values: [0.1, 0.2, 0.3] })),
      ),
    ]) {
      expect(svg).not.toMatch(/<style|<[^>]* style=|class=|cursor/);
      expect(svg).toContain('font-size="14px" font-family="system-ui, sans-serif" font-weight="600"');
      expect(svg).toContain('>style=&quot;color:red&quot;<');
    }
  });

  it('are the same for the same data, however many were drawn before, and share no id with others', () => {
    const draw = (value: number): string =>
      lineChart(AXES, [{ name: 'LoGAH', color: '#2f7ed8', points: [...points, [3, value]] }]);
    const ids = (svg: string): Set<string> =>
      new Set([...svg.matchAll(/(?:id="|class="|url\(#)([^")]+)/g)].map(([, id]) => id));
    const [first, other, again] = [draw(1), draw(2), draw(1)];
    expect(again).toBe(first);
    expect(ids(first).size).toBeGreaterThan(0);
    expect([...ids(first)].filter((id) => ids(other).has(id))).toEqual([]);
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

  it('write a value above its whisker, where no bar hides it', () => {
    const bar = (deviation: number) =>
      barChart(AXES, ['a', 'b'], [{ name: 'x', color: '#2f7ed8', values: [0.61, 1], deviations: [deviation, 0] }]);
    const heightOf = (svg: string): number => Number(/translate\([\d.]+ ([\d.]+)\)[^>]*>61</.exec(svg)?.[1]);
    // The axis ends at 1, so a deviation of 0.1 lifts the number by a tenth of it.
    expect(heightOf(bar(0)) - heightOf(bar(0.1))).toBeCloseTo(0.1 * (340 - 76 - 72), 0);
  });
});

describe('a chart', () => {
  const series = [{ name: 'LoGAH', color: '#2f7ed8', points }];
  const widthOf = (svg: string): number => Number(/viewBox="0 0 (\d+) /.exec(svg)?.[1]);

  it('for a phone has letters of the same size on half the width, so that they stay readable at 390 pixels', () => {
    const [wide, narrow] = (['wide', 'narrow'] as const).map((width) => lineChart(AXES, series, { width }));
    expect(widthOf(wide)).toBe(760);
    expect(widthOf(narrow)).toBe(380);
    // The page leaves 358 pixels of 390.
    const sizes = [...narrow.matchAll(/font-size="(\d+)px"/g)].map(([, size]) => (Number(size) * 358) / 380);
    expect(sizes.length).toBeGreaterThan(0);
    expect(Math.min(...sizes)).toBeGreaterThan(9);
    const page = htmlPage('x', [forAllScreens((width) => lineChart(AXES, series, { width }))]);
    expect(page.match(/<svg/g)).toHaveLength(2);
    expect(page).toMatch(/max-width: 600px\) \{ \.chart\.wide \{ display: none; \}/);
  });

  it('breaks its title and its legend where the widest of usual fonts would not fit', () => {
    // In DejaVu Sans at 11 pixels, and its bold at 14.
    const legend = { random: 44.6, 'mimetic:position=1.5': 118.7, predicted: 55.3, 'LoGAH of an earlier run': 134.5 };
    const title = 'Meta-training: loss of predicted networks on fresh digits';
    const names = Object.keys(legend);
    const draw = (width: 'wide' | 'narrow', of: readonly string[]) =>
      lineChart(
        { ...AXES, title },
        of.map((name) => ({ name, color: '#2f7ed8', points })),
        { width },
      );
    const at = (svg: string, text: string): number[] => {
      const tag = new RegExp(`<text[^>]*>${text}</text>`).exec(svg)?.[0] ?? '';
      const own = [/ x="([-\d.]+)"/, / y="([-\d.]+)"/].map((place) => Number(place.exec(tag)?.[1] ?? 0));
      const moved = /translate\(([-\d.]+) ([-\d.]+)\)/.exec(tag)?.slice(1).map(Number) ?? [0, 0];
      return own.map((place, i) => place + moved[i]);
    };
    for (const [width, pixels] of [
      ['wide', 760],
      ['narrow', 380],
    ] as const) {
      const svg = draw(width, names);
      const places = Object.entries(legend).map(([name, length]) => ({ length, place: at(svg, name) }));
      for (const [i, { length, place }] of places.entries()) {
        const [x, y] = place;
        expect(x + length).toBeLessThan(pixels);
        const next = places[i + 1];
        // The next swatch begins 21 pixels before its name.
        if (next !== undefined && next.place[1] === y) expect(x + length).toBeLessThan(next.place[0] - 21);
      }
      // Above the name of the upright axis.
      expect(Math.max(...places.map(({ place: [, y] }) => y))).toBeLessThan(at(svg, 'per cent')[1] - 12);
    }
    const narrow = draw('narrow', names);
    const lines = [...narrow.matchAll(/font-weight="600"[^>]*>([^<]+)</g)].map(([, line]) => line);
    expect(lines.join(' ')).toBe(title);
    // The title alone has 449 pixels in DejaVu Sans Bold, and 57 letters.
    for (const line of lines) expect((line.length * 449) / title.length).toBeLessThan(380 * 0.95);
    expect(draw('wide', names)).toContain(`>${title}<`);
    // What stands above the axes takes nothing from them.
    const heights = [narrow, draw('narrow', names.slice(0, 1))].map((svg) =>
      Number(/viewBox="0 0 380 (\d+)"/.exec(svg)?.[1]),
    );
    expect(heights[0]).toBeGreaterThan(heights[1]);
  });

  it('has lines of their whole colour, which a dark page swallows otherwise', () => {
    const svg = lineChart(AXES, [{ name: 'each step', color: '#2f7ed8', width: 1, points }]);
    const lines = pathsOf(svg, 'stroke="#2f7ed8"');
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) expect(line).not.toMatch(/opacity="0?\.\d/);
  });

  it('ends where it is told to, though its line does not', () => {
    expect(lineChart(AXES, series, { xMax: 8 })).toContain('>8<');
    expect(lineChart(AXES, series)).not.toContain('>8<');
  });

  it('as a file of its own is dark where the reader prefers it, and leaves the page alone that it is put into', () => {
    const style = /<style>(.*?)<\/style>/.exec(standalone(lineChart(AXES, series)))?.[1] ?? '';
    expect(style).toContain('color-scheme:light dark');
    expect(style).toMatch(/prefers-color-scheme:dark\)\{svg:root\{color:#\w+;background:#\w+\}/);
    expect(style.match(/svg(?!:root)/)).toBeNull();
  });
});

describe('pages', () => {
  it('escape what is text', () => {
    expect(escapeHtml('<a & "b">')).toBe('&#60;a &#38; &#34;b&#34;&#62;');
    expect(htmlPage('x < y', ['<p>z</p>'])).toContain('<h1>x &#60; y</h1>\n<p>z</p>');
    expect(htmlTable(['<th>'], [['1 < 2']], 0)).toContain('<td>1 &#60; 2</td>');
  });

  it('let a wide table out of their column, show that it scrolls, and let the keyboard scroll it', () => {
    const page = htmlPage('x', [htmlTable(['name', 'n < 2'], [['a', '1']], 1)]);
    expect(page).toContain('<div class="scrolled" tabindex="0" role="region" aria-label="name, n &#60; 2">');
    expect(page).toMatch(/\.scrolled \{[^}]*max-width: calc\(100vw - \d+rem\)/);
    expect(page).toMatch(/linear-gradient\(to left, var\(--shade\), transparent\) right/);
  });

  it('set words left and numbers right', () => {
    expect(htmlTable(['name', 'n'], [['a', '1']], 1)).toContain('<tr><td class="text">a</td><td>1</td></tr>');
  });
});
