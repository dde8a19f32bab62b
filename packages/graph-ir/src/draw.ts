// Pictures of graphs: SVG, DOT, Mermaid, and the matrix of distances.
export { toDot } from './draw/dot.js';
export {
  type Drawing,
  type DrawnEdge,
  type DrawnNode,
  drawComputationalGraph,
  drawGraph,
  type NodeKind,
  type NodeMark,
} from './draw/drawing.js';
export { type Fold, type FoldedDrawing, fold } from './draw/fold.js';
export { type HeatMapOptions, heatMap } from './draw/heat-map.js';
export { toMermaid } from './draw/mermaid.js';
export { toModelExplorer } from './draw/model-explorer.js';
export { type SvgOptions, toSvg } from './draw/svg.js';
