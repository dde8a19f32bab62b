// Files that mean harm, or are broken: each gives an error that says what is wrong, and costs no more than its size.
import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { jsonText, PytorchFileError, readPytorchFile, readTensor, stateDictionary, tensorOf } from '../src/index.js';
import {
  archiveOf,
  bytesOf,
  int,
  pickleOf,
  sourceOf,
  type TensorOpcodes,
  tensorOpcodes,
  text,
  tuple,
  uint,
} from './files.js';

const read = async (pickle: Uint8Array) => (await readPytorchFile(sourceOf(pickle, 'x.pkl'))).value;
const readArchive = async (pickle: Uint8Array) => (await readPytorchFile(sourceOf(archiveOf(pickle)))).value;

describe('a pickle', () => {
  it('that names a function to call gets an opaque value, with the arguments it would have had', async () => {
    const value = await read(pickleOf('cos\nsystem\n', tuple(text('echo harm')), 'R'));
    expect(value).toMatchObject({ kind: 'object', name: 'os.system', args: ['echo harm'] });
    expect(jsonText(value)).toBe('"an object of \\"os.system\\", which is not known and was not made"');
  });

  it.each([
    [
      'a getter',
      bytesOf('c__builtin__\ngetattr\n', tuple(text('a'), text('constructor')), 'R', tuple(text('return 1')), 'R'),
    ],
    ['names of JavaScript', bytesOf('cFunction\nconstructor\n', tuple(text('return 1')), 'R')],
    ['a prototype', bytesOf('c__proto__\nconstructor\n', ')', 0x81, '}', text('__proto__'), 'N', 's', 'b')],
  ])('of %s makes opaque values only', async (_, opcodes) => {
    expect(await read(pickleOf(opcodes))).toMatchObject({ kind: 'object' });
    expect(Object.prototype).not.toHaveProperty('kind');
  });

  it('keeps a name like __proto__ as a name', async () => {
    const value = await read(pickleOf('}', text('__proto__'), '}', text('polluted'), 0x88, 's', 's'));
    expect(value instanceof Map && value.has('__proto__')).toBe(true);
    expect({}).not.toHaveProperty('polluted');
  });

  it('that contains itself, or is nested a million deep, is read and described', async () => {
    const itself = await read(pickleOf(']', 'q\x00', 'h\x00', 'a'));
    expect(jsonText(itself)).toContain('"a sequence of 1"');
    const deep = await read(pickleOf(bytesOf('N', '\x85'.repeat(1_000_000))));
    expect(jsonText(deep)).toContain('"a sequence of 1"');
  });

  it('that copies one list over and over again is refused before it fills memory', async () => {
    const list = bytesOf('](', 'N'.repeat(100_000), 'e', 'q\x00', '0');
    for (const copier of ['c__builtin__\nlist\n', 'c__builtin__\nset\n', 'ccollections\nOrderedDict\n']) {
      const copies = `${copier}h\x00\x85R0`.repeat(1000);
      await expect(read(pickleOf(list, copies, 'N'))).rejects.toThrow('it copies more than 20000000 values');
    }
  });

  it('that makes names and devices of nested lists is refused, or keeps them unmade', async () => {
    // Written out, the list has 2^60 values.
    const doubled = bytesOf(
      'N',
      'q\x00',
      ...Array.from({ length: 60 }, () => bytesOf('h\x00', 'h\x00', 0x86, 'q\x00', '0')),
    );
    expect(await read(pickleOf(doubled, 'ctorch\ndevice\n', 'h\x00', 0x85, 'R'))).toMatchObject({
      name: 'torch.device',
    });
    const id = (key: string, elements: string) =>
      pickleOf(doubled, tuple(text('storage'), 'ctorch\nFloatStorage\n', key, text('cpu'), elements), 'Q');
    for (const pickle of [id('h\x00', 'K\x04'), id('X\x01\x00\x00\x000', 'h\x00')])
      await expect(readArchive(pickle)).rejects.toThrow(/should have a key and a number of elements/);
  });

  it('that is long is described by its beginning', async () => {
    const long = jsonText(await read(pickleOf('](', 'N'.repeat(1000), 'e')));
    expect(long).toBe(`[${'null, '.repeat(500)}"… 500 more"]`);
  });

  it('that doubles a list over and over again takes the memory of the lists alone', async () => {
    // Each list holds the one before twice: 2^60 values when written out.
    const doubling = Array.from({ length: 60 }, (_, i) =>
      bytesOf(']', 'q', i, 'h', i, '0', '(', 'h', Math.max(0, i - 1), 'h', Math.max(0, i - 1), 'e'),
    );
    expect(jsonText(await read(pickleOf(...doubling))).length).toBeLessThan(50_000);
  });

  it.each([
    ['V', 'A\\u0042C', 'ABC'],
    ['V', '\\U0001f600 \\n \\\\u0041', '\u{1f600} \\n \\\\u0041'],
    ['V', '\xe9', '\xe9'],
    ['S', "'a\\x41\\n\\\\x41\\101\\'\\q'", "aA\n\\x41A'\\q"],
  ])('of protocol 0 has the texts that Python would read: %s%s', async (opcode, line, expected) => {
    expect(await read(pickleOf(`${opcode}${line}\n`))).toBe(expected);
  });

  it.each([
    ['has a text with half an escape', bytesOf('V\\u00\n'), /"\\\\u00" has an escape that is no character of Unicode/],
    ['has a text beyond Unicode', bytesOf('V\\U00110000\n'), /has an escape that is no character of Unicode/],
    ['has a string with half an escape', bytesOf("S'\\x4'\n"), /has an escape \\x without two hexadecimal digits/],
    [
      'recalls a value that was not stored',
      bytesOf('h\x05'),
      /corrupt at byte 2: it recalls value 5, which was not stored/,
    ],
    ['takes from an empty stack', bytesOf('0'), /it takes a value from an empty stack/],
    ['goes back to no mark', bytesOf('t'), /it goes back to a mark that was not set/],
    ['takes a value from below its mark', bytesOf('N(', 0x85), /it takes a value from an empty stack/],
    ['has an opcode that does not exist', bytesOf(0xff), /0xff is no opcode/],
    [
      'has a text longer than the file',
      bytesOf('X', uint(0xffffffff)),
      /should lie in bytes 7 to 4294967302, but there are only 8/,
    ],
    ['has bytes longer than the file', bytesOf('B', uint(0x7fffffff)), /a byte string should lie in bytes/],
    [
      'has an integer of a million bytes',
      bytesOf(0x8b, uint(1_000_000)),
      /an integer of 1000000 bytes; 256 are allowed/,
    ],
    ['has an integer of ten thousand digits', bytesOf('L', '1'.repeat(10_000), '\n'), /is not an integer/],
    ['has a line without an end', bytesOf('c', 'x'.repeat(100_000)), /the line at byte 3 of the pickle has no end/],
    ['sets items of a number', bytesOf('K\x01', '(NNu'), /it sets items of 1/],
    ['sets half an item', bytesOf('}(Nu'), /it sets items of a dictionary of 0 entries/],
    ['appends to a text', bytesOf(text('a'), 'Na'), /it appends to "a"/],
    ['calls with no arguments', bytesOf('ca\nb\n', 'N', 'R'), /it calls the class or function "a\.b" with None/],
    ['has text that is not UTF-8', bytesOf('X', uint(2), 0xc3, 0x28), /a text before byte \d+ is not UTF-8/],
    ['names classes by number', bytesOf(0x82, 1), /names a class by a number of a registry/],
    ['wants buffers', bytesOf(0x97), /its data lies in buffers beside it/],
    ['is of a newer protocol', bytesOf(0x80, 9), /protocol 9; 5 is the newest known/],
    ['names what lies outside', bytesOf(text('0'), 'Q'), /it names "0", which lies outside of the file/],
    ['gives a number a state', bytesOf('K\x01', 'N', 'b'), /1 has no state to set/],
  ])('that %s is refused', async (_, opcodes, message) => {
    const error = await read(pickleOf(opcodes)).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(PytorchFileError);
    expect(String(error)).toMatch(message);
    expect(String(error)).toMatch(/x\.pkl/);
  });

  it('that ends too early is refused', async () => {
    await expect(read(bytesOf(0x80, 2, 'X', uint(3)))).rejects.toThrow(/x\.pkl: .* truncated or corrupt/);
    await expect(read(bytesOf(0x80, 2))).rejects.toThrow('the pickle ends within a value, at byte 2');
  });
});

