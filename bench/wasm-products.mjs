// Products as attention and gradients ask for them: the wasm backend with wasm-kernels, and as it comes.
// usage: node bench/wasm-products.mjs     (prints JSON)
import '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { compare } from './measure.mjs';

const original = tf.getKernel('BatchMatMul', 'wasm').kernelFunc;
await import('@logah/wasm-kernels');
await tf.setBackend('wasm');
const fast = tf.getKernel('BatchMatMul', 'wasm').kernelFunc;

function use(kernelFunc) {
  tf.unregisterKernel('BatchMatMul', 'wasm');
  tf.registerKernel({ kernelName: 'BatchMatMul', backendName: 'wasm', kernelFunc });
}

const rows = [];
for (const [what, a, b, transposeA, transposeB] of [
  ['a gradient: [1040, 192]ᵀ · [1040, 768]', [1040, 192], [1040, 768], true, false],
  ['attention: [48, 197, 64] · [48, 197, 64]ᵀ', [48, 197, 64], [48, 197, 64], false, true],
]) {
  const [x, y] = [tf.ones(a), tf.ones(b)];
  const product = (kernel) => () => {
    use(kernel);
    tf.matMul(x, y, transposeA, transposeB).dispose();
  };
  rows.push({
    part: 'wasm-kernels',
    what,
    baseline: "tfjs's wasm backend as it comes",
    ...(await compare(product(fast), product(original))),
  });
  tf.dispose([x, y]);
}
console.log(JSON.stringify(rows));
