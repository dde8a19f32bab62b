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

describe('+reference', () => {
  const AUTHORS = fileURLToPath(new URL('../../hypernet/test/fixtures/gpt2-mini.pt', import.meta.url));
  const languageModel = buildArchitecture(parseArchitecture('gpt2:layers=1,heads=2,hidden=8,vocab=20,context=8'));

  it('predicts from the graph as the authors of a checkpoint wire it', async () => {
    const head = async (text: string) => {
      const start = await (await readInitializer(text))(languageModel, createRandom(0));
      const values = start['transformer.wte.weight'].dataSync<'float32'>();
      tf.dispose(Object.values(start));
      return Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0) / values.length);
    };
    // Theirs is the head's matrix, of deviation 0.02; ours is an embedding, which is not scaled.
    expect(await head(`logah:${AUTHORS}+reference`)).toBeCloseTo(0.02, 3);
    expect(await head(`logah:${AUTHORS}`)).toBeGreaterThan(0.1);
  });

  it('is refused where no hypernetwork reads a graph', async () => {
    await expect(readInitializer('random+reference')).rejects.toThrow('so it follows logah:FILE or ghn3:FILE');
  });
});
