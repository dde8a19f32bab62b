import { describe, expect, it } from 'vitest';
import { BufferPool } from '../src/pool.js';

/** Whether two arrays lie in the same memory. */
const share = (a: Float32Array, b: Float32Array): boolean => a.buffer === b.buffer;

describe('BufferPool', () => {
  it('hands out again the memory that was given back, to arrays of about the same length', () => {
    const pool = new BufferPool();
    const [a, b] = [pool.take(1000), pool.take(2000)];
    pool.give(a);
    pool.give(b);
    const [long, short] = [pool.take(1990), pool.take(1024)];
    expect([share(long, b), long.length]).toEqual([true, 1990]);
    expect([share(short, a), short.length]).toEqual([true, 1024]);
    expect(share(pool.take(1000), a)).toBe(false);
  });

  it('takes at most a quarter more memory than is asked for', () => {
    const pool = new BufferPool();
    for (let length = 256; length < 5000; length += 7) {
      const { buffer } = pool.take(length);
      expect(buffer.byteLength).toBeGreaterThanOrEqual(4 * length);
      expect(buffer.byteLength).toBeLessThanOrEqual(5 * length);
    }
  });

  it('takes back only what it handed out, once, and nothing that was released', () => {
    const pool = new BufferPool();
    const [a, foreign] = [pool.take(1000), new Float32Array(1000)];
    pool.give(foreign);
    expect(share(pool.take(1000), foreign)).toBe(false);
    pool.give(a);
    pool.give(a);
    const [again, other] = [pool.take(1000), pool.take(1000)];
    expect([share(again, a), share(other, a)]).toEqual([true, false]);
    pool.release(again);
    pool.give(again);
    expect(share(pool.take(1000), again)).toBe(false);
  });

  it('forgets lengths that nobody asks for any more', () => {
    const pool = new BufferPool();
    const old = pool.take(1000);
    pool.give(old);
    for (let i = 0; i <= 20_001; i++) pool.give(pool.take(2000));
    expect(share(pool.take(1000), old)).toBe(false);
  });
});
