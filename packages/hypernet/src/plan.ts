// For each parameter of a target network: what the decoder computes for it, and how it is read off.
import type { Target } from '@logah/graph-ir';
import { type KernelShape, roundedSize } from '@logah/lowrank-decoder';
import { HypernetError } from './config.js';

interface PlanOf<K extends string> {
  readonly kind: K;
  readonly target: Target;
  /** What the decoder computes for the target's node. */
  readonly kernel: KernelShape;
}

/** A vector is a part of a column that holds a weight and a bias. */
export interface VectorPlan extends PlanOf<'vector'> {
  readonly start: number;
  /** How many of its values are predicted; the rest repeats them. */
  readonly size: number;
}
export type MatrixPlan = PlanOf<'matrix'>;
export type KernelPlan = PlanOf<'kernel'>;
export type PositionPlan = PlanOf<'position'>;

export type TargetPlan = VectorPlan | MatrixPlan | KernelPlan | PositionPlan;

/** Plans a target's prediction with at most `maxChannels` channels. Throws {@link HypernetError} for a shape that the decoder cannot make. */
export function planTarget(target: Target, maxChannels: number): TargetPlan {
  const { name, shape } = target.parameter;
  const cap = (size: number): number => Math.min(size, maxChannels);
  switch (shape.length) {
    case 1: {
      const rounded = roundedSize(shape[0], maxChannels);
      const start = target.role === 'norm_weight' ? 0 : rounded;
      return { kind: 'vector', target, kernel: [2 * rounded, 1, 1, 1], start, size: cap(shape[0]) };
    }
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
