import '@logah/backend-ort';
import type { DataSource } from '@logah/data';
import { buildArchitecture, GraphBuilder, parseArchitecture } from '@logah/graph-ir';
import { createRandom } from '@logah/random';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  classification,
  correctCount,
  disposeAdamW,
  disposeSgd,
  evaluateNetwork,
  forward,
  initAdamW,
  initSgd,
  languageModelling,
  networkGradients,
  nextTokenLoss,
  orthogonalized,
  randomParameters,
  updateAdamW,
  updateSgd,
  withFreshClassLayer,
} from '../src/index.js';

beforeAll(() => tf.setBackend('ort'));

const vit = buildArchitecture(parseArchitecture('vit:layers=1,heads=2,hidden=16,mlp=64,patch=8'));
const gpt = buildArchitecture(parseArchitecture('gpt2:layers=1,heads=2,hidden=16,vocab=11,context=8'));
const images = (batch: number): tf.Tensor =>
  tf.tensor4d(createRandom(4).normals(batch * 3 * 32 * 32, 0, 1), [batch, 3, 32, 32]);

describe('randomParameters', () => {
  const spread = async (tensor: tf.Tensor): Promise<{ largest: number; std: number }> => {
    const values = Array.from(await tensor.data());
    return {
      largest: Math.max(...values.map(Math.abs)),
      std: Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / values.length),
    };
  };

  it('draws a ViT as PyTorch does', async () => {
    const p = randomParameters(vit, createRandom(1));
    // nn.Linear and nn.Conv2d: uniform in ±1/√fan_in, whose deviation is 1/√3 of that.
    for (const [name, fanIn] of [
      ['encoder.layers.encoder_layer_0.mlp.0.weight', 16],
      ['conv_proj.weight', 192],
    ] as const) {
      const { largest, std } = await spread(p[name]);
      expect(largest).toBeLessThanOrEqual(1 / Math.sqrt(fanIn));
      expect(std * Math.sqrt(3 * fanIn)).toBeCloseTo(1, 1);
    }
    // nn.MultiheadAttention: Xavier uniform, ±√(6 / (fan_in + fan_out)), biases 0.
    const attention = await spread(p['encoder.layers.encoder_layer_0.self_attention.in_proj_weight']);
    expect(attention.largest).toBeLessThanOrEqual(Math.sqrt(6 / 64));
    expect(attention.largest).toBeGreaterThan(0.95 * Math.sqrt(6 / 64));
    expect((await spread(p['encoder.layers.encoder_layer_0.self_attention.out_proj.bias'])).largest).toBe(0);
    expect((await spread(p['encoder.pos_embedding'])).std).toBeCloseTo(0.02, 2);
    expect((await spread(p.class_token)).largest).toBe(0);
    expect([...(await p['encoder.ln.weight'].data())]).toEqual(new Array(16).fill(1));
    tf.dispose(Object.values(p));
  });

  it('draws a GPT-2 as transformers does: N(0, 0.02), biases 0', async () => {
    const p = randomParameters(gpt, createRandom(1));
    expect((await spread(p['transformer.h.0.attn.c_attn.weight'])).std).toBeCloseTo(0.02, 2);
    expect((await spread(p['transformer.h.0.attn.c_attn.bias'])).largest).toBe(0);
    tf.dispose(Object.values(p));
  });

  it('gives the same for the same seed', () => {
    tf.tidy(() => {
      const [a, b] = [1, 1].map((seed) => randomParameters(vit, createRandom(seed)));
      for (const name of Object.keys(a)) expect(a[name].dataSync()).toEqual(b[name].dataSync());
    });
  });
});

