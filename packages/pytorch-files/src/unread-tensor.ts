// Tensors that PyTorch writes in forms which this package does not read, in words.
import { describeValue, isKind, type PickleValue } from './values.js';

/** By the function of `torch._utils` that would make them. */
const KINDS: ReadonlyMap<string, string> = new Map([
  ['_rebuild_sparse_tensor', 'sparse; save its to_dense() instead'],
  ['_rebuild_sparse_csr_tensor', 'sparse; save its to_dense() instead'],
  ['_rebuild_qtensor', 'quantised; save its dequantize() instead'],
  ['_rebuild_nested_tensor', 'a nested tensor; save its to_padded_tensor(0) instead'],
  ['_rebuild_meta_tensor_no_storage', 'on the device "meta", without values; save it from a device that has them'],
  ['_rebuild_wrapper_subclass', 'of a subclass of Tensor; save a plain tensor instead'],
  ['_rebuild_from_type_v2', 'of a subclass of Tensor; save a plain tensor instead'],
]);

/**
 * What kind of tensor a value is that was not made, and what to save instead; undefined for a tensor that can be read
 * and for anything that is no tensor.
 */
export function unreadTensor(value: PickleValue): string | undefined {
  if (!isKind(value, 'object')) return undefined;
  const maker = /^torch\b.*\.(_rebuild_\w+)$/.exec(value.name)?.[1];
  if (maker === undefined) return undefined;
  // The seventh argument of _rebuild_tensor_v3 is the type.
  if (maker === '_rebuild_tensor_v3') return `of the type ${describeValue(value.args[6])}, which is not supported`;
  return KINDS.get(maker) ?? `made by "${value.name}", which is not supported`;
}

/** Whether a value is a numpy array of something else than the numbers that are read. */
export const isOtherArray = (value: PickleValue): boolean =>
  isKind(value, 'numpy-array') ? value.tensor === undefined : isKind(value, 'object') && value.name === 'numpy.ndarray';
