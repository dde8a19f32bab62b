// Products as attention and gradients ask for them: the wasm backend as it comes, and with this package.
import '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { bench, describe } from 'vitest';

const original = tf.getKernel('BatchMatMul', 'wasm').kernelFunc;
await import('../src/index.js');
await tf.setBackend('wasm');
const fast = tf.getKernel('BatchMatMul', 'wasm').kernelFunc;

function use(kernelFunc: tf.KernelFunc): void {
  tf.unregisterKernel('BatchMatMul', 'wasm');
  tf.registerKernel({ kernelName: 'BatchMatMul', backendName: 'wasm', kernelFunc });
}

const CASES = [
  ['a gradient: [1040, 192]ᵀ · [1040, 768]', [1040, 192], [1040, 768], true, false],
  ['attention: [48, 197, 64] · [48, 197, 64]ᵀ', [48, 197, 64], [48, 197, 64], false, true],
] as const;

for (const [name, a, b, transposeA, transposeB] of CASES) {
  describe(name, () => {
    const [x, y] = [tf.randomNormal([...a]), tf.randomNormal([...b])];
    const run = (): void => tf.matMul(x, y, transposeA, transposeB).dispose();
    bench('with @logah/wasm-kernels', run, { setup: () => use(fast) });
    bench('as it comes', run, { setup: () => use(original) });
  });
}
