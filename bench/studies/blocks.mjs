// A transformer's graph in pieces that run one after the other, so that a network can be looked at that no memory holds.
import { forward } from '@logah/network';
import * as tf from '@tensorflow/tfjs-core';

/** The block of a parameter's name in GPT-2 and Llama, from 0; undefined for what stands before and behind them. */
const blockOf = (name) => {
  const match = /^(?:transformer\.h|model\.layers)\.(\d+)\./.exec(name);
  return match === null ? undefined : Number(match[1]);
};

/**
 * The graph as a list of graphs, what one gives being what the next is given: the embeddings, each block, and the last norm with
 * the head. Throws Error where a piece reads more than one value of those before it.
 */
export function piecesOf(graph) {
  const pieces = [];
  let current;
  for (const operator of graph.operators) {
    const [name] = Object.values(operator.parameters);
    const block = name === undefined ? undefined : blockOf(name);
    const isNew =
      name !== undefined &&
      (block === undefined ? pieces.length > 1 && current.block !== undefined : block !== current?.block);
    if (current === undefined || isNew) {
      current = { block, operators: [] };
      pieces.push(current);
    }
    current.operators.push(operator);
  }
  return pieces.map(({ operators }) => {
    const made = new Set(operators.flatMap(({ outputs }) => outputs));
    const inputs = [...new Set(operators.flatMap((operator) => operator.inputs).filter((value) => !made.has(value)))];
    if (inputs.length !== 1)
      throw new Error(`a piece of ${graph.name} should read one value, it reads ${inputs.join(', ')}`);
    const names = new Set(operators.flatMap(({ parameters }) => Object.values(parameters)));
    return {
      ...graph,
      inputs,
      outputs: operators[operators.length - 1].outputs,
      operators,
      parameters: graph.parameters.filter(({ name }) => names.has(name)),
    };
  });
}

const rms = (tensor) => tf.sqrt(tf.mean(tf.square(tensor)));

/**
 * What a piece does to a signal and to a gradient: `output`, which the caller owns, `signal`, the root mean square of the output,
 * and `gradient`, ‖Jᵀg‖ / ‖g‖ for a normal g (only where `hasGradient`; token ids have none).
 */
export function passThrough(piece, parameters, input, { hasGradient, seed = 0 }) {
  const run = (x) => forward(piece, parameters, { [piece.inputs[0]]: x })[0];
  if (!hasGradient) {
    const output = run(input);
    return { output, signal: tf.tidy(() => rms(output).dataSync()[0]) };
  }
  let output;
  let direction;
  const { grad, value } = tf.valueAndGrad((x) => {
    const y = run(x);
    output = tf.keep(y.clone());
    direction = tf.keep(tf.randomNormal(y.shape, 0, 1, 'float32', seed));
    return tf.sum(tf.mul(y, direction));
  })(input);
  const [signal, gradient] = tf.tidy(() => [
    rms(output).dataSync()[0],
    tf.div(tf.norm(grad), tf.norm(direction)).dataSync()[0],
  ]);
  tf.dispose([grad, value, direction]);
  return { output, signal, gradient };
}

/** The tensors of a stream, piece by piece: as soon as all of a piece's are there. Throws Error for a tensor of none, or one out of order. */
export async function* byPiece(pieces, tensors) {
  let at = 0;
  let parameters = {};
  const isWhole = () => pieces[at].parameters.every(({ name }) => name in parameters);
  for await (const { name, shape, data } of tensors) {
    if (!pieces[at]?.parameters.some((parameter) => parameter.name === name))
      throw new Error(`"${name}" comes out of order`);
    parameters[name] = tf.tensor(data, [...shape]);
    if (!isWhole()) continue;
    yield { piece: pieces[at], place: at, parameters };
    tf.dispose(Object.values(parameters));
    parameters = {};
    at += 1;
  }
}