describe('a tensor', () => {
  it.each<[string, TensorOpcodes, RegExp]>([
    [
      'reaches beyond its storage',
      { shape: [5] },
      /F32 \[5\] with strides \[1\] from element 0 reaches element 5 of a storage that has 4/,
    ],
    ['starts beyond its storage', { offset: 4, shape: [1] }, /reaches element 5 of a storage that has 4/],
    [
      'has an overlong shape',
      { shape: [2 ** 52, 2 ** 52], strides: [2 ** 52, 1] },
      /reaches element .* of a storage that has 4/,
    ],
    [
      'repeats one value without end',
      { shape: [2 ** 40], strides: [0] },
      /repeats its storage of 16 bytes up to 4398046511104; 268435456 are allowed/,
    ],
    ['has a negative size', { shape: [-1] }, /has a shape, strides or an offset that are not up to 64 counts each/],
    ['has a negative stride', { strides: [-1] }, /are not up to 64 counts each/],
    ['has a negative offset', { offset: -1 }, /are not up to 64 counts each/],
    ['has more strides than sizes', { strides: [1, 1] }, /are not up to 64 counts each/],
    [
      'has a thousand axes',
      { shape: Array(1000).fill(1), strides: Array(1000).fill(1) },
      /are not up to 64 counts each/,
    ],
    [
      'says that its storage is longer',
      { elements: 1000 },
      /"net\/data\/0" has 1000 elements of F32, but it has 16 bytes/,
    ],
    ['says that its storage is negative', { elements: -4 }, /has -4 elements of F32, but it has 16 bytes/],
    [
      'names a storage that is not there',
      { key: '1' },
      /names the record "net\/data\/1", which the file does not have/,
    ],
    ['leads out of the folder', { key: '../data.pkl' }, /names the record "net\/data\/\.\.\/data\.pkl", which/],
    [
      'has an unknown storage',
      { storage: 'EvilStorage' },
      /a storage should be one of torch\.DoubleStorage.*, got the class or function "torch\.EvilStorage"/,
    ],
  ])('that %s is refused', async (_, options, message) => {
    const error = await readArchive(pickleOf(tensorOpcodes(options))).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(PytorchFileError);
    expect(String(error)).toMatch(message);
  });

  it('with the negative bit has the opposite values', async () => {
    const value = await readArchive(pickleOf(tensorOpcodes({ metadata: bytesOf('}', text('neg'), 0x88, 's') })));
    const tensor = tensorOf(value);
    expect(tensor && [...(await readTensor(tensor)).data]).toEqual([-1, -2, -3, -4]);
    const plain = await readArchive(pickleOf(tensorOpcodes({ metadata: bytesOf('}', text('neg'), 0x89, 's') })));
    const same = tensorOf(plain);
    expect(same && [...(await readTensor(same)).data]).toEqual([1, 2, 3, 4]);
  });

  it.each<[string, TensorOpcodes, RegExp]>([
    [
      'the conjugate bit',
      { metadata: bytesOf('}', text('conj'), 0x88, 's') },
      /a tensor F32 \[4\] is marked as conjugate \("conj"\), .* save its resolve_conj\(\) instead/,
    ],
    ['an unknown mark', { metadata: bytesOf('}', text('odd'), 0x88, 's') }, /is marked as "odd", which is not known/],
    ['no dictionary', { metadata: bytesOf('K\x01') }, /should have a dictionary of metadata, got 1/],
    [
      'a text',
      { metadata: bytesOf('}', text('neg'), text('no'), 's') },
      /should have True or False as "neg", got "no"/,
    ],
    [
      'the negative bit of integers',
      { storage: 'IntStorage', metadata: bytesOf('}', text('neg'), 0x88, 's') },
      /a tensor I32 \[4\] is marked as negative/,
    ],
  ])('with %s as metadata is refused', async (_, options, message) => {
    await expect(readArchive(pickleOf(tensorOpcodes(options)))).rejects.toThrow(message);
  });

  it('of a subclass within itself thousands of times is refused', async () => {
    const maker = 'ctorch._tensor\n_rebuild_from_type_v2\n';
    const depth = 20_000;
    const nested = bytesOf(maker, 'q\x00', '0', '(h\x00N'.repeat(depth), ')', 't'.repeat(depth), 'q\x01', '0');
    await expect(readArchive(pickleOf(nested, 'h\x00', 'h\x01', 'R'))).rejects.toThrow(
      'net.pt: a tensor of a subclass is made by torch._tensor._rebuild_from_type_v2 within itself',
    );
  });

  it('without elements may lie anywhere that its storage is', async () => {
    const value = await readArchive(pickleOf(tensorOpcodes({ offset: 4, shape: [0, 2 ** 50], strides: [1, 1] })));
    const tensor = tensorOf(value);
    expect(tensor && (await readTensor(tensor)).data).toEqual(new Float32Array());
  });
});

