import '@logah/backend-ort';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildArchitecture, parseArchitecture } from '@logah/graph-ir';
import { createRandom } from '@logah/random';
import { readSafetensors, writeSafetensors } from '@logah/safetensors/node';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readInitializer } from '../src/node.js';

const graph = buildArchitecture(parseArchitecture('vit:layers=1,heads=2,hidden=8,mlp=16,patch=16,classes=3'));
let folder: string;
beforeAll(async () => {
  await tf.setBackend('ort');
  folder = await mkdtemp(join(tmpdir(), 'logah-trained-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** A state dictionary of torchvision's VisionTransformer of these sizes, and the same as safetensors. */
const FIXTURE = fileURLToPath(new URL('./fixtures/vit', import.meta.url));

describe('trained:FILE', () => {
  it('starts from the parameters of a file that PyTorch wrote', async () => {
    const { tensors } = await readSafetensors(`${FIXTURE}.safetensors`);
    for (const file of ['vit.pth', 'vit.safetensors']) {
      const initializer = await readInitializer(`trained:${join(FIXTURE, '..', file)}`);
      const start = await initializer(graph, createRandom(0));
      expect(Object.keys(start)).toHaveLength(graph.parameters.length);
      for (const { name } of graph.parameters) expect(start[name].dataSync(), name).toEqual(tensors.get(name)?.data);
      tf.dispose(Object.values(start));
    }
  });

  it('names a file whose tensors are those of another network', async () => {
    const path = join(folder, 'other.safetensors');
    await writeSafetensors(path, [['conv_proj.weight', { shape: [9], data: new Float32Array(9) }]]);
    const initializer = await readInitializer(`trained:${path}`);
    await expect(initializer(graph, createRandom(0))).rejects.toThrow(
      `${path}: the tensor "conv_proj.weight" should be [8, 3, 16, 16], got [9]`,
    );
  });
});
