// Other operators in the place of one.
import { type Graph, GraphError, type Operator, type Parameter } from '../graph.js';
import { checkedName, checkedOperator, checkGraph, checkOptions, parametersOf } from './checked.js';
import { placeOf, reading, rebuild, withParameters } from './rebuild.js';

/**
 * The graph with one operator, or several in their order, in the place of another. Whoever read a result of the old
 * operator reads the result at the same place of the last new one. `parameters` are those that the graph has not yet, or
 * that are to be others than the old operator's of the same name.
 * Throws {@link GraphError} naming the operator at fault where something does not fit.
 */
export function replaceOperator(
  graph: Graph,
  name: string,
  replacement: Operator | readonly Operator[],
  options: { readonly parameters?: readonly Parameter[] } = {},
): Graph {
  checkGraph(graph, 'replaceOperator');
  checkOptions(options, 'replaceOperator', { parameters: parametersOf });
  const { parameters = [] } = options;
  const place = placeOf(graph, checkedName(name, 'replaceOperator'));
  const old = graph.operators[place];
  const given: readonly Operator[] = isList(replacement) ? replacement : [replacement];
  const operators = given.map((operator, i) =>
    checkedOperator(operator, 'replaceOperator', isList(replacement) ? `replacement[${i}]` : 'replacement'),
  );
  const last = operators.at(-1);
  if (last === undefined) throw new GraphError(`nothing is named to replace "${name}"; removeOperator removes it`);
  const instead = (value: string): string => {
    const result = old.outputs.indexOf(value);
    if (result < 0) return value;
    if (last.outputs[result] !== undefined) return last.outputs[result];
    throw new GraphError(`"${last.name}" gives nothing in the place of "${value}", result ${result} of "${name}"`);
  };
  const others = graph.operators.toSpliced(place, 1);
  const shared = new Set(others.flatMap((operator) => Object.values(operator.parameters)));
  const renewed = new Set(parameters.map((parameter) => parameter.name).filter((parameter) => !shared.has(parameter)));
  const kept = { ...graph, parameters: graph.parameters.filter((parameter) => !renewed.has(parameter.name)) };
  return rebuild(graph, {
    operators: others.map((operator) => reading(operator, instead)).toSpliced(place, 0, ...operators),
    outputs: graph.outputs.map(instead),
    parameters: withParameters(kept, place, parameters),
  });
}

/** TypeScript's own check of lists does not know of those that cannot be changed. */
const isList = (replacement: Operator | readonly Operator[]): replacement is readonly Operator[] =>
  Array.isArray(replacement);
