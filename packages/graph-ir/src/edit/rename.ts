// Other names for what a graph has.
import { own, recordOf } from '@logah/files';
import { type Graph, GraphError, type Operator } from '../graph.js';
import { didYouMean } from '../nearest.js';
import { validate } from '../validate.js';
import { aName, checkGraph, checkOptions, namesByName } from './checked.js';

/** New names by old ones; all take effect at once, so that two can change places. */
export interface Renaming {
  /** Of the graph itself. */
  readonly name?: string;
  readonly operators?: Readonly<Record<string, string>>;
  /** Inputs and outputs of the graph are values. */
  readonly values?: Readonly<Record<string, string>>;
  readonly parameters?: Readonly<Record<string, string>>;
}

/**
 * The graph with other names and nothing else changed.
 * Throws {@link GraphError} for an old name that is not there, and for a new one that two would have or that is empty.
 */
export function renameInGraph(graph: Graph, renaming: Renaming): Graph {
  checkGraph(graph, 'renameInGraph');
  checkOptions(renaming, 'renameInGraph', {
    name: aName,
    operators: namesByName,
    values: namesByName,
    parameters: namesByName,
  });
  const operator = renamer(
    graph,
    'operator',
    renaming.operators,
    graph.operators.map(({ name }) => name),
  );
  const value = renamer(graph, 'value', renaming.values, Object.keys(graph.values));
  const parameter = renamer(
    graph,
    'parameter',
    renaming.parameters,
    graph.parameters.map(({ name }) => name),
  );
  const renamed: Graph = {
    name: renaming.name ?? graph.name,
    inputs: graph.inputs.map(value),
    outputs: graph.outputs.map(value),
    operators: graph.operators.map(
      (old): Operator => ({
        ...old,
        name: operator(old.name),
        inputs: old.inputs.map(value),
        outputs: old.outputs.map(value),
        parameters: recordOf(Object.entries(old.parameters).map(([role, name]) => [role, parameter(name)])),
      }),
    ),
    values: recordOf(Object.entries(graph.values).map(([name, type]) => [value(name), type])),
    parameters: graph.parameters.map((old) => ({ ...old, name: parameter(old.name) })),
  };
  validate(renamed);
  return renamed;
}

/** Gives the new name for an old one. Throws {@link GraphError} where it would be ambiguous or names nothing. */
function renamer(
  graph: Graph,
  kind: string,
  names: Readonly<Record<string, string>> = {},
  known: readonly string[],
): (name: string) => string {
  const all = new Set(known);
  const unknown = Object.keys(names).find((name) => !all.has(name));
  if (unknown !== undefined)
    throw new GraphError(`graph "${graph.name}" has no ${kind} "${unknown}"${didYouMean(unknown, known)}`);
  const rename = (name: string): string => own(names, name) ?? name;
  const taken = new Set<string>();
  for (const name of all) {
    const renamed = rename(name);
    if (renamed === '' && name !== '')
      throw new GraphError(`graph "${graph.name}": the ${kind} "${name}" would have no name`);
    if (taken.has(renamed)) throw new GraphError(`graph "${graph.name}": two ${kind}s would be named "${renamed}"`);
    taken.add(renamed);
  }
  return rename;
}
