// A new operator in a graph.
import { type Graph, GraphError, type Operator, type Parameter } from '../graph.js';
import { aName, checkedOperator, checkGraph, checkOptions, parametersOf } from './checked.js';
import { reading, rebuild, typeIn, withParameters } from './rebuild.js';

export interface Insertion {
  /** Those of the operator's parameters that the graph has not yet. */
  readonly parameters?: readonly Parameter[];
  /**
   * A value: whoever reads it, and the graph's outputs where it is one, gets the operator's first result in its place.
   * Without it nobody reads what the operator gives.
   */
  readonly insteadOf?: string;
}

/**
 * The graph with one more operator, which runs as early as it can; from JavaScript, parameters and attributes may be left out where it has none.
 * Throws {@link GraphError} naming the operator where it does not fit: a value it reads, a shape, a name that is taken.
 *
 * @example
 * const norm = { name: 'norm', type: 'layer_norm', inputs: ['fc1'], outputs: ['norm'], … } as const;
 * insertOperator(graph, norm, { parameters: [weight, bias], insteadOf: 'fc1' });
 */
export function insertOperator(graph: Graph, inserted: Operator, options: Insertion = {}): Graph {
  checkGraph(graph, 'insertOperator');
  const operator = checkedOperator(inserted, 'insertOperator');
  checkOptions(options, 'insertOperator', { parameters: parametersOf, insteadOf: aName });
  const { parameters = [], insteadOf } = options;
  const read = new Set(operator.inputs);
  const place = graph.operators.findLastIndex(({ outputs }) => outputs.some((value) => read.has(value))) + 1;
  const [result] = operator.outputs;
  if (insteadOf !== undefined) {
    typeIn(graph, insteadOf);
    const early = graph.operators.slice(0, place).find(({ inputs }) => inputs.includes(insteadOf));
    if (early !== undefined)
      throw new GraphError(
        `${operator.type} "${operator.name}": reads what is given only after "${early.name}" reads "${insteadOf}", whose place it is to take`,
      );
  }
  const instead = (value: string): string => (value === insteadOf ? result : value);
  return rebuild(graph, {
    operators: graph.operators.map((other) => reading(other, instead)).toSpliced(place, 0, operator),
    outputs: graph.outputs.map(instead),
    parameters: withParameters(graph, place, parameters),
  });
}
