// TensorFlow.js models as graphs.

export type { ImportedModel } from './import/assemble.js';
export type { ElementType, FilePart, Place, StoredTensor } from './import/foreign.js';
export { type KeptOperator, keptOperators } from './import/import.js';
export { decodeTensor, type ReadPlace } from './import/stored.js';
export { graphFromTfjs, type TfjsOptions } from './tfjs/import.js';
export type { ShardLength } from './tfjs/model-json.js';
