// Checkpoints as LoGAH's and GHN-3's authors save them: each predicts what the authors' code predicts.
import '@tensorflow/tfjs-backend-cpu';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { crc32 } from 'node:zlib';
import {
  memorySource,
  type PickleValue,
  type PytorchFile,
  PytorchFileError,
  readPytorchFile,
} from '@logah/pytorch-files';
import { openPytorchFile } from '@logah/pytorch-files/node';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  disposeHypernet,
  fromCheckpoint,
  fromPytorch,
  type Hypernet,
  HypernetError,
  hypernetPreset,
} from '../src/index.js';
import { readHypernet } from '../src/node.js';
import { CASES, expectPrediction, fixture } from './golden-cases.js';

beforeAll(() => tf.setBackend('cpu'));

const pathOf = (file: string): string => fileURLToPath(new URL(`./fixtures/${file}`, import.meta.url));

/** Reads a hypernetwork, and what was said of it. */
async function readWithNotes(
  path: string,
): Promise<{ readonly hypernet: Hypernet; readonly notes: readonly string[] }> {
  const notes: string[] = [];
  return { hypernet: await readHypernet(path, { onNote: (note) => notes.push(note) }), notes };
}

/** The same hypernetwork as in the golden safetensors file, and the golden prediction from it. */
async function expectGolden(path: string, name: string): Promise<void> {
  const [, buildGraph, options] = CASES.find(([other]) => other === name) ?? expect.unreachable(`no golden ${name}`);
  const { hypernet } = await readWithNotes(path);
  const golden = fromCheckpoint(await fixture(`${name}.ghn`), name);
  expect(hypernet.config).toEqual(golden.config);
  for (const [key, tensor] of Object.entries(golden.parameters))
    expect(hypernet.parameters[key].dataSync(), key).toEqual(tensor.dataSync());
  await expectPrediction(hypernet, name, buildGraph(), options);
  disposeHypernet(hypernet);
  disposeHypernet(golden);
}

describe('a checkpoint of the authors predicts what their code does', () => {
  it.each([
    ['vit-mini.pt', 'vit-mini'],
    ['gpt2-mini.pt', 'gpt2-mini'],
    ['vit-mini.legacy.pt', 'vit-mini'],
    ['ghn3-vit-mini.joblib.pt', 'ghn3-vit-mini'],
  ])('%s', (file, name) => expectGolden(pathOf(file), name));

  // A megabyte that says in another container what the joblib file says, so it is not kept here.
  const shared = fileURLToPath(new URL('../../../../shared/reference/checkpoints/ghn3-vit-mini.pt', import.meta.url));
  it.runIf(existsSync(shared))('ghn3-vit-mini.pt (skipped where ../shared is missing)', () =>
    expectGolden(shared, 'ghn3-vit-mini'),
  );
});

describe('what a checkpoint does not say', () => {
  it('is inferred from its tensors, and told', async () => {
    const { hypernet, notes } = await readWithNotes(pathOf('ghn3-vit-mini.joblib.pt'));
    disposeHypernet(hypernet);
    expect(notes).toEqual([
      'domain is vision: "embed.weight" has 15 rows.',
      'classes is 10: the rows of "decoder.class_layer_predictor.1.weight".',
      'dim is 16: the last size of "embed.weight".',
      'heads is 4: the rows of "gnn.0.attn.proj_e.2.weight".',
      'layers is 2: the tensors "gnn.*.ln1.weight".',
      'maxKernel is 16: "shape_enc.embed_spatial.weight" has 11 rows.',
      'virtualEdges is 50: as the authors train.',
      'decoder is conv: "decoder.l2.weight" is not there.',
      'maxChannels is 16: the root of the rows of "decoder.conv.2.weight".',
    ]);
  });

  it('is little where there is a configuration', async () => {
    const { hypernet, notes } = await readWithNotes(pathOf('gpt2-mini.pt'));
    disposeHypernet(hypernet);
    expect(notes).toEqual([
      'The parameters are those under "state_dict".',
      'domain is language: "embed.weight" has 18 rows.',
      "initializerRange is 0.02: GPT-2's, as the authors train.",
    ]);
  });
});

/** The content of a checkpoint with other entries. */
async function changed(
  file: string,
  change: (entries: Map<PickleValue, PickleValue>) => void,
): Promise<PytorchFile & { readonly close: () => Promise<void> }> {
  const opened = await openPytorchFile(pathOf(file));
  if (!(opened.value instanceof Map)) throw new Error('a dictionary was expected');
  const value = new Map(opened.value);
  change(value);
  return { ...opened, value };
}

