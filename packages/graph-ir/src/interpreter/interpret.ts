// Computes single operators of ONNX, of its latest opset, on plain numbers: one meaning for all that runs or works out a model.
import type { OnnxAttribute } from '../graph.js';
import { ATTENTION } from './attention.js';
import { CONTROL } from './control.js';
import { ELEMENTWISE } from './elementwise.js';
import { IMAGE_CHOICES, IMAGES } from './images.js';
import { LOSS_CHOICES, LOSSES } from './losses.js';
import { MOVEMENT, MOVEMENT_CHOICES } from './movement.js';
import { NORMS } from './norms.js';
import type { Choices, Operation, Rule } from './operation.js';
import { PRODUCTS } from './products.js';
import { QUANTISED } from './quantised.js';
import { RECURRENT, RECURRENT_CHOICES } from './recurrent.js';
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

const CHOICES: Choices = { ...IMAGE_CHOICES, ...LOSS_CHOICES, ...MOVEMENT_CHOICES, ...RECURRENT_CHOICES };

/** The attributes of an operator whose values no rule knows, as `mode "area"`. */
export function unknownAttributes(operator: string, attributes: Readonly<Record<string, OnnxAttribute>>): string[] {
  const known = Object.hasOwn(CHOICES, operator) ? CHOICES[operator] : {};
  return Object.entries(known).flatMap(([key, choices]) => {
    if (!Object.hasOwn(attributes, key)) return [];
    if (choices.length === 0) return [key];
    const value = attributes[key];
    const texts =
      typeof value === 'string' ? [value] : typeof value === 'object' && 'strings' in value ? value.strings : [];
    // Names of activations may be written in any case.
    const isKnown = (text: string): boolean => choices.includes(key === 'activations' ? text.toLowerCase() : text);
    return texts.filter((text) => !isKnown(text)).map((text) => `${key} "${text}"`);
  });
}

/**
 * The results of an operator, as many as its node names at most.
 * Throws {@link GraphError} for an operator, an attribute or an operand that cannot be computed with, and where a number would be wrong.
 */
export function interpret(operation: Operation): Tensor[] {
  const rule = RULES.get(operation.operator) ?? fail(`the operator ${operation.operator} cannot be computed`);
  const results = rule(operation);
  return 'shape' in results ? [results] : results.slice(0, operation.results);
}
