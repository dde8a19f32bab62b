// What the machine can do at most: products of matrices, moving memory, writing to the disk.
// usage: node bench/limits.mjs     (prints JSON)
import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setThreadsCount } from '@logah/backend-ort';
import * as tf from '@tensorflow/tfjs-core';
import { secondsOf } from './measure.mjs';

/** Floating-point operations a second of a product of two square matrices, the best of what ONNX Runtime does here. */
async function productPeak() {
  const size = 2048;
  const [a, b] = [tf.ones([size, size]), tf.ones([size, size])];
  const seconds = await secondsOf(() => tf.matMul(a, b).dispose());
  tf.dispose([a, b]);
  return (2 * size ** 3) / seconds;
}

async function copyPeak() {
  const [from, to] = [new Float32Array(2 ** 25).fill(1), new Float32Array(2 ** 25)];
  return from.byteLength / (await secondsOf(() => to.set(from)));
}

async function diskPeak() {
  const folder = mkdtempSync(join(tmpdir(), 'logah-bench-'));
  const piece = Buffer.alloc(2 ** 24, 1);
  const seconds = await secondsOf(
    () => {
      const file = openSync(join(folder, 'raw'), 'w');
      for (let i = 0; i < 32; i++) writeSync(file, piece);
      fsyncSync(file);
      closeSync(file);
    },
    { repetitions: 3, warmUp: 1 },
  );
  rmSync(folder, { recursive: true });
  return (32 * piece.length) / seconds;
}

await tf.setBackend('ort');
const allThreads = await productPeak();
setThreadsCount(1);
const oneThread = await productPeak();
console.log(
  JSON.stringify({
    productsPerSecond: allThreads,
    productsPerSecondOneThread: oneThread,
    bytesCopiedPerSecond: await copyPeak(),
    bytesWrittenPerSecond: await diskPeak(),
  }),
);
