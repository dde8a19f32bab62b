// `logah diff` and the other outputs of a network, as a process.
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildArchitecture, elementCount, type Graph, parseArchitecture } from '@logah/graph-ir';
import { graphToOnnx } from '@logah/graph-ir/onnx';
import { writeSafetensors } from '@logah/safetensors/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Outcome, runLogah } from './command.js';

const MINI = 'vit:layers=2,heads=2,hidden=16,mlp=32,patch=8';
const graph: Graph = buildArchitecture(parseArchitecture(MINI));
let folder: string;
const logah = (...args: string[]): Promise<Outcome> => runLogah(folder, args);
const inFolder = (name: string): string => join(folder, name);

/** Every parameter's values, those of `changed` by 0.5 more. */
const values = (changed?: string): Map<string, Float32Array> =>
  new Map(
    graph.parameters.map(({ name, shape }) => [
      name,
      new Float32Array(elementCount(shape)).map((_, i) => Math.sin(i) + (name === changed && i === 0 ? 0.5 : 0)),
    ]),
  );

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'logah-diff-'));
  await writeFile(inFolder('a.onnx'), graphToOnnx(graph, { values: values() }));
  await writeFile(inFolder('b.onnx'), graphToOnnx(graph, { values: values('heads.head.weight') }));
  const tensors = new Map(
    graph.parameters.map(({ name, shape }) => [name, { shape, data: values().get(name) ?? new Float32Array() }]),
  );
  await writeSafetensors(inFolder('a.safetensors'), tensors);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('--constant', () => {
  it('is for an input of the network alone', async () => {
    for (const [args, why] of [
      [[MINI], 'a preset has no input that never changes'],
      [['a.safetensors'], 'it has parameters alone, no network with inputs'],
      [['a.onnx'], '"rate" is not an input of the model; known are image'],
    ] as const) {
      const { code, stderr } = await logah('info', ...args, '--constant', 'rate=16000');
      expect([code === 0, stderr]).toEqual([false, expect.stringContaining(why)]);
    }
    expect((await logah('convert', 'a.safetensors', 'b.safetensors', '--constant', 'x=1')).stderr).toContain(
      'a.safetensors: --constant x=1 is for none of its inputs',
    );
  });
});

describe('logah diff', () => {
  it('ends with 0 where nothing differs', async () => {
    const same = await logah('diff', 'a.onnx', 'a.onnx');
    expect(same).toMatchObject({ code: 0, stderr: '' });
    expect(same.stdout).toMatch(/^No differences: \d+ operators, \d+ parameters with their values\.\n$/);
    expect((await logah('diff', MINI, MINI)).stdout).toContain('values not compared');
    const file = await logah('diff', MINI, 'a.onnx', '--parameters-a', 'a.safetensors', '--json');
    // Also of a model that was written as ONNX and read again.
    expect(file).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(file.stdout)).toMatchObject({ same: true, values: [], operators: { changed: [] } });
  });

  it('ends with 1 where values differ, and says by how much', async () => {
    const { code, stdout } = await logah('diff', 'a.onnx', 'b.onnx', '--out', 'difference.svg');
    expect(code).toBe(1);
    expect(stdout).toMatch(/~ heads\.head\.weight: 1 of 160 differ, at most by 0\.500 \(relative 1\.00\)/);
    expect(await readFile(inFolder('difference.svg'), 'utf8')).toContain('data-mark="values"');
    expect((await logah('diff', 'a.onnx', 'b.onnx', '--tolerance', '0.6')).code).toBe(0);
  });

  it('says what only one has, as text, as JSON and as a page', async () => {
    const { code, stdout } = await logah('diff', MINI, `${MINI},classes=7`, '--json', '--out', 'difference.html');
    expect(code).toBe(1);
    const { same, parameters } = JSON.parse(stdout);
    expect(same).toBe(false);
    expect(parameters.changed.map((pair: { a: { name: string } }) => pair.a.name)).toEqual([
      'heads.head.weight',
      'heads.head.bias',
    ]);
    expect(await readFile(inFolder('difference.html'), 'utf8')).toContain('~ changed</span>');
    const { stdout: text } = await logah('diff', MINI, MINI.replace('layers=2', 'layers=1'));
    expect(text).toContain('  - encoder.layers.encoder_layer_1.ln_1.weight [16] features');
  });

  it('compares two files of parameters by their names', async () => {
    expect((await logah('diff', 'a.safetensors', 'a.safetensors')).code).toBe(0);
  });

  it('ends with 2 where it cannot compare', async () => {
    const missing = await logah('diff', 'a.onnx', 'c.onnx');
    expect(missing.code).toBe(2);
    expect(missing.stderr).toContain('c.onnx');
    const mixed = await logah('diff', 'a.onnx', 'a.safetensors');
    expect(mixed.code).toBe(2);
    expect(mixed.stderr).toContain('logah info a.onnx --checkpoint a.safetensors');
    expect((await logah('diff', MINI, MINI, '--out', 'x.png')).code).toBe(2);
  });
});

describe('logah graph', () => {
  it('writes a page with the statistics of values, and JSON for Model Explorer', async () => {
    const { code, stdout } = await logah('graph', 'a.onnx', '--out', 'a.html', '--model-explorer', 'a.json');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^.*: 8,\d+ parameters in \d+ tensors, \d+ operators\n$/);
    const html = await readFile(inFolder('a.html'), 'utf8');
    const data = JSON.parse(/id="data">(.*)<\/script>\n<!--/s.exec(html)?.[1] ?? '');
    expect(Object.keys(data.statistics)).toHaveLength(graph.parameters.length);
    expect(html).not.toMatch(/(src|href)=/);
    const collection = JSON.parse(await readFile(inFolder('a.json'), 'utf8'));
    expect(collection.graphs[0].nodes.length).toBeGreaterThan(30);
  });

  it('takes the values of a file, and refuses one that nothing shows', async () => {
    expect((await logah('graph', MINI, '--parameters', 'a.safetensors', '--out', 'b.html')).code).toBe(0);
    expect(await readFile(inFolder('b.html'), 'utf8')).toContain('"class_token":{"mean":');
    const { code, stderr } = await logah('graph', MINI, '--parameters', 'a.safetensors');
    expect([code, stderr]).toEqual([1, 'logah: --parameters is for the page of --out FILE.html\n']);
    expect((await logah('graph', MINI, '--out', 'b.txt')).code).toBe(2);
    expect(existsSync(inFolder('b.txt'))).toBe(false);
  });
});
