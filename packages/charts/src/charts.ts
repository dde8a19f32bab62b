// Charts as SVG text. Lines and words take the page's text colour, so that they read in light, dark and print alike.
import { BarChart, CustomChart, LineChart } from 'echarts/charts';
import { GridComponent, LegendComponent, TitleComponent } from 'echarts/components';
import { type EChartsCoreOption, init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import { textLines, textWidth } from './text-width.js';

use([BarChart, CustomChart, LineChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer]);

export interface Series {
  readonly name: string;
  readonly color: string;
}

export interface LineSeries extends Series {
  readonly points: ReadonlyArray<readonly [x: number, y: number]>;
  /** A deviation for each point, drawn as a band around the line. */
  readonly deviations?: readonly number[];
  /** Width of the line in pixels; 2 by default. */
  readonly width?: number;
}

export interface BarSeries extends Series {
  /** One value for each category. */
  readonly values: readonly number[];
  /** A deviation for each value, drawn as a whisker. */
  readonly deviations?: readonly number[];
}

export interface AxisNames {
  readonly title: string;
  readonly x: string;
  readonly y: string;
}

/** A chart as a file of its own: words, lines and background are those of a light page or, where the reader prefers it, a dark one. */
export const standalone = (svg: string): string =>
  svg.replace(
    '>',
    '><style>svg:root{color-scheme:light dark;color:#24292f;background:#fff}' +
      '@media(prefers-color-scheme:dark){svg:root{color:#d0d7de;background:#16181c}}</style>',
  );

/** For a page, or for a phone, where a page's letters would be too small to read. */
export type ChartWidth = 'wide' | 'narrow';

/** Of the picture, and of its axes with what is under them. */
const SIZES: Readonly<Record<ChartWidth, { readonly width: number; readonly axesHeight: number }>> = {
  wide: { width: 760, axesHeight: 264 },
  narrow: { width: 380, axesHeight: 242 },
};

/** A chart for all screens, as HTML for a page of {@link htmlPage}: the narrow one where there is no room for the wide one. */
export const forAllScreens = (draw: (width: ChartWidth) => string): string =>
  (['wide', 'narrow'] as const).map((width) => `<div class="chart ${width}">${draw(width)}</div>`).join('\n');

export interface LineChartOptions {
  readonly isLogarithmic?: boolean;
  readonly width?: ChartWidth;
  /** Where the numeric axis ends, for curves that are still growing; by default where they end. */
  readonly xMax?: number;
}

/** Lines over a numeric axis, with bands where deviations are known, as SVG. */
export function lineChart(
  { title, x, y }: AxisNames,
  series: readonly LineSeries[],
  { isLogarithmic, width = 'wide', xMax }: LineChartOptions = {},
): string {
  const names = series.map(({ name }) => name);
  return render(width, frame(title, names, width), {
    xAxis: {
      ...axis('value', x, 'middle'),
      ...(isCounted(series) ? { minInterval: 1 } : {}),
      ...(xMax === undefined ? {} : { max: xMax }),
    },
    yAxis: { ...axis(isLogarithmic ? 'log' : 'value', y, 'end'), scale: true },
    series: series.flatMap(({ name, color, points, deviations, width = 2 }) => [
      ...(deviations ? [band(name, color, points, deviations)] : []),
      {
        type: 'line',
        name,
        data: points,
        showSymbol: points.length <= MOST_SYMBOLS,
        symbolSize: 5,
        lineStyle: { width },
        itemStyle: { color },
      },
    ]),
  });
}

/** Up to so many points are marked. */
const MOST_SYMBOLS = 12;

/** Steps and epochs have no fractions. */
const isCounted = (series: readonly LineSeries[]): boolean =>
  series.every(({ points }) => points.every(([x]) => Number.isInteger(x)));

/** The area between a line less and plus its deviations. */
function band(name: string, color: string, points: LineSeries['points'], deviations: readonly number[]) {
  const outline = [
    ...points.map(([x, y], i) => [x, y + (deviations[i] ?? 0)]),
    ...points.map(([x, y], i) => [x, y - (deviations[i] ?? 0)]).reverse(),
  ];
  return {
    type: 'custom',
    name,
    itemStyle: { color },
    // The axes are to reach around the whole band; one item draws it.
    data: outline,
    renderItem: ({ dataIndex }: { dataIndex: number }, { coord }: { coord: (point: number[]) => number[] }) =>
      dataIndex === 0
        ? { type: 'polygon', shape: { points: outline.map(coord) }, style: { fill: color, opacity: 0.18 } }
        : undefined,
    silent: true,
    z: 1,
  };
}

/** Bars side by side for each category, with whiskers where deviations are known, as SVG; values from 0 to 1 are shown as per cent unless `format` says otherwise. */
export function barChart(
  { title, x, y }: AxisNames,
  categories: readonly string[],
  series: readonly BarSeries[],
  { format = PERCENT, width = 'wide' }: BarChartOptions = {},
): string {
  const value = axis('value', y, 'end');
  // One kind of bars is what the axis says it is.
  const names = series.length === 1 ? [] : series.map(({ name }) => name);
  return render(width, frame(title, names, width, BAR_BOTTOM), {
    xAxis: {
      ...axis('category', x, 'middle'),
      data: categories,
      axisLabel: { ...TEXT, interval: 0, width: width === 'wide' ? 90 : 60, overflow: 'break' },
    },
    yAxis: { ...value, min: 0, axisLabel: { ...TEXT, formatter: format.axis } },
    series: series.flatMap(({ name, color, values, deviations }, i) => [
      {
        type: 'bar',
        name,
        data: values,
        itemStyle: { color },
        label: {
          show: deviations === undefined,
          position: 'top',
          fontSize: LABEL_SIZE,
          ...TEXT,
          // Narrow bars that stand close together hide each other's numbers.
          ...(width === 'wide' ? {} : { rotate: 90, align: 'left', verticalAlign: 'middle' }),
          formatter: ({ value: of }: { value: number }) => format.label(of),
        },
      },
      ...(deviations
        ? [whiskers(name, i, series.length, values, deviations, { label: format.label, isTurned: width === 'narrow' })]
        : []),
    ]),
  });
}

/** Room for five lines under a bar. */
const BAR_BOTTOM = 72;
const LABEL_SIZE = 9;

export interface BarChartOptions {
  readonly format?: BarFormat;
  readonly width?: ChartWidth;
}

export interface BarFormat {
  axis(value: number): string;
  label(value: number): string;
}

const PERCENT: BarFormat = {
  axis: (value) => `${Math.round(value * 100)} %`,
  label: (value) => String(Math.round(value * 100)),
};

/** A line from a value less to the value plus its deviation over each bar of a series, and the value above it. */
function whiskers(
  name: string,
  index: number,
  count: number,
  values: readonly number[],
  deviations: readonly number[],
  { label, isTurned }: { label(value: number): string; isTurned: boolean },
) {
  interface Api {
    coord(point: readonly number[]): number[];
    barLayout(options: object): ReadonlyArray<{ readonly offsetCenter: number }>;
  }
  return {
    type: 'custom',
    name,
    data: values.map((value, category) => [category, value - deviations[category], value + deviations[category]]),
    encode: { x: 0, y: [1, 2] },
    renderItem: ({ dataIndex }: { dataIndex: number }, api: Api) => {
      const { offsetCenter } = api.barLayout({ count, barGap: '30%', barCategoryGap: '20%' })[index];
      const ends = [-1, 1].map((side) => api.coord([dataIndex, values[dataIndex] + side * deviations[dataIndex]]));
      const at = ends[0][0] + offsetCenter;
      const line = (x1: number, y1: number, x2: number, y2: number) => ({
        type: 'line',
        shape: { x1, y1, x2, y2 },
        style: { stroke: 'currentColor', lineWidth: 1 },
      });
      return {
        type: 'group',
        children: [
          line(at, ends[0][1], at, ends[1][1]),
          ...ends.map(([, height]) => line(at - 3, height, at + 3, height)),
          {
            type: 'text',
            x: at,
            y: ends[1][1] - 4,
            rotation: isTurned ? Math.PI / 2 : 0,
            style: {
              text: label(values[dataIndex]),
              fill: 'currentColor',
              fontSize: LABEL_SIZE,
              fontFamily: FONT_FAMILY,
              align: isTurned ? 'left' : 'center',
              verticalAlign: isTurned ? 'middle' : 'bottom',
            },
          },
        ],
      };
    },
    silent: true,
    z: 3,
  };
}

/** One column for each category, as SVG. */
export function columnChart(
  { title, x, y }: AxisNames,
  categories: readonly string[],
  { name, color, values }: BarSeries,
  width: ChartWidth = 'wide',
): string {
  return render(width, frame(title, [name], width), {
    xAxis: { ...axis('category', x, 'middle'), data: categories, axisLabel: { ...TEXT, interval: 0, fontSize: 9 } },
    yAxis: { ...axis('value', y, 'end'), min: 0 },
    series: [{ type: 'bar', name, data: values, itemStyle: { color }, barCategoryGap: '10%' }],
  });
}

const FONT_FAMILY = 'system-ui, sans-serif';
const TEXT = { color: 'currentColor' };
const GRID_LINE = { color: 'currentColor', opacity: 0.15 };

const TITLE = { size: 14, lineHeight: 18 };
const LEGEND = { size: 11, swatch: 16, gap: 14, rowHeight: 18 };
/** From the top of a legend's last row to the axes: room for the name of the upright one. */
const UNDER_LEGEND = 54;

/** What is above the axes and around them, and how high the whole is with it. */
function frame(title: string, names: readonly string[], size: ChartWidth, bottom = 56) {
  const { width, axesHeight } = SIZES[size];
  const lines = textLines(title, width, TITLE.size, true);
  const legendTop = 4 + TITLE.lineHeight * lines.length;
  const items = legendItems(names, width);
  const top = legendTop + LEGEND.rowHeight * (items.at(-1)?.row ?? 0) + UNDER_LEGEND;
  return {
    height: top + axesHeight,
    option: {
      animation: false,
      textStyle: { ...TEXT, fontFamily: FONT_FAMILY },
      title: {
        text: lines.join('\n'),
        left: 0,
        // Bold capitals reach above their line.
        top: 3,
        padding: 0,
        textStyle: { ...TEXT, fontSize: TITLE.size, fontWeight: 600, lineHeight: TITLE.lineHeight },
      },
      // One of its own for each name: a legend of several guesses words narrower than some fonts have them.
      legend: items.map(({ name, x, row }) => ({
        data: [name],
        left: x,
        top: legendTop + row * LEGEND.rowHeight,
        padding: [4, 0],
        textStyle: { ...TEXT, fontSize: LEGEND.size },
        itemHeight: 8,
        itemWidth: LEGEND.swatch,
      })),
      grid: { left: size === 'wide' ? 56 : 44, right: 16, top, bottom },
    },
  };
}

/** Where the names of a legend stand: as many in a row as fit. */
function legendItems(names: readonly string[], width: number): Array<{ name: string; x: number; row: number }> {
  const items: Array<{ name: string; x: number; row: number }> = [];
  let [x, row] = [0, 0];
  for (const name of names) {
    const own = LEGEND.swatch + 5 + textWidth(name, LEGEND.size);
    if (x > 0 && x + own > width) [x, row] = [0, row + 1];
    items.push({ name, x, row });
    x += own + LEGEND.gap;
  }
  return items;
}

const axis = (type: 'value' | 'log' | 'category', name: string, nameLocation: 'middle' | 'end') => ({
  type,
  name,
  nameLocation,
  nameGap: nameLocation === 'middle' ? 38 : 12,
  nameTextStyle: { ...TEXT, ...(nameLocation === 'end' ? { align: 'left' as const } : {}) },
  axisLabel: TEXT,
  axisLine: { lineStyle: TEXT },
  splitLine: { lineStyle: GRID_LINE },
});

interface Frame {
  readonly height: number;
  readonly option: EChartsCoreOption;
}

function render(size: ChartWidth, { height, option }: Frame, content: EChartsCoreOption): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: SIZES[size].width, height });
  chart.setOption({ ...option, ...content });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return withOwnIds(withoutStyles(svg));
}

