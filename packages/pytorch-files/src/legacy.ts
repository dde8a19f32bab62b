// PyTorch's format before 1.6 (torch/serialization.py, `_legacy_load`): pickles one after the other (a magic number,
// the protocol, the machine, the object, the keys of its storages), then the storages, each with its number of elements
// before it. joblib dumps hold storages in this form.
import { elementBytes } from './element-type.js';
import { PytorchFileError } from './errors.js';
import { storageType } from './globals.js';
import { unpickle } from './pickle.js';
import { type ByteSource, partOf, readExactly } from './source.js';
import { ByteStream } from './stream.js';
import type { StoredStorage } from './tensor.js';
import { type Bytes, describeValue, type PickleValue } from './values.js';

const MAGIC = 0x1950a86a20f9469cfc6cn;
const PROTOCOL = 1001;

/** The pickle of the magic number, with which every such file begins. */
const SIGNATURE = [0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e];

/** Whether a file of these first bytes is in this format. */
export const isLegacy = (start: Uint8Array): boolean => SIGNATURE.every((byte, i) => start[i] === byte);

/** A storage's own bytes come once, whatever views of it there are. */
interface Root {
  readonly type: StoredStorage['type'];
  readonly elements: number;
  place?: ByteSource;
}

/** A storage of a joblib dump is a file in a byte string; no program writes such files within each other. */
const DEEPEST = 2;

/** Reads files that lie in byte strings of a pickle, at this depth of them; each once, however often it is named. */
export function bytesLoader(depth = 0): (bytes: Bytes) => Promise<PickleValue> {
  const loaded = new Map<Bytes, Promise<PickleValue>>();
  return (bytes) => {
    if (depth >= DEEPEST)
      throw new PytorchFileError(`${bytes.source.name}: files lie more than ${DEEPEST} deep within each other`);
    const value = loaded.get(bytes) ?? loadLegacy(bytes.source, depth + 1);
    loaded.set(bytes, value);
    return value;
  };
}

/** The object that a file in this format holds. Throws {@link PytorchFileError} naming what is wrong with it. */
export async function loadLegacy(source: ByteSource, depth = 0): Promise<PickleValue> {
  const fail = (what: string): never => {
    throw new PytorchFileError(`${source.name}: ${what}`);
  };
  const roots = new Map<string, Root>();
  const context = {
    persistent: (id: PickleValue) => persistentStorage(id, roots, source.name),
    loadBytes: bytesLoader(depth),
  };
  const stream = new ByteStream(source);
  const magic = await unpickle(stream, context);
  if (magic !== MAGIC) fail(`a file of PyTorch's older format starts with ${MAGIC}, got ${describeValue(magic)}`);
  const protocol = await unpickle(stream, context);
  if (protocol !== PROTOCOL) fail(`its protocol should be ${PROTOCOL}, got ${describeValue(protocol)}`);
  // What the third pickle says of the writing machine does not matter: storages are little-endian on all of them.
  await unpickle(stream, context);
  const value = await unpickle(stream, context);
  const keys = await unpickle(stream, context);
  if (!Array.isArray(keys)) return fail(`the keys of its storages should be a list, got ${describeValue(keys)}`);
  let at = stream.position;
  for (const key of keys) {
    const root =
      (typeof key === 'string' ? roots.get(key) : undefined) ??
      fail(`it stores ${describeValue(key)}, which no tensor reads`);
    const count = await readExactly(source, at, 8, 'the size of a storage');
    const elements = new DataView(count.buffer, count.byteOffset, 8).getBigUint64(0, true);
    if (elements !== BigInt(root.elements))
      fail(`the storage ${describeValue(key)} should have ${root.elements} elements, got ${elements}`);
    const length = root.elements * elementBytes(root.type);
    root.place = partOf(source, at + 8, length, `the storage ${describeValue(key)}`);
    at += 8 + length;
  }
  for (const [key, { place }] of roots) if (place === undefined) fail(`the storage "${key}" is not in the file`);
  return value;
}

/**
 * The storage of an id `('storage', class, key, device, elements, view)`; a view is `(key, first element, elements)` of
 * another, or None.
 */
function persistentStorage(id: PickleValue, roots: Map<string, Root>, source: string): StoredStorage {
  const fail = (what: string): never => {
    throw new PytorchFileError(`${source}: the storage id ${what}`);
  };
  if (!Array.isArray(id) || id[0] !== 'storage') return fail(`should name a storage, got ${describeValue(id)}`);
  const [, storageClass, key, , elements, view] = id;
  const type = storageType(storageClass, source);
  if (!isCount(elements)) return fail(`should have a number of elements, got ${describeValue(elements)}`);
  if (typeof key !== 'string') return fail(`should have a text for its key, got ${describeValue(key)}`);
  const root = roots.get(key) ?? { type, elements };
  if (root.type !== type || root.elements !== elements) fail(`"${key}" has two types or sizes`);
  roots.set(key, root);
  const [, first, count] = Array.isArray(view) ? view : [null, 0, elements];
  if (!isCount(first) || !isCount(count) || first + count > elements)
    return fail(`"${key}" has a view of elements that it does not have`);
  const size = elementBytes(type);
  return {
    kind: 'storage',
    type,
    byteLength: count * size,
    isLittleEndian: true,
    open: async () => {
      const { place = fail(`"${key}" is not in the file`) } = root;
      return partOf(place, first * size, count * size, `the storage "${key}"`);
    },
  };
}

const isCount = (value: PickleValue | undefined): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
