// Safetensors without a file system: headers, tensors, half precision. `@logah/safetensors/node` adds files.
export {
  BYTES_PER_ELEMENT,
  buildHeader,
  type DType,
  type Header,
  type RandomAccess,
  readHeader,
  SafetensorsError,
  type TensorInfo,
} from './format.js';
export {
  type DecodedSafetensors,
  decodeFloats,
  decodeSafetensors,
  encodeFloats,
  encodeSafetensors,
  type FloatDType,
  type FloatTensor,
} from './tensors.js';
