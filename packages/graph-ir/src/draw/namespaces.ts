// The parts of a network as paths, out of the names of its operators.
import type { Graph } from '../graph.js';

/** The path in a name such as "layers.0.fc" or "/layers.0/fc/MatMul", without its last part. */
const pathOf = (name: string): string[] =>
  name
    .split(/[./]/)
    .filter((part) => part !== '')
    .slice(0, -1);

/**
 * For each operator, in their order, the path of the part that it belongs to. An operator whose name has none, such as a
 * sum, is in the part that the operator it reads from and one of its readers have in common.
 */
export function namespacesOf({ operators }: Graph): string[][] {
  const producers = new Map<string, number>();
  const readers: number[][] = operators.map(() => []);
  const read = operators.map(({ inputs, outputs }, i) => {
    const places = inputs.flatMap((value) => producers.get(value) ?? []);
    for (const place of places) readers[place].push(i);
    for (const output of outputs) producers.set(output, i);
    return places;
  });
  const own = operators.map(({ name }) => (/[./]/.test(name.replace(/^[./]+/, '')) ? pathOf(name) : undefined));
  const spread = (order: readonly number[], from: readonly number[][]): Array<string[] | undefined> => {
    const paths = [...own];
    for (const i of order)
      paths[i] ??= from[i].map((place) => paths[place]).reduce((most, path) => deeper(most, path), undefined);
    return paths;
  };
  const places = operators.map((_, i) => i);
  const before = spread(places, read);
  const after = spread(places.toReversed(), readers);
  return operators.map((_, i) => own[i] ?? common(before[i] ?? [], after[i] ?? []));
}

const deeper = (a: string[] | undefined, b: string[] | undefined): string[] | undefined =>
  a === undefined || (b !== undefined && b.length > a.length) ? b : a;

function common(a: readonly string[], b: readonly string[]): string[] {
  const differs = a.findIndex((part, i) => part !== b[i]);
  return a.slice(0, differs < 0 ? a.length : differs);
}
