// One vision transformer under the names of torchvision, transformers and timm: tensors and logits are those libraries' (fixtures/make_vit_names.py).
import '@logah/backend-ort';
import { readFileSync } from 'node:fs';
import { buildArchitecture, elementCount, parseArchitecture, vitTensors } from '@logah/graph-ir';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { forward } from '../src/index.js';
import { noise } from './noise.js';

interface Library {
  readonly tensors: Record<string, number[]>;
  readonly logits: number[];
}
const { libraries }: { libraries: Record<'timm' | 'transformers', Library> } = JSON.parse(
  readFileSync(new URL('./fixtures/vit-names.json', import.meta.url), 'utf8'),
);
const graph = buildArchitecture(parseArchitecture('vit:layers=2,heads=4,hidden=16,mlp=24,patch=4,image=8,classes=3'));

beforeAll(() => tf.setBackend('ort'));

describe.each(['timm', 'transformers'] as const)('the names of %s', (naming) => {
  const { tensors, logits } = libraries[naming];
  const parts = vitTensors(graph, naming);

  it('are those of its own model, with their shapes', () => {
    const found = [...parts.values()].flat().map(({ name, shape }) => [name, shape]);
    expect(Object.fromEntries(found)).toEqual(tensors);
    expect(found).toHaveLength(Object.keys(tensors).length);
  });

  it('hold every element once', () => {
    for (const { name, shape } of graph.parameters) {
      const own = parts.get(name) ?? [];
      expect([own[0]?.start, ...own.slice(1).map(({ start }) => start)]).toEqual([
        0,
        ...own.slice(0, -1).map(({ end }) => end),
      ]);
      expect(own.at(-1)?.end).toBe(elementCount(shape));
    }
  });

  it('have its logits', () => {
    const values = new Map(
      Object.entries(tensors).map(([name, shape], index) => {
        const isNorm = /norm/.test(name) && name.endsWith('weight');
        return [name, noise(elementCount(shape), index + 1, (x) => (isNorm ? 1 : 0) + 0.3 * x)] as const;
      }),
    );
    tf.tidy(() => {
      const parameters = Object.fromEntries(
        graph.parameters.map(({ name, shape }) => {
          const whole = (parts.get(name) ?? []).flatMap((part) => [...(values.get(part.name) ?? [])]);
          return [name, tf.tensor(whole, [...shape])];
        }),
      );
      const images = tf.tensor(
        noise(2 * 3 * 8 * 8, 0, (x) => x),
        [2, 3, 8, 8],
      );
      const [output] = forward(graph, parameters, { images });
      const largest = Math.max(...logits.map(Math.abs));
      output.dataSync().forEach((value, i) => expect(Math.abs(value - logits[i]) / largest).toBeLessThan(1e-5));
    });
  });
});

it('are torchvision’s where nothing else is asked for, and refused for what is no vision transformer', () => {
  expect([...vitTensors(graph, 'torchvision').values()].flat().map(({ name }) => name)).toEqual(
    graph.parameters.map(({ name }) => name),
  );
  const gpt2 = buildArchitecture(parseArchitecture('gpt2:layers=1,heads=2,hidden=8,vocab=10'));
  expect(() => vitTensors(gpt2, 'timm')).toThrow(
    '"gpt2" has no other names: those of timm are known for vision transformers such as vit-s',
  );
});
