// What differs between two networks, and a picture of it.
export { type ValueDifference, valueDifference } from './diff/compare-values.js';
export {
  type AttributeChange,
  diffGraphs,
  type GraphDifference,
  type InterfaceChange,
  isEmptyDifference,
  type OperatorChange,
  type OperatorPair,
  type ParameterPair,
} from './diff/diff-graphs.js';
export { drawDifference } from './diff/draw-difference.js';
