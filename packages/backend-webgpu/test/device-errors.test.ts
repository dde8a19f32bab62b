// A device that reports an error: no number of it may be believed.
import type { WebGPUProgram } from '@tensorflow/tfjs-backend-webgpu';
import { describe, expect, it } from 'vitest';
import { createBackend } from '../src/backend.js';
import { requestAdapter } from '../src/gpu.js';

const adapter = await requestAdapter().catch((error: Error) => error.message.split('\n')[0]);
const where =
  typeof adapter === 'string' ? `on a GPU, which does not work here (${adapter})` : 'on the GPU that there is';

/** A kernel that does not compile, as some of tfjs's do not; its result is whatever memory held. */
const BROKEN: WebGPUProgram = {
  outputShape: [4],
  variableNames: [],
  shaderKey: 'broken',
  dispatchLayout: { x: [0] },
  dispatch: [1, 1, 1],
  workgroupSize: [64, 1, 1],
  getUserCode: () => 'fn _start(index: i32) { not WGSL }',
};

describe.skipIf(typeof adapter === 'string')(where, () => {
  it('a read after an error throws it, as does every other from then on', async () => {
    const backend = await createBackend(await requestAdapter());
    const good = backend.makeTensorInfo([2], 'float32', Float32Array.of(1, 2));
    expect([...((await backend.read(good.dataId)) as Float32Array)]).toEqual([1, 2]);
    const bad = backend.runWebGPUProgram(BROKEN, [], 'float32');
    await expect(backend.read(bad.dataId)).rejects.toThrow('WebGPU, ');
    await expect(backend.read(good.dataId)).rejects.toThrow('WebGPU, ');
  });

  it('reads that wait together all throw it', async () => {
    const backend = await createBackend(await requestAdapter());
    const bad = backend.runWebGPUProgram(BROKEN, [], 'float32');
    const reads = await Promise.allSettled([1, 2, 3].map(() => backend.read(bad.dataId)));
    expect(reads.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  });
});