describe('forward', () => {
  it('does not mix the samples of a batch', () => {
    tf.tidy(() => {
      const p = randomParameters(vit, createRandom(1));
      const batch = images(3);
      const together = forward(vit, p, { images: batch })[0].arraySync() as number[][];
      for (let i = 0; i < 3; i++) {
        const [alone] = forward(vit, p, { images: tf.slice(batch, [i], [1]) })[0].arraySync() as number[][];
        alone.forEach((value, c) => expect(value).toBeCloseTo(together[i][c], 4));
      }
    });
  });

  it('does not let a language model look ahead', () => {
    tf.tidy(() => {
      const p = randomParameters(gpt, createRandom(1));
      const [a, b] = [
        [1, 2, 3, 4],
        [1, 2, 9, 9],
      ].map((ids) => forward(gpt, p, { ids: tf.tensor2d([ids], [1, 4], 'int32') })[0].arraySync() as number[][][]);
      expect(b[0].slice(0, 2)).toEqual(a[0].slice(0, 2));
      expect(b[0][2]).not.toEqual(a[0][2]);
    });
  });

  it('names a parameter or an input that is missing or of another shape', () => {
    tf.tidy(() => {
      const p = randomParameters(vit, createRandom(1));
      const { class_token: _, ...rest } = p;
      expect(() => forward(vit, rest, { images: images(1) })).toThrow(
        'the parameter "class_token" [1, 1, 16] was not given',
      );
      expect(() => forward(vit, { ...p, class_token: tf.zeros([1, 1, 8]) }, { images: images(1) })).toThrow(
        'the parameter "class_token" should be [1, 1, 16], got [1, 1, 8]',
      );
      expect(() => forward(vit, p, {})).toThrow('the input "images" [batch, 3, 32, 32] was not given');
      expect(() => forward(vit, p, { images: tf.zeros([1, 32, 32, 3]) })).toThrow(
        'the input "images" should be [batch, 3, 32, 32], got [1, 32, 32, 3]',
      );
    });
  });

  it('leaves no tensor behind', async () => {
    const p = randomParameters(vit, createRandom(1));
    const x = images(2);
    const before = tf.memory().numTensors;
    tf.dispose(forward(vit, p, { images: x }));
    const labels = tf.tensor1d([1, 2], 'int32');
    const { gradients } = await networkGradients(vit, p, { inputs: x, labels }, classification);
    tf.dispose([labels, ...Object.values(gradients)]);
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('losses and counts, by hand', () => {
  it('the next token is judged at every position but the last', async () => {
    // Three positions over two tokens; logits say 0, 1, 0 and the text goes 0, 1, 1.
    const logits = tf.tensor3d([
      [
        [2, 0],
        [0, 2],
        [5, 0],
      ],
    ]);
    const ids = tf.tensor2d([[0, 1, 1]], [1, 3], 'int32');
    const right = Math.log(1 + Math.exp(-2));
    const wrong = 2 + right;
    expect(nextTokenLoss(logits, ids).dataSync()[0]).toBeCloseTo((wrong + right) / 2, 6);
    expect(await languageModelling.judge(logits, { inputs: ids, labels: ids })).toEqual({
      correct: 1,
      correctInTop5: 2,
      answers: 2,
    });
  });

  it('counts rows whose largest logit is at the label', async () => {
    expect(
      await correctCount(
        tf.tensor2d([
          [1, 2, 0],
          [3, 1, 0],
          [0, 1, 2],
        ]),
        tf.tensor1d([1, 1, 2], 'int32'),
      ),
    ).toBe(2);
  });

  it('counts rows whose label is among the largest logits; of equal ones the first counts as larger, and NaN as larger still', async () => {
    const logits = tf.tensor2d([
      [5, 4, 3, 2, 1, 0],
      [1, 1, 1, 1, 1, 1],
      [Number.NaN, 9, 0, 0, 0, 0],
    ]);
    const counts = (labels: number[]): Promise<number[]> =>
      Promise.all([1, 2, 5].map((top) => correctCount(logits, tf.tensor1d(labels, 'int32'), top)));
    expect(await counts([0, 0, 0])).toEqual([2, 2, 2]);
    expect(await counts([1, 1, 1])).toEqual([0, 3, 3]);
    expect(await counts([4, 5, 5])).toEqual([0, 0, 1]);
  });

  it('scores a source over all its samples, the last batch being smaller, and leaves no tensor behind', async () => {
    const inputs = images(5);
    const labels = [0, 1, 2, 3, 4];
    const source: DataSource = {
      length: 5,
      batch: (indices) => ({
        inputs: tf.tidy(() => tf.gather(inputs, tf.tensor1d([...indices], 'int32'))),
        labels: tf.tensor1d(
          indices.map((i) => labels[i]),
          'int32',
        ),
      }),
    };
    const p = randomParameters(vit, createRandom(1));
    const before = tf.memory().numTensors;
    const inTwo = await evaluateNetwork(vit, p, source, classification, 2);
    const atOnce = await evaluateNetwork(vit, p, source, classification, 5);
    expect(tf.memory().numTensors).toBe(before);
    expect(inTwo.loss).toBeCloseTo(atOnce.loss, 5);
    expect(inTwo.accuracy).toBe(atOnce.accuracy);
  });
});

describe('orthogonalized', () => {
  const net = (() => {
    const builder = new GraphBuilder('net');
    const image = builder.input('image', ['batch', 3, 8, 8]);
    const conv = builder.conv2d(image, 'conv', { out: 70, kernel: 3 });
    const wide = builder.linear(builder.globalAvgPool(conv), 'wide', { out: 40 });
    return builder.build([builder.linear(wide, 'classes', { out: 10 })]);
  })();

  it('gives the Q of a QR decomposition whose R has a positive diagonal, to every weight but the class layer’s', async () => {
    const start = randomParameters(net, createRandom(5));
    const parameters = await orthogonalized(net, start);
    tf.tidy(() => {
      for (const [name, out, fanIn] of [
        ['conv.weight', 70, 27],
        ['wide.weight', 40, 70],
      ] as const) {
        const matrix = (tensor: tf.Tensor): tf.Tensor2D => {
          const flat = tf.reshape<tf.Rank.R2>(tensor, [out, fanIn]);
          return out < fanIn ? tf.transpose(flat) : flat;
        };
        const [q, a] = [matrix(parameters[name]), matrix(start[name])];
        const size = Math.min(out, fanIn);
        const gram = tf.matMul(q, q, true, false);
        expect(tf.max(tf.abs(tf.sub(gram, tf.eye(size)))).dataSync()[0], name).toBeLessThan(1e-6);
        // R = Qᵀ A; uniqueness of the decomposition makes this the same Q as anyone's.
        const r = tf.matMul(q, a, true, false).arraySync() as number[][];
        for (let i = 0; i < size; i++) {
          expect(r[i][i]).toBeGreaterThan(0);
          for (let j = 0; j < i; j++) expect(Math.abs(r[i][j])).toBeLessThan(1e-5);
        }
      }
      for (const name of ['classes.weight', 'classes.bias', 'conv.bias', 'wide.bias'])
        expect(parameters[name].dataSync()).toEqual(start[name].dataSync());
    });
  });
});

describe('withFreshClassLayer', () => {
  it('draws the class layer’s weight N(0, 2 / fan_in), its bias 0, and copies the rest', () => {
    const wide = buildArchitecture(parseArchitecture('vit:layers=1,heads=2,hidden=64,mlp=64,patch=16,classes=100'));
    tf.tidy(() => {
      const start = randomParameters(wide, createRandom(1));
      const fresh = withFreshClassLayer(wide, start, createRandom(2));
      const { mean, variance } = tf.moments(fresh['heads.head.weight']);
      expect(mean.dataSync()[0]).toBeCloseTo(0, 1);
      expect(variance.dataSync()[0] * 32).toBeCloseTo(1, 1);
      expect(Math.max(...fresh['heads.head.bias'].dataSync().map(Math.abs))).toBe(0);
      expect(fresh['conv_proj.weight'].dataSync()).toEqual(start['conv_proj.weight'].dataSync());
    });
  });
});

describe('SGD', () => {
  it('makes the first two steps as derived by hand', () => {
    const p = { w: tf.tensor1d([1]) };
    const g = { w: tf.tensor1d([1]) };
    const config = { momentum: 0.9, weightDecay: 0.1 };
    // v = 0.5 · 1 + 0.1 · 1 = 0.6; p = 1 − 0.1 · 0.6. Then v = 0.9 · 0.6 + 0.5 + 0.1 · 0.94 = 1.134.
    const first = updateSgd(p, g, initSgd(p), 0.1, 0.5, config);
    expect(first.parameters.w.dataSync()[0]).toBeCloseTo(0.94, 6);
    const second = updateSgd(first.parameters, g, first.state, 0.1, 0.5, config);
    expect(second.parameters.w.dataSync()[0]).toBeCloseTo(0.94 - 0.1134, 6);
    expect(second.state.step).toBe(2);
    disposeSgd(second.state);
  });
});

describe('AdamW', () => {
  it('makes the first two steps as derived by hand', () => {
    const p = { w: tf.tensor1d([1]) };
    const g = { w: tf.tensor1d([0.5]) };
    // Bias correction makes the first two steps of a constant gradient lr · g/|g|; decay takes lr · 0.1 of the parameter first.
    const first = updateAdamW(p, g, initAdamW(p), 0.01, 1, {
      beta1: 0.9,
      beta2: 0.999,
      epsilon: 1e-8,
      weightDecay: 0.1,
    });
    expect(first.parameters.w.dataSync()[0]).toBeCloseTo(1 - 0.001 - 0.01, 6);
    const second = updateAdamW(first.parameters, g, first.state, 0.01, 1, {
      beta1: 0.9,
      beta2: 0.999,
      epsilon: 1e-8,
      weightDecay: 0.1,
    });
    expect(second.parameters.w.dataSync()[0]).toBeCloseTo(0.989 * 0.999 - 0.01, 6);
    disposeAdamW(second.state);
  });

  it('teaches a network four images', async () => {
    let parameters = randomParameters(vit, createRandom(1));
    let state = initAdamW(parameters);
    const batch = { inputs: images(4), labels: tf.tensor1d([0, 1, 2, 3], 'int32') };
    const losses: number[] = [];
    for (let step = 0; step < 60; step++) {
      const { loss, gradients } = await networkGradients(vit, parameters, batch, classification);
      losses.push(loss);
      ({ parameters, state } = updateAdamW(parameters, gradients, state, 3e-3));
    }
    expect(losses[0]).toBeGreaterThan(2);
    expect(losses[59]).toBeLessThan(0.1);
  });
});
