import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { elementCount, GraphBuilder, GraphError } from '../src/index.js';
import { openModel } from '../src/node.js';
import { graphToOnnx } from '../src/onnx.js';

const HUMAN = fileURLToPath(new URL('../node_modules/@vladmandic/human/models/', import.meta.url));

const g = new GraphBuilder('net');
const graph = g.build([g.linear(g.input('x', ['batch', 32]), 'layer', { out: 24 })]);
const weights = new Uint8Array(Float32Array.from({ length: 32 * 24 + 24 }, (_, i) => i).buffer);

let folder: string;
beforeAll(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'models-')), 'model');
  mkdirSync(folder);
  writeFileSync(join(folder, 'weights.bin'), weights);
  writeFileSync(join(folder, '..', 'outside.bin'), weights);
});
afterAll(() => {
  rmSync(join(folder, '..'), { recursive: true });
});

/** A model that says its weights are in this file. */
function modelWith(externalFile: string): string {
  const path = join(folder, 'net.onnx');
  writeFileSync(path, graphToOnnx(graph, { externalFile }));
  return path;
}

const firstValue = (path: string): number | undefined => {
  const model = openModel(path);
  try {
    return model.values('layer.bias')[1];
  } finally {
    model.close();
  }
};

describe('openModel', () => {
  it('reads weights from a file beside an ONNX model', () => {
    expect(firstValue(modelWith('weights.bin'))).toBe(32 * 24 + 1);
  });

  it('reads weights from the shards of a TensorFlow.js model', () => {
    const model = openModel(join(HUMAN, 'emotion.json'));
    for (const { name, shape } of model.graph.parameters) {
      const values = model.values(name);
      expect(values.length).toBe(elementCount(shape));
      expect(values.every(Number.isFinite)).toBe(true);
      expect(values.some((value) => value !== 0)).toBe(true);
    }
    expect(() => model.values('nothing')).toThrow('emotion.json: the model has no parameter "nothing"');
    model.close();
  });

  it.each(['../outside.bin', '/etc/hostname', 'sub/../../outside.bin', '.', ''])('does not read "%s"', (location) => {
    expect(() => firstValue(modelWith(location))).toThrow(GraphError);
    if (location !== '') expect(() => firstValue(modelWith(location))).toThrow("not within the model's folder");
  });

  it('does not follow a link that leads out of the folder', () => {
    symlinkSync(join(folder, '..', 'outside.bin'), join(folder, 'link.bin'));
    expect(() => firstValue(modelWith('link.bin'))).toThrow('"link.bin" is not within the model\'s folder');
  });

  it('says which file is missing or too short', () => {
    expect(() => firstValue(modelWith('none.bin'))).toThrow(/net\.onnx: cannot read "none\.bin" \(ENOENT/);
    writeFileSync(join(folder, 'short.bin'), weights.subarray(0, 100));
    expect(() => firstValue(modelWith('short.bin'))).toThrow(
      'net.onnx: bytes 3072 to 3168 of "short.bin" are wanted, but it has 100',
    );
    expect(() => openModel(join(folder, 'none.onnx'))).toThrow(/none\.onnx: cannot read it \(ENOENT/);
    expect(() => openModel(folder)).toThrow(/cannot read it \(EISDIR/);
  });

  it('does not read a file of gigabytes into memory', () => {
    const path = join(folder, 'huge.onnx');
    writeFileSync(path, '');
    truncateSync(path, 3 * 2 ** 30);
    expect(() => openModel(path)).toThrow('huge.onnx: 3221225472 bytes');
  });

  it('says that a loop of TensorFlow 1 cannot be read', () => {
    expect(() => openModel(join(HUMAN, 'handtrack.json'))).toThrow(
      /handtrack\.json: tensorflow\.Merge .* the graph has a cycle/,
    );
  });
});
