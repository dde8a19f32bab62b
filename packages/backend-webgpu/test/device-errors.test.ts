// A device that reports an error: no number of it may be believed.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
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

  /** Runs a program with the built package; how it ended, and what it printed. */
  const programEnds = (body: string): Promise<{ code: number | string; stdout: string; stderr: string }> =>
    new Promise((resolve) => {
      const program = `
        import { connect } from '@logah/backend-webgpu';
        import * as tf from '@tensorflow/tfjs-core';
        await connect();
        await tf.setBackend('webgpu');
        ${body}`;
      execFile(
        process.execPath,
        ['--input-type=module', '--eval', program],
        { cwd: fileURLToPath(new URL('..', import.meta.url)), timeout: 120_000 },
        (error, stdout, stderr) => resolve({ code: error?.code ?? error?.signal ?? 0, stdout, stderr }),
      );
    });

  it('a program ends when it is done, and by itself', async () => {
    const sum = 'console.log((await tf.matMul(tf.ones([64, 64]), tf.ones([64, 64])).data())[0]);';
    expect(await programEnds(sum)).toMatchObject({ code: 0, stdout: '64\n' });
  });

  it('a program whose device reports an error ends with an exit code', async () => {
    const body = `
      const program = { ...${JSON.stringify(BROKEN)}, getUserCode: () => 'not WGSL' };
      const info = tf.backend().runWebGPUProgram(program, [], 'float32');
      console.log(await tf.backend().read(info.dataId));`;
    const { code, stdout, stderr } = await programEnds(body);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain('Error: WebGPU, ');
  });
});
