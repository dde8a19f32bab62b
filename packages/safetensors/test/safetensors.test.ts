import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  decodeFloats,
  decodeSafetensors,
  encodeFloats,
  encodeSafetensors,
  type FloatTensor,
  readHeader,
  SafetensorsError,
} from '../src/index.js';
import { readSafetensors, readSafetensorsHeader, streamSafetensors, writeSafetensors } from '../src/node.js';

const fixture = new URL('./fixtures/pytorch-written.safetensors', import.meta.url).pathname;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'logah-safetensors-'));
});
afterAll(() => rm(folder, { recursive: true }));

const tensor = (shape: number[], fill = (i: number) => i): FloatTensor => ({
  shape,
  data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => fill(i)),
});

const tensorRecord = fc.dictionary(
  fc.string({ minLength: 1 }).filter((name) => name !== '__metadata__' && name !== '__proto__'),
  fc
    .array(fc.nat(4), { maxLength: 3 })
    .chain((shape) =>
      fc
        .float32Array({ minLength: shape.reduce((a, b) => a * b, 1), maxLength: shape.reduce((a, b) => a * b, 1) })
        .map((data): FloatTensor => ({ shape, data })),
    ),
  { maxKeys: 5 },
);

describe('encodeSafetensors and decodeSafetensors', () => {
  it('round-trip any tensors and metadata', () => {
    fc.assert(
      fc.property(
        tensorRecord,
        fc.dictionary(
          fc.string().filter((k) => k !== '__proto__'),
          fc.string(),
        ),
        (record, metadata) => {
          const decoded = decodeSafetensors(encodeSafetensors(Object.entries(record), metadata));
          expect(Object.fromEntries(decoded.tensors)).toEqual(record);
          expect(decoded.metadata).toEqual(metadata);
        },
      ),
    );
  });

  it('read a file that PyTorch wrote', async () => {
    const { tensors, metadata } = await readSafetensors(fixture);
    expect(tensors.get('gnn.0.attn.to_qkv.weight')?.shape).toEqual([48, 16]);
    expect(JSON.parse(metadata.config).rank).toBe(4);
  });

  it('keeps a name that means something to JavaScript, and refuses the one that the format keeps', () => {
    const file = encodeSafetensors([['__proto__', tensor([2])]]);
    expect(decodeSafetensors(file).tensors.get('__proto__')).toEqual(tensor([2]));
    expect(() => encodeSafetensors([['__metadata__', tensor([1])]])).toThrow('no tensor can be named "__metadata__"');
  });

  it('aligns the data to 8 bytes, so that typed arrays can view it in place', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (name) => {
        const file = encodeSafetensors([[name, tensor([1])]]);
        expect((file.byteLength - 4) % 8).toBe(0);
      }),
    );
  });

  it('turns every corruption of a real file into a SafetensorsError or a readable file, never a crash', async () => {
    const bytes = new Uint8Array(await readFile(fixture));
    fc.assert(
      fc.property(
        fc.nat(bytes.length),
        fc.array(fc.tuple(fc.nat(4000), fc.nat(255)), { maxLength: 4 }),
        (length, edits) => {
          const broken = bytes.slice(0, length);
          for (const [at, value] of edits) if (at < length) broken[at] = value;
          try {
            decodeSafetensors(broken);
          } catch (error) {
            expect(error).toBeInstanceOf(SafetensorsError);
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('half precision', () => {
  it('F16 keeps every one of its own values', () => {
    const bits = Uint16Array.from({ length: 65536 }, (_, i) => i).filter(
      (half) => (half & 0x7c00) !== 0x7c00 || (half & 0x3ff) === 0,
    );
    const values = decodeFloats(new Uint8Array(bits.buffer), 'F16');
    expect(new Uint16Array(encodeFloats(values, 'F16').slice().buffer)).toEqual(bits);
  });

  it('F16 rounds to the nearest value, ties to even', () => {
    const values = [1 + 2 ** -11, 1 + 3 * 2 ** -11, 65519, 65520, 2 ** -25, 3 * 2 ** -25, 0.1];
    const rounded = decodeFloats(encodeFloats(Float32Array.from(values), 'F16').slice(), 'F16');
    expect([...rounded]).toEqual([1, 1 + 2 ** -9, 65504, Number.POSITIVE_INFINITY, 0, 2 ** -23, 0.0999755859375]);
  });

  it('BF16 is within 2^-8 of any normal float32', () => {
    fc.assert(
      fc.property(fc.float({ min: Math.fround(1e-30), max: Math.fround(1e30), noNaN: true }), (value) => {
        const [rounded] = decodeFloats(encodeFloats(Float32Array.of(value), 'BF16').slice(), 'BF16');
        expect(Math.abs(rounded - value)).toBeLessThanOrEqual(Math.abs(value) * 2 ** -8);
      }),
    );
  });
});

describe('streamSafetensors', () => {
  const declared = [
    { name: 'a', shape: [2, 3] },
    { name: 'b', shape: [4] },
  ];
  const named = (name: string, shape: number[]) => ({ name, ...tensor(shape) });

  it('writes the same bytes as encodeSafetensors', async () => {
    const path = join(folder, 'stream.safetensors');
    await streamSafetensors(path, declared, [named('a', [2, 3]), named('b', [4])], { metadata: { made: 'here' } });
    const expected = encodeSafetensors(
      [
        ['a', tensor([2, 3])],
        ['b', tensor([4])],
      ],
      { made: 'here' },
    );
    expect(new Uint8Array(await readFile(path))).toEqual(expected);
    expect([...(await readSafetensorsHeader(path)).tensors.keys()]).toEqual(['a', 'b']);
    const bytes = await readFile(path);
    const lengths: number[] = [];
    const header = await readHeader(
      async (offset, length) => {
        lengths.push(length);
        return bytes.subarray(offset, offset + length);
      },
      bytes.length,
      'remote',
    );
    expect(header).toEqual(await readSafetensorsHeader(path));
    expect(lengths).toEqual([8, header.dataOffset - 8]);
  });

  it.each([
    ['a tensor is missing', [named('a', [2, 3])], 'tensor "b" was declared, but never came'],
    ['a shape differs', [named('a', [3, 2])], 'tensor 1 is "a" [3, 2], but "a" [2, 3] was declared'],
    [
      'there is one too many',
      [named('a', [2, 3]), named('b', [4]), named('c', [1])],
      'tensor 3 is "c" [1], but no more was declared',
    ],
  ])('leaves no file behind when %s', async (_, tensors, message) => {
    const path = join(folder, 'broken.safetensors');
    await expect(streamSafetensors(path, declared, tensors)).rejects.toThrow(message);
    expect((await readdir(folder)).filter((name) => name.startsWith('broken'))).toEqual([]);
  });

  it('keeps the old file when writing the new one fails', async () => {
    const path = join(folder, 'kept.safetensors');
    await writeSafetensors(path, [['old', tensor([1])]]);
    await expect(streamSafetensors(path, declared, [])).rejects.toThrow(SafetensorsError);
    expect([...(await readSafetensors(path)).tensors.keys()]).toEqual(['old']);
  });
});

describe('errors', () => {
  it('name the file that is truncated, and by how much', async () => {
    const path = join(folder, 'truncated.safetensors');
    const bytes = await readFile(fixture);
    await writeFile(path, bytes.subarray(0, bytes.length - 1000));
    await expect(readSafetensors(path)).rejects.toThrow(
      `${path}: the header promises ${bytes.length} bytes, but the file has ${bytes.length - 1000}: it is truncated`,
    );
    await expect(readSafetensorsHeader(path)).rejects.toThrow('it is truncated');
  });

  it('name a file that does not exist', async () => {
    await expect(readSafetensors(join(folder, 'none'))).rejects.toThrow(`cannot read ${join(folder, 'none')}: ENOENT`);
  });

  it('refuse a folder that does not exist', async () => {
    await expect(writeSafetensors(join(folder, 'no/such/f'), [])).rejects.toThrow('cannot write');
  });

  const withHeader = (header: object, dataBytes = 0): Uint8Array => {
    const json = new TextEncoder().encode(JSON.stringify(header));
    const file = new Uint8Array(8 + json.length + dataBytes);
    new DataView(file.buffer).setBigUint64(0, BigInt(json.length), true);
    file.set(json, 8);
    return file;
  };
  // Values are PyTorch's.
  it.each([
    ['F8_E4M3FNUZ', [0x01, 0x08, 0x7f, 0x80, 0x81], [2 ** -10, 2 ** -7, 240, Number.NaN, -(2 ** -10)]],
    ['F8_E5M2FNUZ', [0x01, 0x08, 0x7f, 0x80, 0x81], [2 ** -17, 2 ** -14, 57344, Number.NaN, -(2 ** -17)]],
    ['F8_E8M0', [0x00, 0x7f, 0x81, 0xfe, 0xff], [2 ** -127, 1, 4, 2 ** 127, Number.NaN]],
    ['F4', [0x21, 0x7f], [0.5, 1, -6, 6]],
  ])('read floats of type %s', (dtype, bytes, values) => {
    const file = withHeader({ w: { dtype, shape: [values.length], data_offsets: [0, bytes.length] } }, bytes.length);
    file.set(bytes, file.length - bytes.length);
    expect([...(decodeSafetensors(file).tensors.get('w')?.data ?? [])]).toEqual(values);
  });

  it('name what cannot be read, and read the rest', () => {
    const header = {
      c: { dtype: 'C64', shape: [1], data_offsets: [0, 8] },
      x: { dtype: 'F6_E2M3', shape: [4], data_offsets: [8, 11] },
      w: { dtype: 'U8', shape: [1], data_offsets: [11, 12] },
    };
    const { tensors, skipped } = decodeSafetensors(withHeader(header, 12));
    expect([[...tensors.keys()], skipped]).toEqual([['w'], ['c', 'x']]);
    expect(() => decodeFloats(new Uint8Array(8), 'C64')).toThrow('elements of type C64 cannot be read as float32');
  });

  it.each([
    [
      'an unknown type',
      withHeader({ w: { dtype: 'F8', shape: [1], data_offsets: [0, 1] } }, 1),
      'tensor "w" has dtype "F8"; known are F64, F32',
    ],
    [
      'a negative size',
      withHeader({ w: { dtype: 'F32', shape: [-1], data_offsets: [0, 4] } }, 4),
      'tensor "w" has shape [-1]',
    ],
    [
      'a range of the wrong length',
      withHeader({ w: { dtype: 'F32', shape: [2], data_offsets: [0, 4] } }, 4),
      'wants 8 bytes, but its range has 4',
    ],
    [
      'a gap',
      withHeader({ w: { dtype: 'U8', shape: [1], data_offsets: [3, 4] } }, 4),
      'tensor "w" starts at byte 3 of the data, but the one before it ends at 0',
    ],
    ['an absurd header length', new Uint8Array(16).fill(255), 'the header claims 18446744073709551615 bytes'],
    ['text', new TextEncoder().encode('hello'), 'it has 5 bytes'],
  ])('name the fault: %s', (_, file, message) => {
    expect(() => decodeSafetensors(file, 'f.safetensors')).toThrow(message);
  });
});
