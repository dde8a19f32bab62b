// What it saves to compute only the rows of A and B that a target reads: LoGAH-Tiny, one tensor of 1280×1280.
import '@logah/backend-ort';
import { createRandom } from '@logah/random';
import { linear } from '@logah/tensor-ops';
import * as tf from '@tensorflow/tfjs-core';
import { bench, describe } from 'vitest';
import { decodeCodes, embeddingsToCodes, lowRankDecoderParameters } from '../src/index.js';

await tf.setBackend('ort');
const config = { dim: 64, rank: 32, maxRows: 2048 * 16 };
const random = createRandom(0);
const parameters = Object.fromEntries(
  lowRankDecoderParameters(config).map(({ name, shape, initial }) => [name, tf.tensor(initial(random), [...shape])]),
);
const codes = embeddingsToCodes(parameters, tf.tensor2d(random.normals(64, 0, 1), [1, 64]), config);

/** As the reference decodes: all 2r rows, then the part that is needed. */
function decodeAllRows(): tf.Tensor {
  return tf.tidy(() => {
    const { rank, maxRows } = config;
    const spread = linear(codes, parameters['decoder.l2.weight'], parameters['decoder.l2.bias']);
    const rows = tf.reshape(spread, [2 * maxRows, rank]);
    return tf.matMul(tf.slice(rows, [0, 0], [1280, rank]), tf.slice(rows, [maxRows, 0], [1280, rank]), false, true);
  });
}

describe('a tensor of 1280×1280', () => {
  bench('the 4 rows of 64 that it needs', () => {
    decodeCodes(parameters, codes, [1280, 1280, 1, 1], config).dispose();
  });
  bench('all rows, as the reference', () => {
    decodeAllRows().dispose();
  });
});
