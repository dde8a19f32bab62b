// The classes and functions that a pickle may name, and the plain data that each becomes. This list is all there is:
// what is not on it is kept by name, and nothing that a pickle names is ever called.
import { type ElementType, isFloatType, isRealType, STORAGE_CLASSES, TORCH_TYPES } from './element-type.js';
import { PytorchFileError } from './errors.js';
import { arrayFromBuffer, inlineArray, numpyScalar, numpyType, setArrayState, setByteOrder } from './numpy.js';
import { latin1Source } from './source.js';
import type { ByteStream } from './stream.js';
import { type StoredTensor, viewStorage } from './tensor.js';
import { type Bytes, describeValue, isKind, opaqueObject, type PickleValue, tensorOf } from './values.js';

export interface MakeContext {
  /** The file's name, for errors. */
  readonly source: string;
  /** Counts values that are copied. Throws {@link PytorchFileError} for more than any network's file has. */
  readonly spend: (values: number) => void;
  /** What a byte string holds that is itself a file of PyTorch. */
  readonly loadBytes: (bytes: Bytes) => Promise<PickleValue>;
}

/** Gives the value of a call from its arguments. */
type Maker = (args: readonly PickleValue[], context: MakeContext) => PickleValue | Promise<PickleValue>;

const dictionary: Maker = ([entries], { spend }) => {
  if (entries instanceof Map) {
    spend(entries.size);
    return new Map(entries);
  }
  const pairs = Array.isArray(entries) ? entries : [];
  spend(pairs.length);
  return new Map(pairs.flatMap((pair) => (Array.isArray(pair) ? [[pair[0] ?? null, pair[1] ?? null] as const] : [])));
};

const list: Maker = ([items], { spend }) => {
  if (!Array.isArray(items) && !(items instanceof Set)) return [];
  spend(Array.isArray(items) ? items.length : items.size);
  return [...items];
};

const set: Maker = ([items], { spend }) => {
  if (!Array.isArray(items)) return new Set();
  spend(items.length);
  return new Set(items);
};

const namespace: Maker = () => ({ kind: 'namespace', fields: new Map() });

/** Protocol 2 writes byte strings as texts of one character a byte. */
const encodedBytes: Maker = ([text], { source }) => {
  if (isKind(text, 'bytes')) return text;
  return { kind: 'bytes', source: latin1Source(typeof text === 'string' ? text : '', source) };
};

/** Objects of protocols 0 to 2: the class, and the built-in type below it. */
const reconstructed: Maker = ([type, base], context) => {
  const isPlain = isKind(base, 'global') && base.name.endsWith('.object');
  return isKind(type, 'global') && isPlain ? construct(type.name, [], context) : opaqueObject(describeValue(type), []);
};

/** `device(type, index)`, as PyTorch writes it: "cuda:0". */
const device: Maker = ([type, index]) =>
  typeof type !== 'string' ? opaqueObject('torch.device', []) : typeof index === 'number' ? `${type}:${index}` : type;

/**
 * `_rebuild_tensor_v2(storage, storage_offset, size, stride, requires_grad, hooks, metadata)`, in the type of the
 * storage.
 */
const tensor: Maker = (args, context) => tensorFrom(args, undefined, args[6], context);

/**
 * `_rebuild_tensor_v3(storage, storage_offset, size, stride, requires_grad, hooks, dtype, metadata)`: types that have
 * no storage class.
 */
const typedTensor: Maker = (args, context) => {
  const dtype = args[6];
  const type = isKind(dtype, 'global') ? TORCH_TYPES.get(dtype.name) : undefined;
  return type === undefined
    ? opaqueObject('torch._utils._rebuild_tensor_v3', args)
    : tensorFrom(args, type, args[7], context);
};

function tensorFrom(
  [storage, offset, shape, strides]: readonly PickleValue[],
  type: ElementType | undefined,
  metadata: PickleValue | undefined,
  { source }: MakeContext,
): StoredTensor {
  if (!isKind(storage, 'storage'))
    throw new PytorchFileError(`${source}: a tensor should be a view of a storage, got ${describeValue(storage)}`);
  const view = viewStorage(storage, { type: type ?? storage.type, shape, strides, offset }, source);
  return isNegative(metadata, view, source) ? { ...view, isNegated: true } : view;
}

/**
 * Whether the metadata that `torch._utils.set_tensor_metadata` takes has the negative bit. Throws
 * {@link PytorchFileError} for what else would change the values.
 */
function isNegative(metadata: PickleValue | undefined, { type, shape }: StoredTensor, source: string): boolean {
  if (metadata === undefined || metadata === null) return false;
  const fail = (what: string): never => {
    throw new PytorchFileError(`${source}: a tensor ${type} [${shape.join(', ')}] ${what}`);
  };
  if (!(metadata instanceof Map)) return fail(`should have a dictionary of metadata, got ${describeValue(metadata)}`);
  for (const [key, value] of metadata) {
    if (typeof value !== 'boolean')
      fail(`should have True or False as ${describeValue(key)}, got ${describeValue(value)}`);
    if (value !== true || key === 'neg') continue;
    fail(
      key === 'conj'
        ? 'is marked as conjugate ("conj"), which is not supported; save its resolve_conj() instead'
        : `is marked as ${describeValue(key)}, which is not known`,
    );
  }
  const isNegated = metadata.get('neg') === true;
  if (isNegated && isRealType(type) && !isFloatType(type))
    fail(
      'is marked as negative ("neg"), which is supported for floating-point numbers; save its resolve_neg() instead',
    );
  return isNegated;
}

