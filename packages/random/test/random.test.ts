import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../src/index.js';

describe('createRandom', () => {
  it('gives the same numbers for the same seed and others for another', () => {
    const draw = (seed: number) => Array.from(createRandom(seed).normals(5, 0, 1));
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
  });

  it('keeps its first numbers for ever, so that seeds in documents stay valid', () => {
    const random = createRandom(0);
    expect([random.integer(0, 999), random.integer(0, 999), random.integer(0, 999)]).toEqual([759, 80, 630]);
  });

  it('continues from a saved state as if it had not stopped', () => {
    const random = createRandom(3);
    random.normals(11, 0, 1);
    const resumed = createRandom(JSON.parse(JSON.stringify(random.state())));
    expect(resumed.uniforms(8, -1, 1)).toEqual(random.uniforms(8, -1, 1));
  });

  it('draws integers within their bounds, both ends reached', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: -1000, max: 1000 }), fc.nat(5), (seed, low, span) => {
        const random = createRandom(seed);
        const seen = new Set(Array.from({ length: 300 }, () => random.integer(low, low + span)));
        expect(Math.min(...seen)).toBe(low);
        expect(Math.max(...seen)).toBe(low + span);
      }),
      { numRuns: 30 },
    );
  });

  it('shuffles to a permutation and leaves its input alone', () => {
    const items = [1, 2, 3, 4, 5, 6, 7, 8];
    const shuffled = createRandom(1).shuffle(items);
    expect(items).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(shuffled).not.toEqual(items);
    expect([...shuffled].sort()).toEqual(items);
  });

  it('draws normal numbers with the asked mean and deviation', () => {
    const values = createRandom(5).normals(100_000, 2, 0.5);
    const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
    const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length;
    expect(mean).toBeCloseTo(2, 2);
    expect(Math.sqrt(variance)).toBeCloseTo(0.5, 2);
  });

  it('keeps truncated normal numbers inside the interval', () => {
    const values = createRandom(5).truncatedNormals(10_000, 1, -0.5, 2);
    expect(Math.min(...values)).toBeGreaterThanOrEqual(-0.5);
    expect(Math.max(...values)).toBeLessThanOrEqual(2);
  });

  it('forks streams that differ from each other and from their parent', () => {
    const random = createRandom(9);
    const [a, b] = [random.fork(), random.fork()];
    const first = [a.uniform(), b.uniform(), random.uniform()];
    expect(new Set(first).size).toBe(3);
  });

  it.each([
    ['a fractional seed', () => createRandom(0.5), 'a seed is an integer, got 0.5'],
    ['a short state', () => createRandom([1, 2]), 'a saved random state is four integers, got [1, 2]'],
    ['reversed bounds', () => createRandom(0).integer(3, 2), 'integer(low, high) wants integers low <= high'],
    ['an empty choice', () => createRandom(0).choose([]), 'choose(items) wants at least one item'],
    [
      'an interval without 0',
      () => createRandom(0).truncatedNormals(1, 1, 1, 2),
      'truncatedNormals wants low < 0 < high',
    ],
  ])('refuses %s', (_, act, message) => {
    expect(act).toThrow(message);
  });
});
