// ONNX models: graphs as models, and models as graphs.

export type { ImportedModel } from './import/assemble.js';
export type { ElementType, FilePart, Place, StoredTensor } from './import/foreign.js';
export { type KeptOperator, keptOperators } from './import/import.js';
export type { ImportOptions } from './import/settle.js';
export { decodeTensor, type ReadPlace } from './import/stored.js';
export { graphToOnnx, MOST_INLINE_BYTES, type OnnxParameters } from './onnx/export.js';
export { graphFromOnnx } from './onnx/import.js';
