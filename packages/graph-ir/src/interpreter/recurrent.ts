// The recurrent operators of ONNX: plain, gated, and with long short-term memory.
import { fit } from '../element-types.js';
import { integer, real, text } from '../onnx-attributes.js';
import { sigmoid } from './functions.js';
import { type Choices, type Operation, operand, type Rule, type Rules } from './operation.js';
import { exactTensor, fail, shown, type Tensor, transposed } from './tensor.js';

type Activation = (x: number) => number;

/** ONNX's activations by lower-case name, with their defaults of alpha and beta. */
const ACTIVATIONS: ReadonlyMap<
  string,
  { readonly alpha: number; readonly beta: number; readonly of: (alpha: number, beta: number) => Activation }
> = new Map([
  ['relu', { alpha: 0, beta: 0, of: () => (x: number) => Math.max(x, 0) }],
  ['tanh', { alpha: 0, beta: 0, of: () => Math.tanh }],
  ['sigmoid', { alpha: 0, beta: 0, of: () => sigmoid }],
  ['affine', { alpha: 1, beta: 0, of: (a: number, b: number) => (x: number) => a * x + b }],
  ['leakyrelu', { alpha: 0.01, beta: 0, of: (a: number) => (x: number) => (x < 0 ? a * x : x) }],
  ['thresholdedrelu', { alpha: 1, beta: 0, of: (a: number) => (x: number) => (x >= a ? x : 0) }],
  ['scaledtanh', { alpha: 1, beta: 1, of: (a: number, b: number) => (x: number) => a * Math.tanh(b * x) }],
  [
    'hardsigmoid',
    { alpha: 0.2, beta: 0.5, of: (a: number, b: number) => (x: number) => Math.min(Math.max(a * x + b, 0), 1) },
  ],
  ['elu', { alpha: 1, beta: 0, of: (a: number) => (x: number) => (x < 0 ? a * Math.expm1(x) : x) }],
  ['softsign', { alpha: 0, beta: 0, of: () => (x: number) => x / (1 + Math.abs(x)) }],
  ['softplus', { alpha: 0, beta: 0, of: () => (x: number) => Math.log1p(Math.exp(x)) }],
]);

const KNOWN = [...ACTIVATIONS.keys()];

export const RECURRENT_CHOICES: Choices = {
  GRU: { activations: KNOWN, clip: [] },
  LSTM: { activations: KNOWN },
  RNN: { activations: KNOWN, clip: [] },
};

/** The activations of a node, as many for each direction as it has gates for; those that are not named are the usual ones. */
function activationsOf(operation: Operation, usual: readonly string[], directions: number): Activation[] {
  const { activations, activation_alpha: alphas, activation_beta: betas } = operation.attributes;
  const names =
    typeof activations === 'object' && 'strings' in activations && activations.strings.length > 0
      ? activations.strings
      : Array.from({ length: directions }, () => usual).flat();
  const floats = (value: typeof alphas): readonly number[] =>
    typeof value === 'object' && 'floats' in value ? value.floats : [];
  return names.map((name, i) => {
    const found = ACTIVATIONS.get(name.toLowerCase());
    if (found === undefined)
      return fail(`has the activation "${name}"; known are ${[...ACTIVATIONS.keys()].join(', ')}`);
    return found.of(floats(alphas)[i] ?? found.alpha, floats(betas)[i] ?? found.beta);
  });
}

interface Step {
  /** Of one sequence at one time: what its gates get from the input. */
  readonly input: Float64Array;
  readonly state: Float64Array;
  readonly cell: Float64Array;
  readonly weights: Weights;
  readonly activations: readonly Activation[];
}

interface Weights {
  /** The product of the recurrence's rows from `gate` on with a state. */
  readonly recur: (gate: number, state: Float64Array) => Float64Array;
  /** Biases of the recurrence for a gate. */
  readonly bias: (gate: number, i: number) => number;
  readonly peephole: (gate: number, i: number) => number;
}

interface Cell {
  readonly gates: number;
  readonly usual: readonly string[];
  readonly hasCell: boolean;
  /** The next state and cell. */
  readonly step: (step: Step, operation: Operation) => readonly [state: Float64Array, cell: Float64Array];
}

const map = (length: number, of: (i: number) => number): Float64Array => Float64Array.from({ length }, (_, i) => of(i));

