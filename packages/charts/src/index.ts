export {
  type AxisNames,
  type BarChartOptions,
  type BarFormat,
  type BarSeries,
  barChart,
  type ChartWidth,
  columnChart,
  forAllScreens,
  type LineChartOptions,
  type LineSeries,
  lineChart,
  type Series,
  standalone,
} from './charts.js';
export { escapeHtml, htmlPage, htmlTable } from './page.js';
