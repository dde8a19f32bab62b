// Networks that are to be trained normalise by the batch, whatever statistics a trained model has gathered.
import type { Graph, Operator } from './graph.js';

/** The graph with batch norms that use the statistics of the batch; parameters that nothing uses any more are gone. */
export function withBatchStatistics(graph: Graph): Graph {
  const operators = graph.operators.map((operator): Operator => {
    if (operator.type !== 'batch_norm') return operator;
    const { weight, bias } = operator.parameters;
    return { ...operator, parameters: { weight, bias } };
  });
  const used = new Set(operators.flatMap(({ parameters }) => Object.values(parameters)));
  return { ...graph, operators, parameters: graph.parameters.filter(({ name }) => used.has(name)) };
}