describe('a compressed file', () => {
  it('that grows beyond what is allowed is refused before it fills memory', async () => {
    const bomb = deflateSync(Buffer.alloc(2 ** 24));
    await expect(readPytorchFile(sourceOf(bomb, 'bomb.joblib'), { mostInflatedBytes: 2 ** 20 })).rejects.toThrow(
      `bomb.joblib: ${bomb.length} compressed bytes hold more than 1048576: allow more with mostInflatedBytes`,
    );
  });

  it('that is cut off or corrupt is refused', async () => {
    const whole = deflateSync(pickleOf(text('a'.repeat(1000)), 'q\x00'));
    const corrupt = Uint8Array.from(whole, (byte, i) => (i === 12 ? byte ^ 0xff : byte));
    for (const bytes of [whole.subarray(0, whole.length - 8), corrupt]) {
      await expect(readPytorchFile(sourceOf(bytes))).rejects.toThrow(PytorchFileError);
    }
  });

  it.each([
    ['BZh91AY', 'a bz2 file; joblib.dump it again with compress=("zlib", 3)'],
    ['\xfd7zXZ\0', 'an xz file'],
    ['\x04\x22\x4d\x18', 'an lz4 file'],
    ['ZF0x123', 'a dump of joblib before 0.10'],
  ])('of another method is refused by name: %j', async (start, message) => {
    await expect(readPytorchFile(sourceOf(bytesOf(start, '\0'.repeat(20))))).rejects.toThrow(message);
  });
});