const CELLS: Readonly<Record<'RNN' | 'GRU' | 'LSTM', Cell>> = {
  RNN: {
    gates: 1,
    usual: ['Tanh'],
    hasCell: false,
    step: ({ input, state, cell, weights, activations: [f] }) => {
      const turned = weights.recur(0, state);
      return [map(state.length, (i) => f(input[i] + turned[i] + weights.bias(0, i))), cell];
    },
  },
  GRU: {
    gates: 3,
    usual: ['Sigmoid', 'Tanh'],
    hasCell: false,
    step: ({ input, state, cell, weights, activations: [f, g] }, operation) => {
      const size = state.length;
      const [forUpdate, forReset] = [weights.recur(0, state), weights.recur(1, state)];
      const update = map(size, (i) => f(input[i] + forUpdate[i] + weights.bias(0, i)));
      const reset = map(size, (i) => f(input[size + i] + forReset[i] + weights.bias(1, i)));
      // Where the reset comes after the product it takes the bias with it.
      const isAfter = integer(operation, 'linear_before_reset', 0) !== 0;
      const turned = weights.recur(2, isAfter ? state : map(size, (i) => reset[i] * state[i]));
      const hidden = map(size, (i) =>
        g(
          input[2 * size + i] +
            (isAfter ? reset[i] * (turned[i] + weights.bias(2, i)) : turned[i] + weights.bias(2, i)),
        ),
      );
      return [map(size, (i) => (1 - update[i]) * hidden[i] + update[i] * state[i]), cell];
    },
  },
  LSTM: {
    gates: 4,
    usual: ['Sigmoid', 'Tanh', 'Tanh'],
    hasCell: true,
    step: ({ input, state, cell, weights, activations: [f, g, h] }, operation) => {
      const size = state.length;
      const [forInput, forOutput, forForget, forCell] = [0, 1, 2, 3].map((gate) => weights.recur(gate, state));
      const gate = (place: number, turned: Float64Array, i: number): number =>
        input[place * size + i] + turned[i] + weights.bias(place, i);
      const limit = real(operation, 'clip', Number.POSITIVE_INFINITY);
      const clipped = (x: number): number => Math.min(Math.max(x, -limit), limit);
      const into = map(size, (i) => f(clipped(gate(0, forInput, i) + weights.peephole(0, i) * cell[i])));
      const forget =
        integer(operation, 'input_forget', 0) !== 0
          ? into.map((value) => 1 - value)
          : map(size, (i) => f(clipped(gate(2, forForget, i) + weights.peephole(2, i) * cell[i])));
      const next = map(size, (i) => forget[i] * cell[i] + into[i] * g(clipped(gate(3, forCell, i))));
      const out = map(size, (i) => f(clipped(gate(1, forOutput, i) + weights.peephole(1, i) * next[i])));
      return [map(size, (i) => out[i] * h(next[i])), next];
    },
  },
};

/** All states, the last ones, and for an LSTM the last cells. */
const recurrent =
  (kind: keyof typeof CELLS): Rule =>
  (operation) => {
    const { gates, usual, hasCell, step } = CELLS[kind];
    const isBatchFirst = integer(operation, 'layout', 0) === 1;
    const [given, w, r] = [operand(operation, 0), operand(operation, 1), operand(operation, 2)];
    const [b, lengths] = [operation.operands[3], operation.operands[4]];
    const swap = (tensor: Tensor | undefined): Tensor | undefined =>
      tensor && isBatchFirst ? transposed(tensor, [1, 0, 2]) : tensor;
    const x = swap(given) ?? given;
    const [firstState, firstCell] = [swap(operation.operands[5]), hasCell ? swap(operation.operands[6]) : undefined];
    const peepholes = hasCell ? operation.operands[7] : undefined;
    const [time, batch, features] = x.shape;
    const [directions, , hidden] = r.shape;
    if (w.shape.join() !== [directions, gates * hidden, features].join())
      return fail(`W ${shown(w.shape)} should be ${shown([directions, gates * hidden, features])}`);
    if (kind !== 'LSTM' && 'clip' in operation.attributes) return fail('clips, which cannot be run');
    const direction = text(operation, 'direction', 'forward');
    const activations = activationsOf(operation, usual, directions);
    const all = new Float64Array(time * directions * batch * hidden);
    const [lastStates, lastCells] = [
      new Float64Array(directions * batch * hidden),
      new Float64Array(directions * batch * hidden),
    ];
    for (let d = 0; d < directions; d++) {
      const isReversed = direction === 'reverse' || d === 1;
      const biasAt = (place: number): number => b?.values[d * 2 * gates * hidden + place] ?? 0;
      const weights: Weights = {
        recur: (gate, state) =>
          map(hidden, (i) => {
            const from = (d * gates * hidden + gate * hidden + i) * hidden;
            let sum = 0;
            for (let k = 0; k < hidden; k++) sum += r.values[from + k] * state[k];
            return sum;
          }),
        bias: (gate, i) => biasAt((gates + gate) * hidden + i),
        peephole: (gate, i) => peepholes?.values[(d * 3 + gate) * hidden + i] ?? 0,
      };
      for (let n = 0; n < batch; n++) {
        const start = (d * batch + n) * hidden;
        let state = map(hidden, (i) => firstState?.values[start + i] ?? 0);
        let cell = map(hidden, (i) => firstCell?.values[start + i] ?? 0);
        const length = lengths?.values[n] ?? time;
        for (let s = 0; s < length; s++) {
          const t = isReversed ? length - 1 - s : s;
          const input = map(gates * hidden, (row) => {
            let sum = biasAt(row);
            for (let k = 0; k < features; k++)
              sum += x.values[(t * batch + n) * features + k] * w.values[(d * gates * hidden + row) * features + k];
            return sum;
          });
          const own = activations.slice(d * usual.length, (d + 1) * usual.length);
          [state, cell] = step({ input, state, cell, weights, activations: own }, operation);
          for (let i = 0; i < hidden; i++) all[((t * directions + d) * batch + n) * hidden + i] = fit(state[i], x.type);
        }
        lastStates.set(state, start);
        lastCells.set(cell, start);
      }
    }
    const states = exactTensor(x.type, [time, directions, batch, hidden], all);
    const ends = [lastStates, lastCells].map((values) =>
      exactTensor(
        x.type,
        [directions, batch, hidden],
        values.map((value) => fit(value, x.type)),
      ),
    );
    const results = isBatchFirst
      ? [transposed(states, [2, 0, 1, 3]), ...ends.map((end) => transposed(end, [1, 0, 2]))]
      : [states, ...ends];
    return hasCell ? results : results.slice(0, 2);
  };

export const RECURRENT: Rules = { GRU: recurrent('GRU'), LSTM: recurrent('LSTM'), RNN: recurrent('RNN') };
