// Who gives a value and who reads it, past operators that only hand it on.
import type { Graph, Operator, OperatorType } from './graph.js';

/** Operators that hand on the features they read, turned or in another shape. */
export const REARRANGING: readonly OperatorType[] = ['reshape', 'transpose', 'rotary_embedding', 'select'];

/** The operators around a value of a graph. */
export interface Dataflow {
  /** The operator that gives a value, past those of types that hand it on; undefined for an input of the graph. */
  source(value: string, past?: readonly OperatorType[]): Operator | undefined;
  /** The operators that read a value, and at which place among their inputs, past those of types that hand it on. */
  readers(
    value: string,
    past?: readonly OperatorType[],
  ): ReadonlyArray<{ readonly operator: Operator; readonly place: number }>;
}

/** The {@link Dataflow} of a graph; operators that hand a value on are those that only rearrange it, unless others are named. */
export function dataflow(graph: Graph): Dataflow {
  const producers = new Map<string, Operator>();
  const consumers = new Map<string, Operator[]>();
  for (const operator of graph.operators) {
    for (const value of operator.outputs) producers.set(value, operator);
    for (const value of new Set(operator.inputs)) consumers.set(value, [...(consumers.get(value) ?? []), operator]);
  }
  const source: Dataflow['source'] = (value, past = REARRANGING) => {
    const producer = producers.get(value);
    return producer && past.includes(producer.type) ? source(producer.inputs[0], past) : producer;
  };
  const readers: Dataflow['readers'] = (value, past = REARRANGING) =>
    (consumers.get(value) ?? []).flatMap((operator) =>
      past.includes(operator.type)
        ? readers(operator.outputs[0], past)
        : operator.inputs.flatMap((input, place) => (input === value ? [{ operator, place }] : [])),
    );
  return { source, readers };
}