describe('a file of the older format', () => {
  const magic = pickleOf(0x8a, 10, bytesOf(0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19));
  const legacy = (object: Uint8Array, keys: Uint8Array, ...rest: readonly Uint8Array[]): Uint8Array =>
    bytesOf(magic, pickleOf('M\xe9\x03'), pickleOf('}'), pickleOf(object), pickleOf(keys), ...rest);
  const values = new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer);
  const keys = bytesOf(']', text('0'), 'a');
  const readLegacy = (bytes: Uint8Array) => readPytorchFile(sourceOf(bytes));

  it('is read, also where storages are views of others', async () => {
    const id = tuple(
      text('storage'),
      'ctorch\nFloatStorage\n',
      text('0'),
      text('cpu'),
      int(4),
      tuple(text('v'), int(1), int(2)),
    );
    const view = bytesOf(
      'ctorch._utils\n_rebuild_tensor\n',
      tuple(bytesOf(id, 'Q'), int(0), tuple(int(2)), tuple(int(1))),
      'R',
    );
    const { value } = await readLegacy(legacy(view, keys, uint(4, 8), values));
    const tensor = tensorOf(value);
    expect(tensor && [...(await readTensor(tensor)).data]).toEqual([2, 3]);
  });

  it.each([
    [
      'cut off',
      legacy(tensorOpcodes(), keys, uint(4, 8), values.subarray(0, 9)),
      /the storage "0" should lie in bytes/,
    ],
    ['without its storages', legacy(tensorOpcodes(), bytesOf(']')), /the storage "0" is not in the file/],
    [
      'with a storage of another size',
      legacy(tensorOpcodes(), keys, uint(5, 8), values),
      /the storage "0" should have 4 elements, got 5/,
    ],
    [
      'with a storage that nothing reads',
      legacy(bytesOf('N'), keys, uint(4, 8), values),
      /it stores "0", which no tensor reads/,
    ],
    [
      'with a storage of two sizes',
      legacy(bytesOf('(', tensorOpcodes(), tensorOpcodes({ elements: 5 }), 't'), keys),
      /"0" has two types or sizes/,
    ],
    ['of another protocol', bytesOf(magic, pickleOf('K\x01')), /its protocol should be 1001, got 1/],
  ])('that is %s is refused', async (_, bytes, message) => {
    await expect(readLegacy(bytes)).rejects.toThrow(message);
  });

  it('within itself over and over again is refused', async () => {
    let bytes = legacy(bytesOf('N'), bytesOf(']'));
    for (let depth = 0; depth < 5; depth++)
      bytes = legacy(
        bytesOf('ctorch.storage\n_load_from_bytes\n', tuple('B', uint(bytes.length), bytes), 'R'),
        bytesOf(']'),
      );
    await expect(readLegacy(bytes)).rejects.toThrow('files lie more than 2 deep within each other');
  });
});

