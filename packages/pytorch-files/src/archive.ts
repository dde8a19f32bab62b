// PyTorch's format since 1.6 (torch/serialization.py, `_save`): a zip file with the pickle `data.pkl` and a record
// `data/KEY` for each storage.
import { elementBytes } from './element-type.js';
import { PytorchFileError } from './errors.js';
import { storageType } from './globals.js';
import { bytesLoader } from './legacy.js';
import { unpickle } from './pickle.js';
import { type ByteSource, readExactly } from './source.js';
import { ByteStream } from './stream.js';
import type { StoredStorage } from './tensor.js';
import { describeValue, type PickleValue } from './values.js';
import { readZip, type ZipRecord } from './zip.js';

const PICKLE = 'data.pkl';

/** "little" or "big": nobody needs more to say it. */
const LONGEST_BYTE_ORDER = 16;

/** The object that a zip file of PyTorch holds. Throws {@link PytorchFileError} naming what is wrong with it. */
export async function loadArchive(source: ByteSource): Promise<PickleValue> {
  const records = await readZip(source);
  // All records lie in one folder, named after the file as it was written.
  const pickles = [...records].filter(([name]) => name === PICKLE || name.endsWith(`/${PICKLE}`));
  if (pickles.length !== 1)
    throw new PytorchFileError(
      `${source.name}: a zip file of PyTorch has one record "${PICKLE}", this has ${pickles.length}; ` +
        'is it a file of torch.save?',
    );
  const [[name, pickle]] = pickles;
  const folder = name.slice(0, -PICKLE.length);
  const isLittleEndian = await readByteOrder(records.get(`${folder}byteorder`), source.name);
  const stream = new ByteStream(await pickle.open());
  return unpickle(stream, {
    persistent: (id) => persistentStorage(id, { records, folder, isLittleEndian, source: source.name }),
    loadBytes: bytesLoader(),
  });
}

/** Files from before PyTorch 2.0 do not say; they are little-endian. */
async function readByteOrder(record: ZipRecord | undefined, source: string): Promise<boolean> {
  if (record === undefined) return true;
  const length = Math.min(record.byteLength, LONGEST_BYTE_ORDER);
  const text = new TextDecoder().decode(await readExactly(await record.open(), 0, length, 'the byte order'));
  if (text !== 'little' && text !== 'big')
    throw new PytorchFileError(`${source}: the byte order should be "little" or "big", got ${JSON.stringify(text)}`);
  return text === 'little';
}

interface Archive {
  readonly records: ReadonlyMap<string, ZipRecord>;
  readonly folder: string;
  readonly isLittleEndian: boolean;
  readonly source: string;
}

/** The storage of an id `('storage', class, key, device, elements)`. */
function persistentStorage(id: PickleValue, { records, folder, isLittleEndian, source }: Archive): StoredStorage {
  const fail = (what: string): never => {
    throw new PytorchFileError(`${source}: the storage id ${what}`);
  };
  if (!Array.isArray(id) || id[0] !== 'storage') return fail(`should name a storage, got ${describeValue(id)}`);
  const [, storageClass, key, , elements] = id;
  if (typeof key !== 'string' || typeof elements !== 'number')
    return fail(`should have a key and a number of elements, got ${describeValue(key)} and ${describeValue(elements)}`);
  const type = storageType(storageClass, source);
  const name = `${folder}data/${key}`;
  const record = records.get(name) ?? fail(`names the record "${name}", which the file does not have`);
  const byteLength = elements * elementBytes(type);
  if (byteLength !== record.byteLength)
    fail(`says that "${name}" has ${elements} elements of ${type}, but it has ${record.byteLength} bytes`);
  return { kind: 'storage', type, byteLength, isLittleEndian, open: record.open };
}
