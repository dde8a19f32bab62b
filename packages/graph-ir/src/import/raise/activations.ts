// Activations, recognised by what they do to numbers: however an exporter writes GELU, it is GELU.
import type { ActivationFunction } from '../../graph.js';
import { draft, type Found } from '../draft.js';
import type { ForeignNode } from '../foreign.js';
import { gelu, geluTanh, sigmoid } from '../functions.js';
import { agree, type Matcher } from '../matcher.js';

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

const POINTS = Array.from({ length: 65 }, (_, i) => Math.fround((i - 32) / 4 + 0.01));
const EXPECTED = Object.entries(FUNCTIONS).map(([name, apply]) => ({
  name: name as ActivationFunction,
  values: POINTS.map(apply),
}));

export function activation(m: Matcher, node: ForeignNode): Found | undefined {
  const [value] = node.outputs;
  if (!ELEMENTWISE.has(node.op) || m.type(value).dtype !== 'float32') return undefined;
  if (node.op === 'HardSwish') return { draft: draft('activation', node.inputs, { function: 'hard_swish' }) };
  const points = { dtype: 'float32' as const, shape: [1, POINTS.length], values: POINTS };
  for (const x of m.origins(value, ({ op }) => ELEMENTWISE.has(op), MOST_STEPS)) {
    const found = m.compute(value, new Map([[x, points]]));
    const match = found && EXPECTED.find(({ values }) => agree(found.values, values, 1e-5));
    if (match && m.shape(x).join() === m.shape(value).join())
      return { draft: draft('activation', [x], { function: match.name }) };
  }
  return undefined;
}
