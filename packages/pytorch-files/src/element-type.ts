// Types of elements, and what PyTorch and numpy call them. Names are those of safetensors; complex numbers, which it
// lacks, are added.
import { BYTES_PER_ELEMENT, type DType } from '@logah/safetensors';

export type ElementType = DType | 'C128';

const ELEMENT_BYTES: Readonly<Record<ElementType, number>> = { ...BYTES_PER_ELEMENT, C128: 16 };

/** Bytes of one element. */
export const elementBytes = (type: ElementType): number => ELEMENT_BYTES[type];

/** Whether values of a type are real numbers, so that safetensors can hold them. */
export const isRealType = (type: ElementType): type is Exclude<DType, 'C64'> => type !== 'C64' && type !== 'C128';

/** Whether values of a type are floating-point numbers, as learned parameters are. */
export const isFloatType = (type: ElementType): boolean => type.startsWith('F') || type === 'BF16';

/**
 * Storage classes of module `torch`, and of `torch.storage` for the untyped one. Quantised ones hold plain integers.
 */
export const STORAGE_CLASSES: ReadonlyMap<string, ElementType> = new Map([
  ['torch.DoubleStorage', 'F64'],
  ['torch.FloatStorage', 'F32'],
  ['torch.HalfStorage', 'F16'],
  ['torch.BFloat16Storage', 'BF16'],
  ['torch.LongStorage', 'I64'],
  ['torch.IntStorage', 'I32'],
  ['torch.ShortStorage', 'I16'],
  ['torch.CharStorage', 'I8'],
  ['torch.ByteStorage', 'U8'],
  ['torch.BoolStorage', 'BOOL'],
  ['torch.ComplexFloatStorage', 'C64'],
  ['torch.ComplexDoubleStorage', 'C128'],
  ['torch.QInt8Storage', 'I8'],
  ['torch.QUInt8Storage', 'U8'],
  ['torch.QInt32Storage', 'I32'],
  ['torch.UntypedStorage', 'U8'],
  ['torch.storage.UntypedStorage', 'U8'],
]);

/** Objects of type `torch.dtype`. */
export const TORCH_TYPES: ReadonlyMap<string, ElementType> = new Map([
  ['torch.float64', 'F64'],
  ['torch.float32', 'F32'],
  ['torch.float16', 'F16'],
  ['torch.bfloat16', 'BF16'],
  ['torch.float8_e4m3fn', 'F8_E4M3'],
  ['torch.float8_e5m2', 'F8_E5M2'],
  ['torch.int64', 'I64'],
  ['torch.int32', 'I32'],
  ['torch.int16', 'I16'],
  ['torch.int8', 'I8'],
  ['torch.uint64', 'U64'],
  ['torch.uint32', 'U32'],
  ['torch.uint16', 'U16'],
  ['torch.uint8', 'U8'],
  ['torch.bool', 'BOOL'],
  ['torch.complex64', 'C64'],
  ['torch.complex128', 'C128'],
]);

/** numpy's codes for types, without their byte order. */
export const NUMPY_TYPES: ReadonlyMap<string, ElementType> = new Map([
  ['f8', 'F64'],
  ['f4', 'F32'],
  ['f2', 'F16'],
  ['i8', 'I64'],
  ['i4', 'I32'],
  ['i2', 'I16'],
  ['i1', 'I8'],
  ['u8', 'U64'],
  ['u4', 'U32'],
  ['u2', 'U16'],
  ['u1', 'U8'],
  ['b1', 'BOOL'],
  ['c8', 'C64'],
  ['c16', 'C128'],
]);