const configOf = (entries: ReadonlyMap<PickleValue, PickleValue>): Map<PickleValue, PickleValue> => {
  const config = entries.get('config');
  if (!(config instanceof Map)) throw new Error('a configuration was expected');
  return config;
};

describe('a checkpoint', () => {
  it('of a LoGAH without a configuration has the sizes of its tensors', async () => {
    const file = await changed('vit-mini.pt', (entries) => entries.delete('config'));
    const notes: string[] = [];
    const { config, parameters } = await fromPytorch(file, { onNote: (note) => notes.push(note) });
    // 512 rows would be 32 channels in LoGAH's published sizes: nothing in the file says that this one has 64.
    expect(config).toEqual(
      hypernetPreset('tiny', { dim: 16, heads: 4, layers: 2, rank: 4, maxRows: 512, maxChannels: 32 }),
    );
    expect(notes).toContain("maxChannels is 32: no tensor says it; LoGAH's published sizes have 16 rows for each.");
    tf.dispose(Object.values(parameters));
    const said: string[] = [];
    const known = await fromPytorch(file, { assume: { maxChannels: 64 }, onNote: (note) => said.push(note) });
    expect(known.config.maxChannels).toBe(64);
    expect(said).toHaveLength(notes.length - 1);
    disposeHypernet(known);
    await file.close();
  });

  it('refuses to assume a size that the file tells', async () => {
    await expect(readHypernet(pathOf('vit-mini.pt'), { assume: { maxChannels: 32 } })).rejects.toThrow(
      'maxChannels is 64 there, but 32 was to be assumed; only what a file does not tell can be',
    );
  });

  it('gives the moving average where it is asked for', async () => {
    const file = await changed('vit-mini.pt', (entries) => {
      const trained = entries.get('state_dict');
      if (!(trained instanceof Map)) throw new Error('a state dictionary was expected');
      entries.set('ema_state_dict', new Map([...trained].map(([name, tensor]) => [`module.${name}`, tensor])));
      entries.delete('state_dict');
    });
    const average = await fromPytorch(file, { weights: 'average' });
    expect(Object.keys(average.parameters)).toHaveLength(43);
    disposeHypernet(average);
    await file.close();
    await expect(readHypernet(pathOf('vit-mini.pt'), { weights: 'average' })).rejects.toThrow(
      /vit-mini\.pt: it has no moving average, which would be under "ema_state_dict"/,
    );
  });

  it.each<readonly [string, (entries: Map<PickleValue, PickleValue>) => void, RegExp]>([
    [
      'of a GHN-2, by its flag',
      (entries) => configOf(entries).set('is_ghn2', true),
      /it is a GHN-2 \(ppuda, .*\), whose gated graph network is not supported/,
    ],
    [
      'of a GHN-2, by its tensors',
      (entries) => {
        const state = entries.get('state_dict');
        if (state instanceof Map)
          entries.set('state_dict', new Map([...state].map(([name, value]) => [`gnn.gru.${name}`, value])));
      },
      /it is a GHN-2/,
    ],
    [
      'without normalised weights',
      (entries) => configOf(entries).set('weight_norm', false),
      /config\.weight_norm is False: weights that are not normalised are not supported/,
    ],
    ['without a last layer norm', (entries) => configOf(entries).set('layernorm', false), /config\.layernorm is False/],
    [
      'with a rank that is no number',
      (entries) => configOf(entries).set('lora_r', 'four'),
      /config\.lora_r should be a positive integer, got "four"/,
    ],
    [
      'with a rank of another size',
      (entries) => configOf(entries).set('lora_r', 8),
      /the tensor "decoder\.mlp\.fc\.4\.weight" is \[32, 128\], but its configuration wants/,
    ],
    [
      'with layers that it does not have',
      (entries) => configOf(entries).set('layers', 2 ** 30),
      /config\.layers is 1073741824, but the file has 2 layers/,
    ],
    [
      'with kernels that it does not know',
      (entries) => configOf(entries).set('max_shape', [64, 64, 2 ** 30, 2 ** 30]),
      /the largest kernel is 1073741824, too large for the 11 rows of "shape_enc\.embed_spatial\.weight"/,
    ],
    [
      'of another network',
      (entries) => entries.set('state_dict', new Map()),
      /it has no tensors, not even under "state_dict"/,
    ],
  ])('%s is refused', async (_, change, message) => {
    const file = await changed('vit-mini.pt', change);
    const error = await fromPytorch(file).catch((reason: unknown) => reason);
    await file.close();
    expect(String(error)).toMatch(message);
    expect(String(error)).toMatch(/vit-mini\.pt/);
  });

  it.each<readonly [string, PickleValue, string]>([
    ...(['weight_norm', 'layernorm', 'is_ghn2', 'lora', 'use_1d_decoder'] as const).flatMap((field) =>
      [0, 1, null, 'True'].map((value) => [field, value, 'True or False'] as const),
    ),
    ...(['hid', 'heads', 'layers', 'num_classes', 'lora_r', 'max_ck_lora'] as const).flatMap((field) =>
      ['8', true, 0, -2, 2.5, 2 ** 40, [8]].map((value) => [field, value, 'a positive integer'] as const),
    ),
    ...['50', 50.5, -3, null, Number.POSITIVE_INFINITY, 65_536].map(
      (value) => ['ve', value, 'True, False or a length from 0 to 65535'] as const,
    ),
    ...['64', 64.5, 0, [64], [64, 64], [64, 64, '16', 16], new Map([[0, 64]]), true].map(
      (value) => ['max_shape', value, 'a positive integer or four of them'] as const,
    ),
    ['max_shape', [64, 32, 16, 16], '[channels, channels, side, side]'],
    ['max_shape', [64, 64, 16, 11], '[channels, channels, side, side]'],
    ['hypernet', 'mlp', '"gatedgnn"'],
    ['decoder', 'mlp', '"conv"'],
  ])('whose configuration has %s = %j is refused by the field', async (field, value, wanted) => {
    const file = await changed('vit-mini.pt', (entries) => configOf(entries).set(field, value));
    await expect(fromPytorch(file)).rejects.toThrow(`config.${field} should be ${wanted}, got `);
    await file.close();
  });

  it('whose configuration is no dictionary is refused', async () => {
    const file = await changed('vit-mini.pt', (entries) => entries.set('config', 'tiny.yaml'));
    await expect(fromPytorch(file)).rejects.toThrow('config should be a dictionary or a Namespace, got "tiny.yaml"');
    await file.close();
  });

  it('of something else is refused by the tensor that it lacks', async () => {
    const file = await changed('vit-mini.pt', (entries) => {
      const state = entries.get('state_dict');
      if (state instanceof Map)
        entries.set('state_dict', new Map([...state].filter(([name]) => name !== 'embed.weight')));
    });
    await expect(fromPytorch(file)).rejects.toThrow(HypernetError);
    await expect(fromPytorch(file)).rejects.toThrow(
      'the tensor "embed.weight" is missing: is this a checkpoint of LoGAH or GHN-3?',
    );
    await file.close();
  });
});