/** A parameter is its tensor. */
const parameter: Maker = ([data], { source }) => {
  const found = tensorOf(data);
  if (found === undefined)
    throw new PytorchFileError(`${source}: a parameter should be a tensor, got ${describeValue(data)}`);
  return found;
};

const FROM_TYPE = 'torch._tensor._rebuild_from_type_v2';

/** `_rebuild_from_type_v2(function, type, args, state)`: tensors of a subclass, or with attributes. */
const subclassed: Maker = ([maker, type, args], context) => {
  // PyTorch writes none within another; one within itself has no end.
  if (isKind(maker, 'global') && maker.name === FROM_TYPE)
    throw new PytorchFileError(`${context.source}: a tensor of a subclass is made by ${FROM_TYPE} within itself`);
  return isKind(maker, 'global') && Array.isArray(args)
    ? construct(maker.name, args, context)
    : opaqueObject(FROM_TYPE, [maker ?? null, type ?? null]);
};

const loadFromBytes: Maker = ([bytes], { source, loadBytes }) => {
  if (!isKind(bytes, 'bytes'))
    throw new PytorchFileError(`${source}: a storage should be in a byte string, got ${describeValue(bytes)}`);
  return loadBytes(bytes);
};

const array: Maker = () => ({ kind: 'numpy-array', isInline: false });
const wrappedArray: Maker = () => ({ kind: 'numpy-array', isInline: true });

const MAKERS: ReadonlyMap<string, Maker> = new Map<string, Maker>([
  ['collections.OrderedDict', dictionary],
  ['collections.defaultdict', () => new Map()],
  ['collections.Counter', dictionary],
  ['argparse.Namespace', namespace],
  ['types.SimpleNamespace', namespace],
  ['_codecs.encode', encodedBytes],
  // Python 3's name of the module, and Python 2's.
  ...['builtins', '__builtin__'].flatMap(
    (module): Array<[string, Maker]> => [
      [`${module}.dict`, dictionary],
      [`${module}.list`, list],
      [`${module}.tuple`, list],
      [`${module}.set`, set],
      [`${module}.frozenset`, set],
      [`${module}.bytes`, encodedBytes],
      [`${module}.bytearray`, encodedBytes],
    ],
  ),
  ['copyreg._reconstructor', reconstructed],
  ['copy_reg._reconstructor', reconstructed],
  ['torch.Size', list],
  ['torch.device', device],
  ['torch._utils._rebuild_tensor', tensor],
  ['torch._utils._rebuild_tensor_v2', tensor],
  ['torch._utils._rebuild_tensor_v3', typedTensor],
  ['torch._utils._rebuild_parameter', parameter],
  ['torch._utils._rebuild_parameter_with_state', parameter],
  ['torch.nn.parameter.Parameter', parameter],
  [FROM_TYPE, subclassed],
  ['torch.storage._load_from_bytes', loadFromBytes],
  ['numpy.dtype', numpyType],
  // numpy 2's name of the module, and the one before.
  ...['numpy._core', 'numpy.core'].flatMap(
    (module): Array<[string, Maker]> => [
      [`${module}.multiarray._reconstruct`, array],
      [`${module}.multiarray.scalar`, (args, { source }) => numpyScalar(args, source)],
      [`${module}.numeric._frombuffer`, (args, { source }) => arrayFromBuffer(args, source)],
    ],
  ),
  ['joblib.numpy_pickle.NumpyArrayWrapper', wrappedArray],
]);

/**
 * The value of calling a class or function "module.name": plain data for one of those on the list, else an opaque
 * object.
 * Throws {@link PytorchFileError} for arguments that make no such value.
 */
export function construct(
  name: string,
  args: readonly PickleValue[],
  context: MakeContext,
): PickleValue | Promise<PickleValue> {
  const maker = MAKERS.get(name);
  return maker === undefined ? opaqueObject(name, args) : maker(args, context);
}

/**
 * Gives a value its state, as `__setstate__` would; a joblib array's elements are the next ones of the stream.
 * Throws {@link PytorchFileError} for a state that the value cannot have.
 */
export async function setState(
  target: PickleValue,
  state: PickleValue,
  stream: ByteStream,
  { spend }: MakeContext,
): Promise<void> {
  const { name } = stream.source;
  if (isKind(target, 'namespace')) {
    const entries = state instanceof Map ? state : new Map<PickleValue, PickleValue>();
    spend(entries.size);
    for (const [field, value] of entries) if (typeof field === 'string') target.fields.set(field, value);
  } else if (isKind(target, 'numpy-type')) setByteOrder(target, state);
  else if (isKind(target, 'numpy-array')) {
    if (target.isInline) target.tensor = await inlineArray(state, stream);
    else setArrayState(target, state, name);
  } else if (isKind(target, 'object')) target.state = state;
  else if (!(target instanceof Map || isKind(target, 'tensor'))) {
    // Attributes that Python code has hung onto dictionaries and tensors are of no use here.
    throw new PytorchFileError(`${name}: ${describeValue(target)} has no state to set`);
  }
}

/**
 * The type of elements of a storage class, such as "torch.FloatStorage". Throws {@link PytorchFileError} for an unknown
 * one.
 */
export function storageType(value: PickleValue | undefined, source: string): ElementType {
  const type = isKind(value, 'global') ? STORAGE_CLASSES.get(value.name) : undefined;
  if (type === undefined)
    throw new PytorchFileError(
      `${source}: a storage should be one of ${[...STORAGE_CLASSES.keys()].join(', ')}, got ${describeValue(value)}`,
    );
  return type;
}
