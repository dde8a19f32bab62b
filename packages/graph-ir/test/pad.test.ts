// Padding where a negative number takes rows away: results are among the operators' cases, refusals here.
import { describe, expect, it } from 'vitest';
import { interpret, type Tensor } from '../src/interpreter.js';

const padded = (mode: string, before: number, after: number) => () => {
  const x: Tensor = { type: 'float32', shape: [6], values: [0, 1, 2, 3, 4, 5] };
  const pads: Tensor = { type: 'int64', shape: [2], values: [before, after] };
  const [y] = interpret({ operator: 'Pad', operands: [x, pads], attributes: { mode }, results: 1 });
  return Array.from(y.values);
};

describe('padding what is cut', () => {
  it('repeats what is left', () => {
    expect(padded('wrap', -2, 2)()).toEqual([2, 3, 4, 5, 2, 3]);
    expect(padded('reflect', -2, 2)()).toEqual([2, 3, 4, 5, 4, 3]);
    expect(padded('edge', 2, -5)()).toEqual([0, 0, 0]);
    expect(padded('constant', -8, 4)()).toEqual([0, 0]);
  });

  it.each([
    ['wrap', -4, 3, 2],
    ['reflect', 4, -4, 2],
    ['edge', -6, 1, 0],
    ['wrap', -4, -4, -2],
  ] as const)('with mode %s by %i and %i is refused', (mode, before, after, left) => {
    expect(padded(mode, before, after)).toThrow(
      `pads with mode "${mode}" by ${before} and ${after}, but of 6 rows only ${left} are left to repeat`,
    );
  });
});
