// PyTorch's files without a file system: from bytes, or from any function that reads a part of a file.
// `@logah/pytorch-files/node` adds files on disk.
export { type ElementType, isFloatType, isRealType } from './element-type.js';
export { PytorchFileError } from './errors.js';
export { jsonText } from './json-text.js';
export { type PytorchFile, type PytorchFormat, type ReadOptions, readPytorchFile } from './open.js';
export { type ByteSource, memorySource } from './source.js';
export { type StateDictionary, stateDictionary, type Weights } from './state-dictionary.js';
export { readTensor, readTensorBytes, type StoredStorage, type StoredTensor } from './tensor.js';
export {
  type Bytes,
  describeValue,
  type GlobalName,
  isKind,
  type Namespace,
  type NumpyArray,
  type NumpyType,
  type OpaqueObject,
  type PickleValue,
  tensorOf,
} from './values.js';
