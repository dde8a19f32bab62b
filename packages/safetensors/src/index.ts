// Safetensors without a file system: headers, tensors, half precision. `@logah/safetensors/node` adds files.
export {
  buildHeader,
  type DType,
  type Header,
  type RandomAccess,
  readHeader,
  SafetensorsError,
  type TensorInfo,
} from './format.js';
export {
  decodeFloats,
  decodeSafetensors,
  encodeFloats,
  encodeSafetensors,
  type FloatDType,
  type FloatTensor,
} from './tensors.js';
