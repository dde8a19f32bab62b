// For each parameter of a target network: what the decoder computes for it, and how it is read off.
import type { Target } from '@logah/graph-ir';
import type { KernelShape } from '@logah/lowrank-decoder';
import { HypernetError } from './config.js';

export interface TargetPlan {
  /** A `matrix` is a kernel without height and width, a `position` one that is read as a sequence, a `sequence` `[1, tokens, features]` as it stands. */
  readonly kind: 'vector' | 'matrix' | 'kernel' | 'position' | 'sequence';
  readonly target: Target;
  /** What the decoder computes for the target's node, at most as many channels as it has; the rest repeats it. A vector has its length in the first place. */
  readonly kernel: KernelShape;
}

/** Plans a target's prediction with at most `maxChannels` channels. Throws {@link HypernetError} for a shape that no decoder can make. */
export function planTarget(target: Target, maxChannels: number): TargetPlan {
  const { name, shape } = target.parameter;
  const cap = (size: number): number => Math.min(size, maxChannels);
  switch (shape.length) {
    case 1:
      return { kind: 'vector', target, kernel: [cap(shape[0]), 1, 1, 1] };
    case 2:
      return { kind: 'matrix', target, kernel: [cap(shape[0]), cap(shape[1]), 1, 1] };
    case 3:
      if (target.role === 'position') {
        const side = Math.floor(Math.sqrt(shape[1]));
        return { kind: 'position', target, kernel: [1, shape[2], side, side] };
      }
      break;
    case 4:
      return { kind: 'kernel', target, kernel: [cap(shape[0]), cap(shape[1]), shape[2], shape[3]] };
  }
  throw new HypernetError(`"${name}" has shape [${shape.join(', ')}], which this hypernetwork cannot predict`);
}

/** The shape of the predicted part of a target. */
export function coreShape({ kind, kernel: [out, inputs, height, width] }: TargetPlan): number[] {
  switch (kind) {
    case 'vector':
      return [out];
    case 'matrix':
      return [out, inputs];
    case 'kernel':
    case 'position':
      return [out, inputs, height, width];
    case 'sequence':
      return [out, inputs, height];
  }
}

/** Items in lists of one key each, in the order in which keys come up. */
export function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): T[][] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return [...groups.values()];
}

/** Every row once, in the order in which they come up. */
export const distinct = (rows: readonly number[]): number[] => [...new Set(rows)];
