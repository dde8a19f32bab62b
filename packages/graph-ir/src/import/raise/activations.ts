// Activations, recognised by what they do to numbers: however an exporter writes GELU, it is GELU.
import type { ActivationFunction } from '../../graph.js';
import { gelu, geluTanh, sigmoid } from '../../interpreter/functions.js';
import { draft, type Found } from '../draft.js';
import type { ForeignNode } from '../foreign.js';
import type { Matcher } from '../matcher.js';

const ELEMENTWISE: ReadonlySet<string> = new Set([
  'Add',
  'Sub',
  'Mul',
  'Div',
  'Pow',
  'Min',
  'Max',
  'Neg',
  'Exp',
  'Erf',
  'Tanh',
  'Sigmoid',
  'Relu',
  'Clip',
  'HardSigmoid',
  'HardSwish',
  'Gelu',
  'Reciprocal',
  'Cast',
]);

/** How many steps an activation may take. */
const MOST_STEPS = 12;

const hardSigmoid = (x: number): number => Math.min(Math.max(x + 3, 0), 6) / 6;

const FUNCTIONS: Readonly<Record<ActivationFunction, (x: number) => number>> = {
  relu: (x) => Math.max(x, 0),
  gelu,
  gelu_tanh: geluTanh,
  silu: (x) => x * sigmoid(x),
  relu6: (x) => Math.min(Math.max(x, 0), 6),
  sigmoid,
  tanh: Math.tanh,
  hard_sigmoid: hardSigmoid,
  hard_swish: (x) => x * hardSigmoid(x),
};

/**
 * The numbers that each function is written with, in any of the ways that exporters have for it. A piece of a model with another number in it is another
 * function, even where both agree at every point that is tried.
 */
const CONSTANTS: Readonly<Record<ActivationFunction, readonly number[]>> = {
  relu: [0],
  gelu: [0.5, 1, 2, Math.SQRT2, Math.SQRT1_2],
  gelu_tanh: [
    0.5,
    1,
    2,
    3,
    0.044715,
    Math.sqrt(2 / Math.PI),
    Math.sqrt(2 / Math.PI) * 0.044715,
    2 * Math.sqrt(2 / Math.PI),
  ],
  silu: [1, -1],
  relu6: [0, 6],
  sigmoid: [0, 1, -1],
  tanh: [1, -1, 2, -2],
  hard_sigmoid: [0, 0.5, 1, 3, 6, 1 / 6],
  hard_swish: [0, 0.5, 1, 3, 6, 1 / 6],
};

/** A limit that no float reaches limits nothing. */
const isNoLimit = (value: number): boolean => Math.abs(value) >= 3.4e38;

/** The numbers that a piece of a model is computed with: constants that its nodes read, and floats among their attributes. */
function constantsBetween(m: Matcher, value: string, origin: string): number[] | undefined {
  const found = new Set<number>();
  for (const name of m.between(value, origin)) {
    const constant = m.constant(name);
    // A piece with a table in it is no function of a number, nor is one that depends on sizes.
    if (constant === undefined ? m.isOfSizes(name) : constant.values.length > 1) return undefined;
    if (constant !== undefined) found.add(constant.values[0]);
    for (const attribute of Object.values(m.node(name)?.attributes ?? {}))
      if (typeof attribute === 'object' && 'float' in attribute) found.add(attribute.float);
  }
  return [...found].filter((number) => !isNoLimit(number));
}

/** Numbers that floats hold are meant exactly; others are written with as many digits as floats have. */
const isAmong = (value: number, known: readonly number[]): boolean =>
  known.some((other) =>
    Math.fround(other) === other ? value === other : Math.abs(value - other) <= 1e-6 * Math.abs(other),
  );

const GRID = Array.from({ length: 65 }, (_, i) => (i - 32) / 4 + 0.01);
const FAR = [1e4, -1e4, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];

/** Where functions are compared: a grid, far out, and both sides of every constant. */
const pointsFor = (constants: readonly number[]): number[] =>
  [...GRID, ...FAR, ...constants.flatMap((c) => [c - 1e-2, c + 1e-2, -c - 1e-2, -c + 1e-2])].map(Math.fround);

/** Whether values are those of a function; infinity times 0 is what the order of factors makes of it. */
const isFunction = (name: ActivationFunction, points: readonly number[], values: readonly number[]): boolean =>
  points.every((point, i) => {
    const wanted = FUNCTIONS[name](point);
    if (!Number.isFinite(point) && (Number.isNaN(wanted) || Number.isNaN(values[i]))) return true;
    return wanted === values[i] || Math.abs(wanted - values[i]) <= 1e-5 * Math.max(1, Math.abs(wanted));
  });

const NAMES = Object.keys(FUNCTIONS) as ActivationFunction[];

/**
 * An activation: a piece of a model that computes element by element, all of whose numbers belong to the function, and that agrees with it on both sides of
 * each of them and far out. What is not proven so stays as it is.
 */
export function activation(m: Matcher, node: ForeignNode): Found | undefined {
  const [value] = node.outputs;
  if (!ELEMENTWISE.has(node.op) || !m.isWideFloat(value)) return undefined;
  for (const x of m.origins(value, ({ op }) => ELEMENTWISE.has(op), MOST_STEPS)) {
    const constants = constantsBetween(m, value, x);
    if (constants === undefined) continue;
    const candidates = NAMES.filter((name) => constants.every((constant) => isAmong(constant, CONSTANTS[name])));
    if (candidates.length === 0) continue;
    const points = pointsFor(constants);
    const found = m.compute(value, new Map([[x, { dtype: 'float32', shape: [1, points.length], values: points }]]));
    const match = found && candidates.find((name) => isFunction(name, points, found.values));
    if (match && m.shape(x).join() === m.shape(value).join() && m.isWideFloat(x))
      return { draft: draft('activation', [x], { function: match }) };
  }
  return undefined;
}
