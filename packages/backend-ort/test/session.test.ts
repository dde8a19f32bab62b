// Programs and how they are run, without tfjs.
import { describe, expect, it } from 'vitest';
import { Kernel, loadRuntime, type NativeTensor, setThreads } from '../src/session.js';

const floats = (values: Float32Array, ...dims: number[]): NativeTensor => ({
  type: 'float32',
  dims,
  data: values,
  location: 'cpu',
});

loadRuntime();
setThreads(2);

const scaled = new Kernel({
  inputs: { x: 'float32', factor: 'float32' },
  outputs: { y: 'float32', squares: 'float32' },
  nodes: [
    { op: 'Mul', inputs: ['x', 'factor'], outputs: ['y'] },
    { op: 'Mul', inputs: ['x', 'x'], outputs: ['squares'] },
  ],
});

describe('a program', () => {
  // Results below 64 KiB come back as tensors that nobody reads; larger ones do not come back at all.
  it.each([10, 100_000])('writes %d values into the memory that it is given', (count) => {
    const x = Float32Array.from({ length: count }, (_, i) => i);
    for (const isLarge of [false, true]) {
      const [y, squares] = [new Float32Array(count), new Float32Array(count)];
      scaled.run(
        [floats(x, count), floats(Float32Array.of(2), 1)],
        [floats(y, count), floats(squares, count)],
        isLarge,
      );
      expect(y.every((value, i) => value === 2 * i)).toBe(true);
      expect(squares.every((value, i) => value === Math.fround(i * i))).toBe(true);
    }
  });

  it('writes into a part of an array', () => {
    const memory = new Float32Array(60_000);
    const x = new Float32Array(20_000).fill(3);
    const parts = [memory.subarray(20_000, 40_000), new Float32Array(20_000)].map((values) => floats(values, 20_000));
    scaled.run([floats(x, 20_000), floats(Float32Array.of(2), 1)], parts, false);
    expect([memory[19_999], memory[20_000], memory[39_999], memory[40_000]]).toEqual([0, 6, 6, 0]);
  });

  it.each([10, 100_000])('fails with %d values that do not fit each other, and says why', (count) => {
    const run = () =>
      scaled.run(
        [floats(new Float32Array(count), count), floats(new Float32Array(3), 3)],
        [floats(new Float32Array(count), count), floats(new Float32Array(count), count)],
        false,
      );
    expect(run).toThrow(/Mul node/);
  });

  it('makes no garbage of large results', () => {
    const count = 2 ** 20;
    const [x, y, squares] = [1, 2, 3].map(() => new Float32Array(count));
    const run = () =>
      scaled.run([floats(x, count), floats(Float32Array.of(2), 1)], [floats(y, count), floats(squares, count)], false);
    run();
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 10; i++) run();
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 20);
  });
});
