// What PyTorch, numpy and joblib write (fixtures/make.py) is read as they meant it.
import { execFileSync } from 'node:child_process';
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeSafetensors } from '@logah/safetensors/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  jsonText,
  type PickleValue,
  PytorchFileError,
  readPytorchFile,
  readTensor,
  readTensorBytes,
  type StoredTensor,
  stateDictionary,
  tensorOf,
} from '../src/index.js';
import { openPytorchFile, openTensorFile } from '../src/node.js';
import { archiveOf, bytesOf, pickleOf, sourceOf, tensorOpcodes, text, tuple, zipOf } from './files.js';

const FIXTURES = fileURLToPath(new URL('./fixtures/', import.meta.url));
const NEW_TYPES = ['uint16', 'uint32', 'uint64', 'float8_e4m3fn', 'float8_e5m2'];

const asMap = (value: PickleValue | undefined): Map<PickleValue, PickleValue> => {
  if (!(value instanceof Map)) throw new Error('a dictionary was expected');
  return value;
};

const asTensor = (value: PickleValue | undefined): StoredTensor => {
  const tensor = tensorOf(value);
  if (tensor === undefined) throw new Error('a tensor was expected');
  return tensor;
};

interface Expected {
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

/** Reads one of the files of make.py and compares every tensor in it. Returns the names that were there. */
async function expectContent(folder: string, file: string): Promise<string[]> {
  const expected = new Map<string, Expected>(
    Object.entries(JSON.parse(readFileSync(join(folder, 'everything.json'), 'utf8'))),
  );
  const { value, close } = await openPytorchFile(join(folder, file));
  const names: string[] = [];
  for (const [group, tensors] of asMap(value)) {
    if (group === 'others') continue;
    for (const [name, stored] of asMap(tensors)) {
      const { shape, data } = await readTensor(asTensor(stored));
      const wanted = expected.get(String(name));
      expect({ name, shape, values: [...data] }).toEqual({ name, ...wanted });
      names.push(String(name));
    }
  }
  await close();
  return names;
}

const FILES = [
  ['everything.pt', 'zip'],
  ['everything.legacy.pt', 'legacy'],
  ['everything.joblib', 'joblib'],
  ['everything.zlib.joblib', 'joblib'],
  ['everything.gzip.joblib', 'joblib'],
] as const;

describe.each(FILES)('%s', (file, format) => {
  it('has the values of every type, view and array', async () => {
    const names = await expectContent(FIXTURES, file);
    expect(names).toHaveLength(file === 'everything.pt' ? 27 : 22);
    expect(NEW_TYPES.every((name) => names.includes(name))).toBe(file === 'everything.pt');
  });

  it('has everything else as plain data', async () => {
    const opened = await openPytorchFile(join(FIXTURES, file));
    expect(opened.format).toBe(format);
    const others = asMap(asMap(opened.value).get('others'));
    const plain = [...others].filter(([name]) => name !== 'itself').map(([name, value]) => [name, jsonText(value)]);
    expect(plain).toEqual([
      ['args', '{"lr": 0.0003, "name": "vit", "layers": [1, 2, [3, null]], "nested": {"deep": true}}'],
      ['ordered', '{"a": 1, "b": 2}'],
      ['counted', '{"a": 2, "b": 1}'],
      ['default', '{"x": 1}'],
      ['set', '[1]'],
      ['frozen', '["f"]'],
      ['large', String(2n ** 70n)],
      ['negative', String(-(2n ** 70n))],
      ['bytes', '"2 bytes"'],
      ['size', '[2, 3]'],
      ['device', '"cpu"'],
      ['type', '"the class or function \\"torch.bfloat16\\""'],
      ['number', '0.1'],
      ['count', '7'],
      ['fraction', '"an object of \\"fractions.Fraction\\", which is not known and was not made"'],
      ['complex', '"a tensor C64 [2, 3]"'],
      ['text', '"naïve ✓"'],
    ]);
    expect([others.get('count'), others.get('number')]).toEqual([7, 0.1]);
    const itself = others.get('itself');
    expect(Array.isArray(itself) && itself[1] === itself).toBe(true);
    await opened.close();
  });
});

describe('a tensor', () => {
  it('of complex numbers has bytes, but no float32 values', async () => {
    const { value, close } = await openPytorchFile(join(FIXTURES, 'everything.pt'));
    const complex = asTensor(asMap(asMap(value).get('others')).get('complex'));
    const parts = new Float32Array((await readTensorBytes(complex)).slice().buffer);
    expect([...parts]).toEqual([0, 0, 1, 0, 2, 0, 100, 0, 50, 0, 3, 0]);
    await expect(readTensor(complex)).rejects.toThrow('complex numbers (C64) has no float32 values');
    await close();
  });

  it('is read alone, not with its file', async () => {
    const bytes = await readFile(join(FIXTURES, 'everything.pt'));
    let read = 0;
    const source = {
      name: 'everything.pt',
      size: bytes.length,
      read: async (offset: number, length: number) => {
        read += length;
        return bytes.subarray(offset, offset + length);
      },
    };
    const row = asTensor(asMap(asMap((await readPytorchFile(source)).value).get('views')).get('row'));
    read = 0;
    expect([...(await readTensor(row)).data]).toEqual([3, 3.25, 3.5, 3.75, 4, 4.25]);
    const [zipHeader, storage, values] = [30, 24 * 4, 6 * 4];
    // The checksum is of the whole storage, and is computed once.
    expect(read).toBe(zipHeader + storage + values);
  });

  it('of a file that says so is big-endian', async () => {
    const bytes = archiveOf(pickleOf(tensorOpcodes()), {
      'net/byteorder': bytesOf('big'),
      'net/data/0': bytesOf(0x3f, 0x80, 0, 0, 0x40, 0, 0, 0, 0xc0, 0x40, 0, 0, 0, 0, 0, 0),
    });
    const { value } = await readPytorchFile(sourceOf(bytes));
    expect([...(await readTensor(asTensor(value))).data]).toEqual([1, 2, -3, 0]);
  });

  it('that shares a storage with another reads its own part', async () => {
    const [first, second] = [
      tensorOpcodes({ shape: [2, 2], strides: [1, 2] }),
      tensorOpcodes({ offset: 1, shape: [3], strides: [1] }),
    ];
    const { value } = await readPytorchFile(sourceOf(archiveOf(pickleOf('(', first, second, 't'))));
    const tensors = Array.isArray(value) ? value.map(asTensor) : [];
    expect(await Promise.all(tensors.map(async (tensor) => [...(await readTensor(tensor)).data]))).toEqual([
      [1, 3, 2, 4],
      [2, 3, 4],
    ]);
  });
});

describe('stateDictionary', () => {
  const entry = (name: string): Uint8Array => bytesOf(text(name), tensorOpcodes());
  const dictionary = (...entries: readonly Uint8Array[]): Uint8Array => bytesOf('}(', ...entries, 'u');
  const read = (opcodes: Uint8Array) => readPytorchFile(sourceOf(archiveOf(pickleOf(opcodes))));

  it.each(['state_dict', 'model_state_dict', 'model'])('finds parameters under "%s", and says so', async (key) => {
    const file = await read(
      dictionary(bytesOf(text('epoch'), 'K\x03'), bytesOf(text(key), dictionary(entry('fc.weight')))),
    );
    const { tensors, notes } = stateDictionary(file);
    expect([...tensors.keys()]).toEqual(['fc.weight']);
    expect(notes).toEqual([`The parameters are those under "${key}".`]);
  });

  it('takes off what wrappers put before every name, and says so', async () => {
    const file = await read(dictionary(entry('n_averaged'), entry('module._orig_mod.fc.weight')));
    const { tensors, notes } = stateDictionary(file);
    expect([...tensors.keys()]).toEqual(['fc.weight']);
    expect(notes).toHaveLength(2);
  });

  it('leaves a prefix that not every name has', async () => {
    const file = await read(dictionary(entry('module.fc.weight'), entry('head.weight')));
    expect([...stateDictionary(file).tensors.keys()]).toEqual(['module.fc.weight', 'head.weight']);
  });

  it('chooses the moving average where it is asked for, and says when there is none', async () => {
    const trained = bytesOf(text('state_dict'), dictionary(entry('a')));
    const average = bytesOf(text('ema_state_dict'), dictionary(entry('b')));
    const weights = 'average';
    const [both, none] = [await read(dictionary(trained, average)), await read(dictionary(trained))];
    expect([...stateDictionary(both, { weights }).tensors.keys()]).toEqual(['b']);
    expect([...stateDictionary(both).tensors.keys()]).toEqual(['a']);
    expect(() => stateDictionary(none, { weights })).toThrow(
      'net.pt: it has no moving average, which would be under "ema_state_dict"',
    );
  });

  it('names a module that was saved whole, whose class is code', async () => {
    const file = await read(bytesOf('cmodels\nNet\n', ')', 0x81, '}', 'b'));
    expect(() => stateDictionary(file)).toThrow(
      'net.pt: it holds a whole object of "models.Net", whose class is code; save its state_dict() instead',
    );
  });

  it('finds parameters beside a tensor that is none, and names what is left out', async () => {
    const parameters = bytesOf(text('state_dict'), dictionary(entry('fc.weight')));
    const epoch = bytesOf(text('epoch'), 'K\x03');
    for (const opcodes of [
      dictionary(epoch, entry('best_acc1'), parameters),
      dictionary(parameters, entry('best_acc1'), epoch),
    ]) {
      const { tensors, notes, beside } = stateDictionary(await read(opcodes));
      expect([...tensors.keys()]).toEqual(['fc.weight']);
      expect(notes).toContain('Left out are "best_acc1" (a tensor F32 [4]), beside "state_dict".');
      expect(beside.get('epoch')).toBe(3);
    }
    const both = dictionary(bytesOf(text('params'), dictionary(entry('z'))), parameters);
    expect(stateDictionary(await read(both)).notes).toContain(
      'Left out are "params" (a dictionary of 1 entries), beside "state_dict".',
    );
  });

  it('names tensors whose names are no texts, or that lie deeper', async () => {
    const inner = bytesOf(text('inner'), dictionary(entry('b')));
    const { tensors, notes } = stateDictionary(
      await read(dictionary(entry('a'), bytesOf('K\x05', tensorOpcodes()), inner)),
    );
    expect([...tensors.keys()]).toEqual(['a']);
    expect(notes).toEqual([
      'Left out are 5 (a tensor F32 [4]), "inner" (a dictionary of 1 entries), ' +
        'which are no tensors of numbers with a text as name.',
    ]);
  });

  it.each([
    ['_rebuild_sparse_tensor', '"q" cannot be read: it is sparse; save its to_dense() instead'],
    ['_rebuild_meta_tensor_no_storage', '"q" cannot be read: it is on the device "meta", without values'],
    ['_rebuild_qtensor', '"q" cannot be read: it is quantised; save its dequantize() instead'],
    ['_rebuild_of_tomorrow', '"q" cannot be read: it is made by "torch._utils._rebuild_of_tomorrow"'],
  ])('refuses a tensor that %s makes, by its name', async (maker, message) => {
    const odd = bytesOf(text('q'), `ctorch._utils\n${maker}\n`, 'N', 0x85, 'R');
    for (const opcodes of [dictionary(entry('w'), odd), dictionary(odd)]) {
      const file = await read(opcodes);
      expect(() => stateDictionary(file)).toThrow(`net.pt: the tensor ${message}`);
    }
  });

  it('refuses a tensor of a type that is not known, by its name', async () => {
    const arguments_ = tuple('N', 'N', 'N', 'N', 'N', 'N', 'ctorch\ncomplex32\n');
    const file = await read(dictionary(bytesOf(text('q'), 'ctorch._utils\n_rebuild_tensor_v3\n', arguments_, 'R')));
    expect(() => stateDictionary(file)).toThrow(
      'net.pt: the tensor "q" cannot be read: it is of the type the class or function "torch.complex32"',
    );
  });

  it('says what a file holds that has no parameters', async () => {
    expect(() => stateDictionary({ name: 'a.pt', format: 'zip', byteLength: 0, value: [1, 2] })).toThrow(
      'a.pt: it should hold a state dictionary, got a sequence of 2',
    );
    expect(() =>
      stateDictionary({ name: 'a.pt', format: 'zip', byteLength: 0, value: new Map([['epoch', 3]]) }),
    ).toThrow('it has "epoch": 3');
  });
});

describe('openTensorFile', () => {
  it('gives what lies beside the parameters as JSON', async () => {
    const file = await openTensorFile(join(FIXTURES, 'everything.pt')).catch((error: unknown) => error);
    expect(file).toBeInstanceOf(PytorchFileError);
    expect(String(file)).toContain('it has "views": a dictionary of 8 entries');
  });

  it.each([
    ['itself', 'model.safetensors.index.json', 'got the index "model.safetensors.index.json"'],
    ['a folder', 'sub', 'sub'],
  ])('an index that names %s is refused', async (_, file, said) => {
    const folder = await mkdtemp(join(tmpdir(), 'logah-index-'));
    const index = join(folder, 'model.safetensors.index.json');
    // The folder holds the index once more.
    symlinkSync(folder, join(folder, 'sub'));
    writeFileSync(index, JSON.stringify({ weight_map: { a: file } }));
    await expect(openTensorFile(index)).rejects.toThrow(said);
    await expect(openTensorFile(folder)).rejects.toThrow(said);
    await rm(folder, { recursive: true });
  });

  it('reads safetensors by content, whatever their name, and knows no moving average of them', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'logah-tensors-'));
    const path = join(folder, 'model.bin');
    await writeSafetensors(path, [['w', { shape: [2], data: Float32Array.of(1, -2) }]], { epoch: '3' });
    const file = await openTensorFile(path);
    expect([...file.metadata]).toEqual([['epoch', '3']]);
    expect([...file.tensors]).toEqual([['w', { type: 'F32', shape: [2] }]]);
    expect([...(await file.read('w')).data]).toEqual([1, -2]);
    expect(await file.readBytes('w')).toEqual(new Uint8Array(Float32Array.of(1, -2).buffer));
    await expect(file.read('v')).rejects.toThrow(`${path}: there is no tensor "v"`);
    await file.close();
    await expect(openTensorFile(path, { weights: 'average' })).rejects.toThrow('no moving average beside it');
    await rm(folder, { recursive: true });
  });

  it('names a file that is not there, and one that is something else', async () => {
    await expect(openTensorFile('none.pt')).rejects.toThrow(/^cannot read none\.pt: ENOENT/);
    await expect(openTensorFile(join(FIXTURES, 'make.py'))).rejects.toThrow(
      /make\.py: not a file of PyTorch or joblib, neither a zip file nor a pickle/,
    );
  });
});

