import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addSizes, divideSizes, multiplySizes, sizeIn } from '../src/dimensions.js';
import type { Dimension } from '../src/index.js';

type Step = readonly [operator: 'add' | 'multiply' | 'floor' | 'ceil', other: Dimension];

const step = fc.tuple(
  fc.constantFrom('add', 'multiply', 'floor', 'ceil'),
  fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constantFrom('time', 'batch')),
) as fc.Arbitrary<Step>;

/** What the steps make of two sizes: as an expression and in numbers. */
function follow<T extends Dimension>(
  first: T,
  steps: readonly Step[],
  reading: (size: Dimension) => Dimension,
): Dimension {
  return steps.reduce<Dimension>((size, [operator, other]) => {
    if (operator === 'add') return addSizes(size, reading(other));
    if (operator === 'multiply') return multiplySizes(size, reading(other));
    return divideSizes(size, reading(other), operator);
  }, first);
}

describe('sizes with names', () => {
  it('mean, whatever is done to them, the number that comes out with numbers for the names', () => {
    const sizes = fc.record({ time: fc.integer({ min: 1, max: 99 }), batch: fc.integer({ min: 1, max: 99 }) });
    fc.assert(
      fc.property(sizes, fc.array(step, { maxLength: 5 }), (numbers, steps) => {
        const named = follow('time', steps, (size) => size);
        const counted = follow(numbers.time, steps, (size) =>
          typeof size === 'number' ? size : numbers[size as 'time'],
        );
        expect(sizeIn(numbers, named)).toBe(counted);
      }),
      { numRuns: 1000, seed: 1 },
    );
  });

  it('are written in one way', () => {
    expect(addSizes(addSizes('time', 1), 2)).toBe('time+3');
    expect(multiplySizes(multiplySizes('batch', 14), 14)).toBe('batch*196');
    expect(divideSizes(divideSizes('time', 2, 'ceil'), 3, 'ceil')).toBe('ceil(time/6)');
    expect(multiplySizes(multiplySizes('ceil((time+1)/2)', 8), 2)).toBe('ceil((time+1)/2)*16');
    expect(divideSizes('batch*196', 49)).toBe('batch*4');
    expect(divideSizes(addSizes('time', 'batch*2'), 2)).toBe('floor((time+batch*2)/2)');
    expect(sizeIn({ time: 3 }, 'time+other')).toBeUndefined();
  });
});
