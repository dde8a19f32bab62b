// Who gives a value and who reads it, past operators that only hand it on.
import type { Graph, Operator } from './graph.js';

/** Operators that hand on the features they read, turned or in another shape. */
const PASSES: ReadonlySet<Operator['type']> = new Set(['reshape', 'transpose', 'rotary_embedding', 'select']);

/** The operators around a value of a graph. */
export interface Dataflow {
  /** The operator that gives a value, past those that hand it on; undefined for an input of the graph. */
  source(value: string): Operator | undefined;
  /** The operators that read a value, and at which place among their inputs, past those that hand it on. */
  readers(value: string): ReadonlyArray<{ readonly operator: Operator; readonly place: number }>;
}

/** The {@link Dataflow} of a graph. */
export function dataflow(graph: Graph): Dataflow {
  const producers = new Map<string, Operator>();
  const consumers = new Map<string, Operator[]>();
  for (const operator of graph.operators) {
    for (const value of operator.outputs) producers.set(value, operator);
    for (const value of new Set(operator.inputs)) consumers.set(value, [...(consumers.get(value) ?? []), operator]);
  }
  const source = (value: string): Operator | undefined => {
    const producer = producers.get(value);
    return producer && PASSES.has(producer.type) ? source(producer.inputs[0]) : producer;
  };
  const readers: Dataflow['readers'] = (value) =>
    (consumers.get(value) ?? []).flatMap((operator) =>
      PASSES.has(operator.type)
        ? readers(operator.outputs[0])
        : operator.inputs.flatMap((input, place) => (input === value ? [{ operator, place }] : [])),
    );
  return { source, readers };
}