/** Writes the checksum of the first record of a zip file into its directory: what is changed by accident is told by it. */
function withRightChecksum(bytes: Uint8Array, first: number): void {
  const file = Buffer.from(bytes.buffer);
  const entry = file.indexOf('PK\x01\x02', first);
  file.writeUInt32LE(crc32(file.subarray(first, first + file.readUInt32LE(entry + 24))), entry + 16);
}

describe('a checkpoint with bytes of its pickle changed', () => {
  it('is refused with its name and the reason, or is a hypernetwork still', { timeout: 600_000 }, async () => {
    const name = 'vit-mini.pt';
    const whole = readFileSync(pathOf(name));
    // The pickle is the first record, behind a header of 64 bytes; names, sizes and the configuration are in it.
    const pickle = { first: 64, last: 64 + 5586 };
    const change = fc.tuple(fc.integer({ min: pickle.first, max: pickle.last }), fc.nat(255));
    const counts = { refused: 0, read: 0 };
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
        const bytes = Uint8Array.from(whole);
        for (const [at, value] of changes) bytes[at] = value;
        withRightChecksum(bytes, pickle.first);
        try {
          disposeHypernet(await fromPytorch(await readPytorchFile(memorySource(bytes, name))));
          counts.read++;
        } catch (error) {
          if (!(error instanceof HypernetError || error instanceof PytorchFileError)) throw error;
          expect(error.message).toContain(name);
          counts.refused++;
        }
      }),
      { numRuns: Number(process.env.MUTATIONS ?? 100), seed: 18 },
    );
    expect(counts.refused).toBeGreaterThan(0);
    expect(counts.read).toBeGreaterThan(0);
  });
});
