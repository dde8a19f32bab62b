// A network as one HTML file that needs nothing else.
export { graphPage } from './page/graph-page.js';
export { type ValueStatistics, valueStatistics } from './page/statistics.js';
