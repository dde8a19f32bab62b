export {
  type AxisNames,
  type BarFormat,
  type BarSeries,
  barChart,
  columnChart,
  type LineSeries,
  lineChart,
  type Series,
  standalone,
} from './charts.js';
export { escapeHtml, htmlPage, htmlTable } from './page.js';
