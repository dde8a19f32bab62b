// What a pickle holds, as plain data. Nothing of it was made by calling what the pickle names.
import type { ByteSource } from './source.js';
import type { StoredStorage, StoredTensor } from './tensor.js';

/**
 * A value of a pickle. Tuples are arrays like lists, dictionaries and their subclasses are Maps, `argparse.Namespace`
 * is a {@link Namespace}.
 * Values may be shared, and may contain themselves.
 */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | PickleValue[]
  | Map<PickleValue, PickleValue>
  | Set<PickleValue>
  | Bytes
  | Namespace
  | GlobalName
  | StoredStorage
  | StoredTensor
  | NumpyType
  | NumpyArray
  | OpaqueObject;

/** A byte string, left where it is: it can be as large as the file. */
export interface Bytes {
  readonly kind: 'bytes';
  readonly source: ByteSource;
}

/** Attributes by name: `argparse.Namespace` or `types.SimpleNamespace`. */
export interface Namespace {
  readonly kind: 'namespace';
  readonly fields: Map<string, PickleValue>;
}

/** The name of a class or function, "module.name". */
export interface GlobalName {
  readonly kind: 'global';
  readonly name: string;
}

/** A `numpy.dtype`: numpy's code such as "f4", and the byte order. */
export interface NumpyType {
  readonly kind: 'numpy-type';
  readonly code: string;
  isLittleEndian: boolean;
}

/** A numpy array; its content is known once the pickle has given its state. */
export interface NumpyArray {
  readonly kind: 'numpy-array';
  /** Whether joblib wrote the elements into the file, right behind the array's state. */
  readonly isInline: boolean;
  tensor?: StoredTensor;
}

/**
 * An object of a class, or the result of a function, that is not on the list of those this package knows: kept by name,
 * never made.
 */
export interface OpaqueObject {
  readonly kind: 'object';
  /** "module.name" of the class or function. */
  readonly name: string;
  readonly args: readonly PickleValue[];
  state?: PickleValue;
  /** What was put in, of a subclass of a list or of a dictionary. */
  readonly items: PickleValue[];
  readonly entries: Map<PickleValue, PickleValue>;
}

/** An integer of Python: a number where it is one exactly. */
export function integerValue(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** An object that is not made. */
export const opaqueObject = (name: string, args: readonly PickleValue[]): OpaqueObject => ({
  kind: 'object',
  name,
  args,
  items: [],
  entries: new Map(),
});

/** Whether a value is one of those with a `kind`. */
export const isKind = <K extends Extract<PickleValue, { kind: string }>['kind']>(
  value: PickleValue | undefined,
  kind: K,
): value is Extract<PickleValue, { kind: K }> =>
  typeof value === 'object' && value !== null && 'kind' in value && value.kind === kind;

/** The tensor that a value is: one of PyTorch, or a numpy array of numbers; undefined for anything else. */
export function tensorOf(value: PickleValue | undefined): StoredTensor | undefined {
  if (isKind(value, 'tensor')) return value;
  return isKind(value, 'numpy-array') ? value.tensor : undefined;
}

/** A value in a few words, for messages. */
export function describeValue(value: PickleValue | undefined): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'None';
  if (typeof value === 'string') return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  if (typeof value !== 'object') return String(value);
  if (Array.isArray(value)) return `a sequence of ${value.length}`;
  if (value instanceof Map) return `a dictionary of ${value.size} entries`;
  if (value instanceof Set) return `a set of ${value.size}`;
  switch (value.kind) {
    case 'bytes':
      return `${value.source.size} bytes`;
    case 'namespace':
      return `a namespace of ${value.fields.size} fields`;
    case 'global':
      return `the class or function "${value.name}"`;
    case 'storage':
      return `a storage of ${value.byteLength} bytes`;
    case 'tensor':
      return `a tensor ${value.type} [${value.shape.join(', ')}]`;
    case 'numpy-type':
      return `the numpy type "${value.code}"`;
    case 'numpy-array':
      return value.tensor ? describeValue(value.tensor).replace('tensor', 'numpy array') : 'a numpy array';
    case 'object':
      return `an object of "${value.name}", which is not known and was not made`;
  }
}
