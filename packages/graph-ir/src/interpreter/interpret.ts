// Computes single operators of ONNX, of its latest opset, on plain numbers: one meaning for all that runs or works out a model.
import { ATTENTION } from './attention.js';
import { CONTROL } from './control.js';
import { ELEMENTWISE } from './elementwise.js';
import { IMAGES } from './images.js';
import { LOSSES } from './losses.js';
import { MOVEMENT } from './movement.js';
import { NORMS } from './norms.js';
import type { Operation, Rule } from './operation.js';
import { PRODUCTS } from './products.js';
import { QUANTISED } from './quantised.js';
import { RECURRENT } from './recurrent.js';
import { REDUCTIONS } from './reductions.js';
import { SIGNALS } from './signals.js';
import { fail, type Tensor } from './tensor.js';
import { WINDOWS } from './windows.js';

const RULES: ReadonlyMap<string, Rule> = new Map(
  [
    ELEMENTWISE,
    MOVEMENT,
    REDUCTIONS,
    PRODUCTS,
    WINDOWS,
    NORMS,
    QUANTISED,
    RECURRENT,
    IMAGES,
    ATTENTION,
    LOSSES,
    SIGNALS,
    CONTROL,
  ].flatMap((family) => Object.entries(family)),
);

/** Whether an operator can be computed. */
export const isInterpreted = (operator: string): boolean => RULES.has(operator);

/**
 * The results of an operator, as many as its node names at most.
 * Throws {@link GraphError} for an operator, an attribute or an operand that cannot be computed with, and where a number would be wrong.
 */
export function interpret(operation: Operation): Tensor[] {
  const rule = RULES.get(operation.operator) ?? fail(`the operator ${operation.operator} cannot be computed`);
  const results = rule(operation);
  return 'shape' in results ? [results] : results.slice(0, operation.results);
}
