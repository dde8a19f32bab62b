// Which weights of a network lie in branches around which its signal goes, too: blocks that begin as if they were not there when such weights are small.
import { type Graph, layerWeights, type Operator } from '@logah/graph-ir';

/** Weights of linear layers and convolutions whose result is added, after nothing but layers of the same branch, to what the branch took. */
export function branchWeights(graph: Graph): Set<string> {
  const consumers = new Map<string, Operator[]>();
  const producers = new Map<string, Operator>();
  for (const operator of graph.operators) {
    for (const input of operator.inputs) consumers.set(input, [...(consumers.get(input) ?? []), operator]);
    for (const output of operator.outputs) producers.set(output, operator);
  }
  const weights = layerWeights(graph);
  return new Set(
    graph.operators.flatMap((operator) => {
      const { weight } = operator.parameters;
      return weight !== undefined && weights.has(weight) && isInBranch(operator, consumers, producers) ? [weight] : [];
    }),
  );
}

function isInBranch(
  operator: Operator,
  consumers: ReadonlyMap<string, readonly Operator[]>,
  producers: ReadonlyMap<string, Operator>,
): boolean {
  let value = operator.outputs[0];
  for (;;) {
    const [next, ...others] = consumers.get(value) ?? [];
    if (next === undefined || others.length > 0) return false;
    if (next.type === 'add')
      return next.inputs.some((input) => input !== value && isBefore(input, operator, producers));
    [value] = next.outputs;
  }
}

/** Whether an operator's result depends on a value. */
function isBefore(value: string, { inputs }: Operator, producers: ReadonlyMap<string, Operator>): boolean {
  const seen = new Set<string>();
  const open = [...inputs];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (at === value) return true;
    if (seen.has(at)) continue;
    seen.add(at);
    open.push(...(producers.get(at)?.inputs ?? []));
  }
  return false;
}
