// Loops of no step: what they collect has the shape that steps would give.
import { describe, expect, it } from 'vitest';
import type { Body } from '../src/interpreter/operation.js';
import { interpret } from '../src/interpreter.js';

const tensor = (type: 'float32' | 'int64' | 'bool', shape: readonly number[], values: readonly number[]) => ({
  type,
  shape,
  values: Float64Array.from(values),
});

describe('a loop of no step', () => {
  // Carries its value on, and collects it.
  const body: Body = { results: 3, run: ([, , x]) => [tensor('bool', [], [1]), x, x] };
  const x = tensor('float32', [3], [1, 2, 3]);

  it.each([
    ['that may take none', tensor('int64', [], [0]), tensor('bool', [], [1])],
    ['whose condition is false', tensor('int64', [], [4]), tensor('bool', [], [0])],
  ])('%s collects nothing of the right shape', (_, count, condition) => {
    const operands = [count, condition, x];
    const [carried, collected] = interpret({
      operator: 'Loop',
      operands,
      attributes: {},
      results: 2,
      bodies: { body },
    });
    expect(Array.from(carried.values)).toEqual([1, 2, 3]);
    expect([collected.type, collected.shape]).toEqual(['float32', [0, 3]]);
  });

  it('over rows that are not there collects along the axis that it says', () => {
    const scan: Body = { results: 1, run: ([row]) => [row] };
    const [collected] = interpret({
      operator: 'Scan',
      operands: [tensor('int64', [2, 0, 4], [])],
      attributes: { num_scan_inputs: 1, scan_input_axes: [1], scan_output_axes: [-1] },
      results: 1,
      bodies: { body: scan },
    });
    expect([collected.type, collected.shape]).toEqual(['int64', [2, 4, 0]]);
  });
});