describe('a zip file', () => {
  const whole = archiveOf(pickleOf(tensorOpcodes()));

  it.each([
    ['no end', whole.subarray(0, whole.length - 30), /it has no directory at its end/],
    [
      'a directory beyond its end',
      bytesOf(whole.subarray(0, whole.length - 6), uint(0xfffffff), uint(0, 2)),
      /the directory should lie in bytes/,
    ],
    [
      'a directory elsewhere',
      bytesOf(whole.subarray(0, whole.length - 6), uint(3), uint(0, 2)),
      /its directory has no entry at byte 0/,
    ],
  ])('that has %s is refused', async (_, bytes, message) => {
    await expect(readPytorchFile(sourceOf(bytes))).rejects.toThrow(message);
  });
});

describe('a zip file', () => {
  it('with a record whose bytes were changed is refused by its checksum, when the record is read', async () => {
    const whole = archiveOf(pickleOf('}', text('w'), tensorOpcodes(), 's'));
    const at = Buffer.from(whole).indexOf(Buffer.from(Float32Array.of(1, 2, 3, 4).buffer));
    const changed = Uint8Array.from(whole);
    changed[at] ^= 1;
    const { value } = await readPytorchFile(sourceOf(changed));
    const tensor = tensorOf(value instanceof Map ? value.get('w') : undefined);
    if (tensor === undefined) throw new Error('no tensor');
    await expect(readTensor(tensor)).rejects.toThrow(
      'net.pt: the record "net/data/0" has another checksum than the directory says: the file is corrupt',
    );
  });

  it('with many tensors that repeat one number is refused for what they take together', async () => {
    // Each alone is allowed: 2^26 values from one.
    const repeated = tensorOpcodes({ shape: [2 ** 26 - 1], strides: [0] });
    const names = ['a', 'b', 'c'];
    const file = await readPytorchFile(
      sourceOf(archiveOf(pickleOf('}', ...names.flatMap((name) => [text(name), repeated, 's'])))),
    );
    expect(() => stateDictionary(file)).toThrow(/net\.pt: its tensors repeat \d+ bytes up to 805306356 together/);
  });
});
