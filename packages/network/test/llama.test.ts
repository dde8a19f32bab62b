// A small Llama against Hugging Face's transformers, whose LlamaForCausalLM made the fixture (its metadata says with which versions).
import '@logah/backend-ort';
import { fileURLToPath } from 'node:url';
import { buildLlama } from '@logah/graph-ir';
import { readSafetensors } from '@logah/safetensors/node';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { forward, languageModelling, networkGradients } from '../src/index.js';

beforeAll(() => tf.setBackend('ort'));

const llama = buildLlama({ layers: 2, heads: 4, kvHeads: 2, hidden: 32, mlp: 64, vocab: 61, context: 64, tied: false });

describe('a Llama with grouped key heads', () => {
  it('has transformers’ parameters, logits, loss and gradients', async () => {
    const { tensors } = await readSafetensors(
      fileURLToPath(new URL('./fixtures/llama-mini.safetensors', import.meta.url)),
    );
    const get = (name: string) => {
      const tensor = tensors.get(name);
      if (!tensor) throw new Error(`the fixture has no ${name}`);
      return tensor;
    };
    const named = [...tensors]
      .filter(([name]) => name.startsWith('param.'))
      .map(([name, { shape }]) => [name.slice(6), shape]);
    expect(llama.parameters.map(({ name, shape }) => [name, shape]).sort()).toEqual(named.sort());
    const parameters = Object.fromEntries(
      llama.parameters.map(({ name, shape }) => [name, tf.tensor(get(`param.${name}`).data, [...shape])]),
    );
    const ids = tf.tensor(get('ids').data, [2, 24], 'int32');
    // Float32 sums in another order than PyTorch's: 1e-5 of the largest value, 1e-4 for gradients.
    const expectClose = (actual: Float32Array, expected: Float32Array, tolerance: number, what: string): void => {
      const scale = Math.max(...expected.map(Math.abs));
      expected.forEach((value, i) => expect(Math.abs(value - actual[i]) / scale, what).toBeLessThan(tolerance));
    };
    const logits = await forward(llama, parameters, { ids })[0].data<'float32'>();
    expectClose(logits, get('logits').data, 1e-5, 'logits');
    const { loss, gradients } = await networkGradients(
      llama,
      parameters,
      { inputs: ids, labels: ids },
      languageModelling,
    );
    expect(Math.abs(loss / get('loss').data[0] - 1)).toBeLessThan(1e-6);
    for (const [name, gradient] of Object.entries(gradients)) {
      expectClose(await gradient.data<'float32'>(), get(`grad.${name}`).data, 1e-4, name);
    }
  });
});
