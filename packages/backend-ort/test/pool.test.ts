import { describe, expect, it } from 'vitest';
import { BufferPool } from '../src/pool.js';

describe('BufferPool', () => {
  it('hands out again what was given back, by length', () => {
    const pool = new BufferPool();
    const [a, b] = [pool.take(1000), pool.take(2000)];
    pool.give(a);
    pool.give(b);
    expect(pool.take(2000)).toBe(b);
    expect(pool.take(1000)).toBe(a);
    expect(pool.take(1000)).not.toBe(a);
  });

  it('takes back only what it handed out, once, and nothing that was released', () => {
    const pool = new BufferPool();
    const [a, foreign] = [pool.take(1000), new Float32Array(1000)];
    pool.give(foreign);
    expect(pool.take(1000)).not.toBe(foreign);
    pool.give(a);
    pool.give(a);
    expect([pool.take(1000), pool.take(1000)].filter((values) => values === a).length).toBe(1);
    pool.release(a);
    pool.give(a);
    expect(pool.take(1000)).not.toBe(a);
  });

  it('forgets lengths that nobody asks for any more', () => {
    const pool = new BufferPool();
    const old = pool.take(1000);
    pool.give(old);
    for (let i = 0; i <= 20_001; i++) pool.give(pool.take(2000));
    expect(pool.take(1000)).not.toBe(old);
  });
});
