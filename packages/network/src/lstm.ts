// The LSTM of ONNX with its usual activations: gates in the order input, output, forget, cell.
import { GraphError } from '@logah/graph-ir';
import * as tf from '@tensorflow/tfjs-core';

interface LstmOptions {
  readonly hidden: number;
  readonly direction: string;
}

/**
 * Operands x `[time, batch, features]`, W `[directions, 4 hidden, features]`, R `[directions, 4 hidden, hidden]` and optionally B `[directions, 8 hidden]`,
 * none, and first states `[directions, batch, hidden]`. Returns all states `[time, directions, batch, hidden]`, the last state and the last cell.
 */
export function lstm(
  [x, w, r, b, , firstState, firstCell]: ReadonlyArray<tf.Tensor | undefined>,
  { hidden, direction }: LstmOptions,
): tf.Tensor[] {
  if (x === undefined || w === undefined || r === undefined) throw new GraphError('x, W or R is missing');
  const [time, batch] = x.shape;
  const isReversed = (i: number): boolean => direction === 'reverse' || i === 1;
  const rows = (tensor: tf.Tensor, i: number): tf.Tensor => tf.squeeze(tf.slice(tensor, i, 1), [0]);
  const runs = Array.from({ length: w.shape[0] }, (_, i) => {
    const recurrence = rows(r, i);
    const bias = b && tf.add(...(tf.split(rows(b, i), 2) as [tf.Tensor, tf.Tensor]));
    // One product for all times.
    const product = tf.matMul(tf.reshape(x, [time * batch, -1]), rows(w, i), false, true);
    const gatesOf = tf.reshape(bias ? tf.add(product, bias) : product, [time, batch, 4 * hidden]);
    let state = firstState ? rows(firstState, i) : tf.zeros([batch, hidden]);
    let cell = firstCell ? rows(firstCell, i) : tf.zeros([batch, hidden]);
    const states = new Array<tf.Tensor>(time);
    for (let step = 0; step < time; step++) {
      const t = isReversed(i) ? time - 1 - step : step;
      const gates = tf.add(rows(gatesOf, t), tf.matMul(state, recurrence, false, true));
      const [input, output, forget, candidate] = tf.split(gates, 4, 1);
      cell = tf.add(tf.mul(tf.sigmoid(forget), cell), tf.mul(tf.sigmoid(input), tf.tanh(candidate)));
      state = tf.mul(tf.sigmoid(output), tf.tanh(cell));
      states[t] = state;
    }
    return { all: tf.stack(states), state, cell };
  });
  return [
    tf.stack(
      runs.map(({ all }) => all),
      1,
    ),
    tf.stack(runs.map(({ state }) => state)),
    tf.stack(runs.map(({ cell }) => cell)),
  ];
}