/** Ids that the renderer counts up over all charts of a process. */
const COUNTED_ID = /(?<=["#.])zr\d+-[a-z]+-?\d+\b/g;

/**
 * The same picture with ids of its content: equal data gives equal bytes, and charts of one page do not take each
 * other's ids.
 */
function withOwnIds(svg: string): string {
  const numbers = new Map<string, number>();
  const counted = svg.replace(COUNTED_ID, (id) => {
    const number = numbers.get(id) ?? numbers.size;
    numbers.set(id, number);
    return `\0${number}`;
  });
  const own = fnv1a(counted).toString(36);
  return counted.replace(/\0(\d+)/g, `id-${own}-$1`);
}

/** A 32-bit hash of a text's UTF-16 units (Fowler, Noll and Vo's FNV-1a). */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/**
 * What a page takes whose content security policy allows no inline styles: declarations as attributes of their own, and no rules
 * for a pointer, which promise a click that does nothing.
 */
const withoutStyles = (svg: string): string =>
  svg
    .replace(/<style[^>]*>.*?<\/style>\s*/gs, '')
    .replace(/(<\w+[^<>]*?) class="zr[^"]*"/g, '$1')
    .replace(
      /(<\w+[^<>]*?) style="([^"]*)"/g,
      (_, tag: string, declarations: string) =>
        `${tag} ${declarations.replace(/([\w-]+):([^;]+);?/g, '$1="$2" ').trim()}`,
    );
