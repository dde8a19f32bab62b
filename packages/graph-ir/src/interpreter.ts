// Operators of ONNX on plain numbers: what a graph's constants are worked out with, and what runs where no tensor library has an operator.
export { cast, dtypeOf, ELEMENT_TYPES, type ElementType, integerRange, isFloat } from './element-types.js';
export { bodiesOf, nodesWithin } from './interpreter/body.js';
export { constantTensor } from './interpreter/constant.js';
export { interpret, isInterpreted, unknownAttributes } from './interpreter/interpret.js';
export type { Body, Operation } from './interpreter/operation.js';
export type { Tensor } from './interpreter/tensor.js';
export { resultType } from './interpreter/types.js';
