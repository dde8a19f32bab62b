// Whether a network can take the samples of a data set, and answers for each of their classes or tokens.
import type { Graph, Operator } from '@logah/graph-ir';

/** What samples are like: square pictures of so many pixels a side, or blocks of `context` tokens. */
export type SampleKind =
  | { readonly kind: 'images'; readonly classes: number; readonly image: number }
  | { readonly kind: 'text'; readonly vocab: number; readonly context: number };

/** In what a network and samples do not fit, and what would, in a sentence; undefined where they fit. */
export function misfitOf(graph: Graph, samples: SampleKind): string | undefined {
  const [input, output] = [graph.values[graph.inputs[0]].shape, graph.values[graph.outputs[0]].shape];
  const answers = output[output.length - 1];
  const [wanted, word, option] =
    samples.kind === 'images' ? [samples.classes, 'classes', 'classes'] : [samples.vocab, 'tokens', 'vocab'];
  if (answers !== wanted)
    return `the network answers for ${answers} ${word}, but the data has ${wanted}: use ${option}=${wanted}`;
  if (samples.kind === 'images') {
    const sizes = input.slice(1).filter((size) => typeof size === 'number');
    return sizes.join() === [3, samples.image, samples.image].join()
      ? undefined
      : `the network takes images of ${sizes.join('×')}, but the data has 3×${samples.image}×${samples.image}: use image=${samples.image}`;
  }
  const { vocab, context } = samples;
  const known = rowsOf(graph, (value) => value === graph.inputs[0]);
  if (known < vocab) return `the network knows ${known} tokens, but the data has ${vocab}`;
  const time = input[1];
  if (typeof time === 'number' && time !== context)
    return `the network takes ${time} tokens at a time, but the blocks of the data have ${context}: use blocks of ${time}`;
  const places = rowsOf(graph, (_, maker) => maker?.type === 'positions');
  if (places < context)
    return `the network has a context of ${places} tokens, but the blocks of the data have ${context}: use context=${context}, or blocks of ${places} at most`;
  return undefined;
}

/** Rows of the smallest embedding whose indices are such a value, with the operator that makes it, as it is or shifted. */
function rowsOf(
  { operators, parameters }: Graph,
  isMeant: (value: string, maker: Operator | undefined) => boolean,
): number {
  const makers = new Map(operators.flatMap((operator) => operator.outputs.map((value) => [value, operator])));
  const rows = operators.flatMap((operator) => {
    if (operator.type !== 'embedding') return [];
    const [indices] = operator.inputs;
    const last = makers.get(indices);
    const shift = last === undefined ? 0 : shiftOf(last);
    const value = last !== undefined && shift > 0 ? last.inputs[0] : indices;
    const table = parameters.find(({ name }) => name === operator.parameters.weight);
    return table !== undefined && isMeant(value, makers.get(value)) ? [table.shape[0] - shift] : [];
  });
  return Math.min(...rows);
}

/** What an operator adds to indices, as RoBERTa does to positions; 0 for one that does something else. */
function shiftOf(operator: Operator): number {
  if (operator.type !== 'onnx' || operator.attributes.operator !== 'Add') return 0;
  const [first, second] = operator.attributes.operands;
  return first === 'input' && typeof second === 'object' && second.values.length === 1 ? second.values[0] : 0;
}
