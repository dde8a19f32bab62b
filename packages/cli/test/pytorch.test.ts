// Files of PyTorch, wherever the built command takes safetensors.
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readSafetensors, readSafetensorsHeader } from '@logah/safetensors/node';
import * as ort from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Outcome, runLogah } from './command.js';

let folder: string;
const logah = (...args: string[]): Promise<Outcome> => runLogah(folder, args);
const inFolder = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'logah-cli-pytorch-'));
});
afterAll(() => rm(folder, { recursive: true }));

const fixture = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
/**
 * A hypernetwork as its authors save it, and the state dictionary of a network of torchvision, in a wrapper and with
 * its prefix.
 */
const CHECKPOINT = fixture('hypernet/test/fixtures/vit-mini.pt');
const JOBLIB = fixture('hypernet/test/fixtures/ghn3-vit-mini.joblib.pt');
const NETWORK = fixture('init-eval/test/fixtures/vit.pth');
const ARCHITECTURE = 'vit:layers=1,heads=2,hidden=8,mlp=16,patch=16,classes=3';
const NOTES = 'The parameters are those under "state_dict".\nThe prefix "module." of every name is left out.\n';

describe('logah info', () => {
  it('lists a state dictionary, and says how it was found', async () => {
    const { stdout, stderr, code } = await logah('info', NETWORK, '--json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: NOTES });
    const { values, metadata, tensors } = JSON.parse(stdout);
    expect({ values, metadata, count: tensors.length }).toEqual({
      values: 6843,
      metadata: { format: 'PyTorch, zip', epoch: '1' },
      count: 20,
    });
    expect(tensors[0]).toEqual({ name: 'class_token', dtype: 'F32', shape: [1, 1, 8] });
  });

  it('checks it against a network', async () => {
    const fits = await logah('info', ARCHITECTURE, '--checkpoint', NETWORK);
    expect(fits.code).toBe(0);
    expect(fits.stdout).toContain('The checkpoint holds every parameter in its shape.');
    expect((await logah('info', `${ARCHITECTURE},layers=2`, '--checkpoint', NETWORK)).code).toBe(1);
  });
});

describe('logah convert', () => {
  it('writes a state dictionary as safetensors, tensor for tensor', async () => {
    expect((await logah('convert', NETWORK, 'net.safetensors')).stdout).toBe('Wrote net.safetensors.\n');
    const [ours, theirs] = await Promise.all(
      [inFolder('net.safetensors'), NETWORK.replace('.pth', '.safetensors')].map(readSafetensors),
    );
    expect(ours.tensors).toEqual(theirs.tensors);
    expect(ours.metadata).toEqual({ format: 'pt' });
  });

  it('writes a network with its parameters as ONNX', async () => {
    expect((await logah('convert', ARCHITECTURE, 'net.onnx', '--parameters', NETWORK)).code).toBe(0);
    await ort.InferenceSession.create(inFolder('net.onnx'));
    const external = await logah('convert', ARCHITECTURE, 'net.onnx', '--parameters', NETWORK, '--external');
    expect(external.stderr).toContain('parameters can be left in a safetensors file only; logah convert ');
  });

  it.each([
    ['a checkpoint with a configuration', CHECKPOINT, 'lowrank'],
    ['a joblib dump without one', JOBLIB, 'conv'],
  ])('writes %s as a hypernetwork of ours', async (_, file, decoder) => {
    const { code, stderr } = await logah('convert', file, 'hypernet.safetensors');
    expect(code).toBe(0);
    expect(stderr).toContain('domain is vision: "embed.weight" has 15 rows.\n');
    const { metadata } = await readSafetensorsHeader(inFolder('hypernet.safetensors'));
    expect(JSON.parse(metadata.config)).toMatchObject({ decoder, dim: 16, heads: 4, layers: 2 });
    // As many classes as the checkpoint knows.
    const network = ARCHITECTURE.replace('classes=3', 'classes=10');
    const predict = (checkpoint: string, out: string) =>
      logah('predict', network, '--checkpoint', checkpoint, '--reference', '--out', out);
    expect((await predict(file, 'a.safetensors')).code).toBe(0);
    expect((await predict('hypernet.safetensors', 'b.safetensors')).code).toBe(0);
    const [a, b] = await Promise.all(['a', 'b'].map((name) => readSafetensors(inFolder(`${name}.safetensors`))));
    expect(a.tensors).toEqual(b.tensors);
  });

  it('takes sizes that a file does not tell', async () => {
    expect(
      (await logah('convert', JOBLIB, 'h.safetensors', '--assume', 'maxKernel=11', '--assume', 'classes=9')).stderr,
    ).toMatch(
      /^logah: .*the tensor "shape_enc\.embed_spatial\.weight" is \[11, 4\], but its configuration wants \[9, 4\]\n$/m,
    );
    expect(await logah('convert', JOBLIB, 'h.safetensors', '--assume', 'width=3')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('One of heads, maxChannels, maxKernel, classes, virtualEdges and a number'),
    });
  });

  it('says what it cannot do, and writes nothing', async () => {
    const refusals = [
      [
        ['convert', CHECKPOINT, 'no.safetensors', '--ema'],
        'it has no moving average, which would be under "ema_state_dict"',
      ],
      [['convert', CHECKPOINT, 'no.onnx'], 'parameters are written as *.safetensors, which PyTorch reads, too'],
      [['convert', 'none.pt', 'no.safetensors'], 'cannot read none.pt: ENOENT'],
      [
        ['predict', ARCHITECTURE, '--checkpoint', NETWORK, '--out', 'no.safetensors'],
        'is this a checkpoint of LoGAH or GHN-3?',
      ],
    ] as const;
    for (const [args, message] of refusals) {
      const { code, stderr } = await logah(...args);
      expect(code).toBe(1);
      expect(stderr).toContain(message);
    }
    expect(existsSync(inFolder('no.safetensors')) || existsSync(inFolder('no.onnx'))).toBe(false);
  });
});

describe('--reference', () => {
  it('makes a tied head a conv of the computational graph', async () => {
    const typeOfShared = async (...options: string[]) => {
      const { stdout } = await logah('graph', 'gpt2:layers=1,heads=2,hidden=16,vocab=50', '--json', ...options);
      return JSON.parse(stdout).nodes.filter(({ shape }: { shape: number[] | null }) => shape?.[0] === 50);
    };
    expect(await typeOfShared('--reference')).toEqual([expect.objectContaining({ op: 'conv' })]);
    expect(await typeOfShared()).toEqual([expect.objectContaining({ op: 'pos_enc' })]);
  });
});
