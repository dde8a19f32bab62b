// What callers without a compiler may hand over: each part is what its type says, or it is named in an error.
import { recordOf } from '@logah/files';
import { type Graph, GraphError, type Operator, type Parameter } from '../graph.js';
import { readOperator, readParameter } from '../json.js';
import { Reader, strings } from '../json-reader.js';
import { didYouMean } from '../nearest.js';

/** Throws {@link GraphError} naming the function and the field where a graph is none. */
export function checkGraph(graph: Graph, caller: string): void {
  const reader = new Reader(caller, 'graph', graph);
  reader.field('name').string();
  reader.field('values').record();
  strings(reader.field('inputs'));
  strings(reader.field('outputs'));
  reader.field('parameters').list((parameter) => parameter.field('name').string());
  reader.field('operators').list((operator) => {
    operator.field('name').string();
    operator.field('parameters').record();
    strings(operator.field('inputs'));
    strings(operator.field('outputs'));
  });
}

/** A new operator; parameters and attributes that are left out are none. Throws {@link GraphError} naming the field at fault. */
export function checkedOperator(operator: Operator, caller: string, path = 'operator'): Operator {
  const fields = new Reader(caller, path, operator).record();
  return readOperator(
    new Reader(
      caller,
      path,
      recordOf(Object.entries({ ...fields, parameters: fields.parameters ?? {}, attributes: fields.attributes ?? {} })),
    ),
  );
}

/** A name. Throws {@link GraphError} for what is no text. */
export const checkedName = (name: string, caller: string, path = 'name'): string =>
  new Reader(caller, path, name).string();

/** Options of a function, each read by its reader where it is given. Throws {@link GraphError} for others and for what they cannot be. */
export function checkOptions(
  options: object,
  caller: string,
  known: Readonly<Record<string, (option: Reader) => unknown>>,
): void {
  const reader = new Reader(caller, 'options', options);
  for (const [key, value] of Object.entries(reader.record())) {
    if (!Object.hasOwn(known, key))
      throw new GraphError(
        `${caller} has no option "${key}"; known are ${Object.keys(known).join(', ')}${didYouMean(key, Object.keys(known))}`,
      );
    if (value !== undefined) known[key](reader.field(key));
  }
}

export const aName = (option: Reader): string => option.string();
export const names = (option: Reader): readonly string[] => strings(option);
export const namesByName = (option: Reader): Readonly<Record<string, string>> =>
  option.entries((entry) => entry.string());
export const parametersOf = (option: Reader): readonly Parameter[] => option.list(readParameter);