describe('a zip file', () => {
  it('that has its numbers in 64 bits, as one beyond 4 GiB has, is read', async () => {
    const values = new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer);
    const bytes = zipOf({ 'net/data.pkl': pickleOf(tensorOpcodes()), 'net/data/0': values }, { is64: true });
    const { value } = await readPytorchFile(sourceOf(bytes));
    expect([...(await readTensor(asTensor(value))).data]).toEqual([1, 2, 3, 4]);
  });

  it('without a pickle of PyTorch is refused', async () => {
    await expect(readPytorchFile(sourceOf(zipOf({ 'a.txt': bytesOf('a') })))).rejects.toThrow(
      'net.pt: a zip file of PyTorch has one record "data.pkl", this has 0; is it a file of torch.save?',
    );
  });

  it('with compressed records is refused', async () => {
    await expect(readPytorchFile(sourceOf(zipOf({ 'net/data.pkl': pickleOf('N') }, { method: 8 })))).rejects.toThrow(
      'the record "net/data.pkl" is compressed (method 8)',
    );
  });
});

const python = process.env.PYTHON ?? 'python3';
const hasPytorch = ((): boolean => {
  try {
    execFileSync(python, ['-c', 'import torch, joblib, numpy'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

describe.runIf(hasPytorch)('files of the installed PyTorch (skipped where Python has no torch and joblib)', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'logah-pytorch-'));
    execFileSync(python, [join(FIXTURES, 'make.py'), folder]);
    // Importing PyTorch alone takes long on a busy machine.
  }, 300_000);
  afterAll(() => rm(folder, { recursive: true }));

  it.each(FILES)('%s', async (file) => {
    expect((await expectContent(folder, file)).length).toBeGreaterThan(20);
  });
});
