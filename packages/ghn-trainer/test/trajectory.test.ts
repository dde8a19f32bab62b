// Ten steps of meta-training against the reference's, step for step.
import '@logah/backend-ort';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildVit } from '@logah/graph-ir';
import { fromCheckpoint } from '@logah/hypernet';
import { ADAMW_DEFAULTS, classification, clipScale, initAdamW, updateAdamW } from '@logah/network';
import { readSafetensors } from '@logah/safetensors/node';
import { globalNorm, takeNumber } from '@logah/tensor-ops';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { goldenBackends } from '../../../tools/golden-backends.js';
import { metaBatchGradients } from '../src/index.js';

const fixture = (name: string): string =>
  fileURLToPath(new URL(`./fixtures/vit-meta-batch-2.${name}`, import.meta.url));

interface Trajectory {
  readonly nets: ReadonlyArray<
    Record<'numLayers' | 'numHeads' | 'hiddenDim' | 'mlpDim' | 'patchSize' | 'numClasses' | 'imageSize', number>
  >;
  readonly lr: number;
  readonly weightDecay: number;
  readonly predictedParameterRegularization: number;
  readonly clip: number;
  readonly loss: readonly number[];
  readonly gradNorm: readonly number[];
}

// These add one number to all attention logits of a head, which softmax ignores (in `proj_e.0` through the ReLUs that are on for every pair of
// nodes): their gradient is rounding noise in any implementation, and Adam makes of it a step of up to the learning rate.
const SHIFTS_OF_LOGITS = new Set(['gnn.0.attn.proj_e.0.bias', 'gnn.0.attn.proj_e.2.bias']);

// The weights move by up to lr = 3e-4 a step. Where a gradient is as small as Adam's epsilon, 1e-8, the step lr · g / (|g| + epsilon) passes on
// the rounding of g, some per cent of it: 1e-5. All other weights agree to 1e-7.
const WEIGHT_TOLERANCE = 1e-5;

/** WGSL lets a division or an inverse square root be 2.5 units in the last place off, where other backends round right. */
const NORM_TOLERANCE: Readonly<Record<string, number>> = { webgpu: 5e-6 };

describe.each(await goldenBackends(['ort']))('metaBatchGradients and updateAdamW, on %s', (backend) => {
  beforeAll(() => tf.setBackend(backend));

  it('follows the reference for ten steps of meta-batches of two ViTs', async () => {
    const golden: Trajectory = JSON.parse(readFileSync(fixture('json'), 'utf8'));
    const data = (await readSafetensors(fixture('data.safetensors'))).tensors;
    const graphs = golden.nets.map((net) =>
      buildVit({
        layers: net.numLayers,
        heads: net.numHeads,
        hidden: net.hiddenDim,
        mlp: net.mlpDim,
        patch: net.patchSize,
        classes: net.numClasses,
        image: net.imageSize,
      }),
    );
    const [images, labels] = ['images', 'labels'].map((name) => {
      const tensor = data.get(name);
      if (!tensor) throw new Error(`the fixture has no ${name}`);
      return tf.tensor(tensor.data, [...tensor.shape], name === 'labels' ? 'int32' : 'float32');
    });
    let hypernet = fromCheckpoint(await readSafetensors(fixture('init.safetensors')), 'init');
    let state = initAdamW(hypernet.parameters);
    for (const [step, expectedLoss] of golden.loss.entries()) {
      const batch = {
        inputs: tf.squeeze(tf.slice(images, [step], [1]), [0]),
        labels: tf.squeeze(tf.slice(labels, [step], [1]), [0]),
      };
      const { loss, gradients } = await metaBatchGradients(
        hypernet,
        graphs.map((graph) => ({ graph })),
        batch,
        classification,
        {
          ...golden,
          reference: true,
        },
      );
      const norm = await takeNumber(globalNorm(Object.values(gradients)));
      // Float32 numbers near 2 are spaced 1.2e-7 relative to them; ten updates keep the difference within a few such steps.
      expect(Math.abs(loss / expectedLoss - 1), `loss of step ${step}`).toBeLessThan(1e-6);
      expect(Math.abs(norm / golden.gradNorm[step] - 1), `gradient norm of step ${step}`).toBeLessThan(
        NORM_TOLERANCE[backend] ?? 2e-6,
      );
      const config = { ...ADAMW_DEFAULTS, weightDecay: golden.weightDecay };
      const next = updateAdamW(hypernet.parameters, gradients, state, golden.lr, clipScale(norm, golden.clip), config);
      hypernet = { ...hypernet, parameters: next.parameters };
      state = next.state;
    }
    const final = (await readSafetensors(fixture('final.safetensors'))).tensors;
    for (const [name, tensor] of Object.entries(hypernet.parameters)) {
      const expected = final.get(name)?.data ?? new Float32Array();
      const actual = await tensor.data();
      const largest = Math.max(...expected.map((wanted, i) => Math.abs(wanted - actual[i])));
      expect(largest, name).toBeLessThan(
        SHIFTS_OF_LOGITS.has(name) ? golden.loss.length * golden.lr : WEIGHT_TOLERANCE,
      );
    }
  });
});
