import '@logah/backend-ort';
import '@logah/wasm-kernels';
import '@tensorflow/tfjs-backend-cpu';
import { createRandom } from '@logah/random';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { goldenBackends } from '../../../tools/golden-backends.js';
import { adamWStep } from '../src/index.js';

const SCALARS = { keep: 0.99, beta1: 0.9, beta2: 0.99, stepSize: 0.01, secondCorrection: 1.5, epsilon: 1e-8 };

describe.each(await goldenBackends())('on %s, a step of AdamW', (backend) => {
  // Of a size that a backend treats as small, and of one that it does not.
  it.each([
    { shape: [7], gradientScale: 1 },
    { shape: [90, 400], gradientScale: 1 },
    { shape: [90, 400], gradientScale: 0.25 },
  ])('of $shape, its gradient times $gradientScale, is the formula', async ({ shape, gradientScale }) => {
    await tf.setBackend(backend);
    const random = createRandom(3);
    const count = shape.reduce((a, b) => a * b, 1);
    const [p, g, m] = [1, 2, 3].map(() => random.normals(count, 0, 1));
    const v = random.normals(count, 0, 1).map((value) => value ** 2);
    const tensors = [p, g, m, v].map((values) => tf.tensor(values, shape));
    const [parameter, gradient, first, second] = tensors;
    const before = tf.memory().numTensors;
    const results = adamWStep(parameter, gradient, first, second, { ...SCALARS, gradientScale });
    expect(tf.memory().numTensors).toBe(before + 3);
    const [newP, newM, newV] = await Promise.all(results.map((result) => result.data()));
    const largest = { p: 0, m: 0, v: 0 };
    for (let i = 0; i < count; i++) {
      const scaled = g[i] * gradientScale;
      const wantedM = 0.9 * m[i] + 0.1 * scaled;
      const wantedV = 0.99 * v[i] + 0.01 * scaled ** 2;
      const wantedP = 0.99 * p[i] - (0.01 * wantedM) / (Math.sqrt(wantedV) * 1.5 + 1e-8);
      largest.m = Math.max(largest.m, Math.abs(newM[i] - wantedM));
      largest.v = Math.max(largest.v, Math.abs(newV[i] - wantedV) / Math.max(1, wantedV));
      largest.p = Math.max(largest.p, Math.abs(newP[i] - wantedP));
    }
    expect(largest.m).toBeLessThan(1e-6);
    expect(largest.v).toBeLessThan(1e-6);
    expect(largest.p).toBeLessThan(1e-5);
    tf.dispose([...tensors, ...results]);
  });
});
