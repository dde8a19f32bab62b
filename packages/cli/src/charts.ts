// Charts as SVG text. Lines and words take the page's text colour, so that they read in light, dark and print alike.
import { BarChart, LineChart } from 'echarts/charts';
import { GridComponent, LegendComponent, TitleComponent } from 'echarts/components';
import { type EChartsCoreOption, init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';

use([BarChart, LineChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer]);

export interface Series {
  readonly name: string;
  readonly color: string;
}

export interface LineSeries extends Series {
  readonly points: ReadonlyArray<readonly [x: number, y: number]>;
  /** Width of the line in pixels; 2 by default. */
  readonly width?: number;
  readonly opacity?: number;
}

export interface BarSeries extends Series {
  /** One value for each category. */
  readonly values: readonly number[];
}

interface AxisNames {
  readonly title: string;
  readonly x: string;
  readonly y: string;
}

/** A chart as a file of its own: its words and lines are dark on light pages and light on dark ones. */
export const standalone = (svg: string): string =>
  svg.replace('>', '><style>svg{color:#24292f}@media(prefers-color-scheme:dark){svg{color:#d0d7de}}</style>');

const WIDTH = 760;
const HEIGHT = 340;

/** Lines over a numeric axis, as SVG. */
export function lineChart({ title, x, y }: AxisNames, series: readonly LineSeries[]): string {
  return render({
    ...frame(title),
    xAxis: axis('value', x, 'middle'),
    yAxis: { ...axis('value', y, 'end'), scale: true },
    series: series.map(({ name, color, points, width = 2, opacity = 1 }) => ({
      type: 'line',
      name,
      data: points,
      showSymbol: false,
      lineStyle: { width, opacity },
      itemStyle: { color },
    })),
  });
}

/** Bars side by side for each category, as SVG; values from 0 to 1 are shown as per cent. */
export function barChart(
  { title, x, y }: AxisNames,
  categories: readonly string[],
  series: readonly BarSeries[],
): string {
  const percent = (value: number): string => `${Math.round(value * 100)} %`;
  const value = axis('value', y, 'end');
  return render({
    ...frame(title),
    xAxis: {
      ...axis('category', x, 'middle'),
      data: categories,
      axisLabel: { ...TEXT, interval: 0, width: 90, overflow: 'break' },
    },
    yAxis: { ...value, min: 0, axisLabel: { ...TEXT, formatter: percent } },
    series: series.map(({ name, color, values }) => ({
      type: 'bar',
      name,
      data: values,
      itemStyle: { color },
      label: {
        show: true,
        position: 'top',
        fontSize: 9,
        ...TEXT,
        formatter: ({ value: of }: { value: number }) => String(Math.round(of * 100)),
      },
    })),
  });
}

/** One column for each category, as SVG. */
export function columnChart(
  { title, x, y }: AxisNames,
  categories: readonly string[],
  { name, color, values }: BarSeries,
): string {
  return render({
    ...frame(title),
    xAxis: { ...axis('category', x, 'middle'), data: categories, axisLabel: { ...TEXT, interval: 0, fontSize: 9 } },
    yAxis: { ...axis('value', y, 'end'), min: 0 },
    series: [{ type: 'bar', name, data: values, itemStyle: { color }, barCategoryGap: '10%' }],
  });
}

const TEXT = { color: 'currentColor' };
const GRID_LINE = { color: 'currentColor', opacity: 0.15 };

const frame = (title: string): EChartsCoreOption => ({
  animation: false,
  textStyle: { ...TEXT, fontFamily: 'system-ui, sans-serif' },
  title: { text: title, left: 0, top: 0, padding: 0, textStyle: { ...TEXT, fontSize: 14, fontWeight: 600 } },
  // Without a browser the widths of words are guessed: the gap leaves room for wider fonts.
  legend: {
    top: 22,
    left: 0,
    padding: [4, 0],
    textStyle: { ...TEXT, fontSize: 11 },
    itemHeight: 8,
    itemWidth: 16,
    itemGap: 32,
  },
  grid: { left: 56, right: 16, top: 76, bottom: 56 },
});

const axis = (type: 'value' | 'category', name: string, nameLocation: 'middle' | 'end') => ({
  type,
  name,
  nameLocation,
  nameGap: nameLocation === 'middle' ? 38 : 12,
  nameTextStyle: { ...TEXT, ...(nameLocation === 'end' ? { align: 'left' as const } : {}) },
  axisLabel: TEXT,
  axisLine: { lineStyle: TEXT },
  splitLine: { lineStyle: GRID_LINE },
});

function render(option: EChartsCoreOption): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height: HEIGHT });
  chart.setOption(option);
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}
