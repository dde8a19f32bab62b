export { encodeGraph, type GraphormerConfig, graphormerParameters } from './encoder.js';
export type { EncoderGraph } from './graph-features.js';
export { type ShapeVocabulary, shapeVocabulary } from './shape-index.js';
