// Files of PyTorch with bytes changed, cut and moved at random: an error that says why, or values that can be read;
// never anything else.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type PickleValue, PytorchFileError, readPytorchFile, readTensor, tensorOf } from '../src/index.js';
import { sourceOf } from './files.js';

/** Of each file; MUTATIONS=1000 makes 5,000 in all. */
const RUNS = Number(process.env.MUTATIONS ?? 80);
const SEED = 18;

const FILES = [
  'everything.pt',
  'everything.legacy.pt',
  'everything.joblib',
  'everything.zlib.joblib',
  'everything.gzip.joblib',
];

/** All tensors that a value holds, but for those below eight levels. */
function* tensorsIn(value: PickleValue | undefined, depth = 0): Generator<NonNullable<ReturnType<typeof tensorOf>>> {
  const tensor = tensorOf(value);
  if (tensor !== undefined) yield tensor;
  else if (depth < 8 && Array.isArray(value)) for (const item of value) yield* tensorsIn(item, depth + 1);
  else if (depth < 8 && value instanceof Map) for (const item of value.values()) yield* tensorsIn(item, depth + 1);
}

const mutation = (length: number) =>
  fc.oneof(
    fc.record({ kind: fc.constant('set' as const), at: fc.nat(length - 1), value: fc.nat(255) }),
    fc.record({ kind: fc.constant('flip' as const), at: fc.nat(length - 1), value: fc.nat(7) }),
    fc.record({ kind: fc.constant('cut' as const), at: fc.nat(length - 1), value: fc.nat(64) }),
    fc.record({ kind: fc.constant('insert' as const), at: fc.nat(length - 1), value: fc.nat(255) }),
    fc.record({ kind: fc.constant('copy' as const), at: fc.nat(length - 1), value: fc.nat(length - 1) }),
    fc.record({ kind: fc.constant('end' as const), at: fc.nat(length - 1), value: fc.constant(0) }),
  );

type Mutation = ReturnType<typeof mutation> extends fc.Arbitrary<infer T> ? T : never;

function mutated(bytes: Uint8Array, { kind, at, value }: Mutation): Uint8Array {
  const out = Uint8Array.from(bytes);
  switch (kind) {
    case 'set':
      out[at] = value;
      return out;
    case 'flip':
      out[at] ^= 1 << value;
      return out;
    case 'cut':
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + value)]);
    case 'insert':
      return Buffer.concat([bytes.subarray(0, at), Uint8Array.of(value), bytes.subarray(at)]);
    case 'copy':
      return out.copyWithin(at, value, value + 32);
    case 'end':
      return bytes.subarray(0, at);
  }
}

describe.each(FILES)('%s, mutated', (file) => {
  it('gives an error that names the file, or values', { timeout: 600_000 }, async () => {
    const whole = readFileSync(fileURLToPath(new URL(`./fixtures/${file}`, import.meta.url)));
    const counts = { refused: 0, read: 0 };
    await fc.assert(
      fc.asyncProperty(fc.array(mutation(whole.length), { minLength: 1, maxLength: 4 }), async (mutations) => {
        try {
          const bytes = mutations.reduce((current: Uint8Array, one) => mutated(current, one), whole);
          const { value } = await readPytorchFile(sourceOf(bytes, file));
          for (const tensor of tensorsIn(value)) if (tensor.type !== 'C64') await readTensor(tensor);
          counts.read++;
        } catch (error) {
          if (!(error instanceof PytorchFileError)) throw error;
          expect(error.message).toContain(file);
          counts.refused++;
        }
      }),
      { numRuns: RUNS, seed: SEED },
    );
    // Both ends happen, so that neither is what always happens.
    expect(counts.refused).toBeGreaterThan(RUNS / 10);
    if (file.endsWith('.pt')) expect(counts.read).toBeGreaterThan(0);
    if (process.env.MUTATIONS !== undefined) console.log(file, counts);
  });
});
