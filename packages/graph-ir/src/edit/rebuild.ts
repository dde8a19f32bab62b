// What all changes end with: types that follow from the new operators, and nothing left over.
import { own, recordOf } from '@logah/files';
import { type Graph, GraphError, type Operator, type Parameter, type TensorType } from '../graph.js';
import { didYouMean } from '../nearest.js';
import { inferOutputs, validate } from '../validate.js';

/** What a graph is changed to; what is not given stays. */
export interface Changes {
  readonly name?: string;
  readonly inputs?: readonly string[];
  readonly outputs?: readonly string[];
  readonly operators?: readonly Operator[];
  /** Those that no operator uses are left out. */
  readonly parameters?: readonly Parameter[];
}

/**
 * The changed graph. Shapes are inferred anew from the inputs on; values and parameters keep their order, new values come last.
 * Throws {@link GraphError} naming the operator or value at fault.
 */
export function rebuild(graph: Graph, changes: Changes): Graph {
  const changed = { ...graph, ...changes };
  const shapes = new Map(changed.parameters.map(({ name, shape }) => [name, shape]));
  const types = new Map<string, TensorType>();
  for (const input of changed.inputs) types.set(input, typeIn(graph, input));
  for (const operator of changed.operators) {
    const inferred = inferOutputs(
      operator,
      (value) => types.get(value),
      (parameter) => shapes.get(parameter),
    );
    operator.outputs.forEach((value, i) => {
      if (types.has(value))
        throw new GraphError(`graph "${graph.name}": two operators or inputs give the value "${value}"`);
      types.set(value, asDeclared(own(graph.values, value), inferred[i]));
    });
  }
  const order = [...Object.keys(graph.values).filter((value) => types.has(value)), ...types.keys()];
  const used = new Set(changed.operators.flatMap(({ parameters }) => Object.values(parameters)));
  const result: Graph = {
    ...changed,
    values: recordOf(order.flatMap((value) => entry(value, types.get(value)))),
    parameters: changed.parameters.filter(({ name }) => used.has(name)),
  };
  validate(result);
  return result;
}

const entry = (value: string, type: TensorType | undefined): Array<[string, TensorType]> =>
  type === undefined ? [] : [[value, type]];

/** A value that is what it was keeps what else was known of it: its elements' type in the model that it is from. */
const asDeclared = (declared: TensorType | undefined, inferred: TensorType): TensorType =>
  declared?.dtype === inferred.dtype && declared.shape.join() === inferred.shape.join() ? declared : inferred;

/** The type of a value. Throws {@link GraphError} for a name that no value has. */
export function typeIn({ name, values }: Graph, value: string): TensorType {
  const type = own(values, value);
  if (type !== undefined) return type;
  throw new GraphError(`graph "${name}" has no value "${value}"${didYouMean(value, Object.keys(values))}`);
}

/** Where an operator is in the graph's list. Throws {@link GraphError} for a name that no operator has. */
export function placeOf({ name, operators }: Graph, operator: string): number {
  const place = operators.findIndex((candidate) => candidate.name === operator);
  if (place >= 0) return place;
  const known = operators.map((candidate) => candidate.name);
  throw new GraphError(`graph "${name}" has no operator "${operator}"${didYouMean(operator, known)}`);
}

/** The operator with other values in the place of some that it reads. */
export const reading = (operator: Operator, instead: (value: string) => string): Operator => ({
  ...operator,
  inputs: operator.inputs.map(instead),
});

/** The graph's parameters and new ones, which come after those that the operators before a place use. */
export function withParameters({ operators, parameters }: Graph, place: number, added: readonly Parameter[]) {
  const before = new Set(operators.slice(0, place).flatMap((operator) => Object.values(operator.parameters)));
  const at = parameters.findLastIndex(({ name }) => before.has(name)) + 1;
  return parameters.toSpliced(at, 0, ...added);
}
