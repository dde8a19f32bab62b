// Nodes in an order in which they can run.
import { GraphError } from '../graph.js';
import type { ForeignBody, ForeignNode } from './foreign.js';

/**
 * The nodes, each after those whose results it reads; otherwise in their own order. `given` are the names that exist before any node runs.
 * Throws {@link GraphError} naming a value that nothing gives, that two nodes give, or a node on a cycle.
 */
export function inOrder(nodes: readonly ForeignNode[], given: ReadonlySet<string>, source: string): ForeignNode[] {
  const producers = new Map<string, number>();
  nodes.forEach((node, i) => {
    for (const output of node.outputs) {
      if (output === '') continue;
      if (producers.has(output) || given.has(output))
        throw new GraphError(`${source}: the value "${output}" is given twice`);
      producers.set(output, i);
    }
  });
  const readers: number[][] = nodes.map(() => []);
  const waiting = nodes.map((node, i) => {
    const from = new Set<number>();
    for (const name of reads(node)) {
      const producer = producers.get(name);
      if (producer !== undefined) from.add(producer);
      else if (!given.has(name)) throw new GraphError(`${source}: ${label(node)} reads "${name}", which nothing gives`);
    }
    for (const producer of from) readers[producer].push(i);
    return from.size;
  });
  // A heap would be faster for huge models; the next node in the file's own order nearly always can run.
  const ready = nodes.flatMap((_, i) => (waiting[i] === 0 ? [i] : []));
  const order: number[] = [];
  for (let head = 0; head < ready.length; head++) {
    order.push(ready[head]);
    for (const reader of readers[ready[head]]) if (--waiting[reader] === 0) ready.push(reader);
  }
  if (order.length < nodes.length) {
    const stuck = nodes.find((_, i) => waiting[i] > 0);
    throw new GraphError(`${source}: ${stuck ? label(stuck) : 'a node'} waits for itself: the graph has a cycle`);
  }
  return isSorted(nodes, producers) ? [...nodes] : order.map((i) => nodes[i]);
}

/** Files mostly list nodes as they run; that order reads best. */
const isSorted = (nodes: readonly ForeignNode[], producers: ReadonlyMap<string, number>): boolean =>
  nodes.every((node, i) => [...reads(node)].every((name) => (producers.get(name) ?? -1) < i));

/**
 * What `run` gives; an error that does not name the file yet gets its name and the node's, which is {@link label} or one
 * like it. What translates a node takes for granted that it has the operands and attributes of its operator: where it
 * has not, the error of the language becomes one that names the node.
 */
export function naming<T>(source: string, node: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof GraphError && !error.message.startsWith(source))
      throw new GraphError(`${source}: ${node}: ${error.message}`, { cause: error });
    if (error instanceof TypeError || error instanceof RangeError) {
      throw new GraphError(`${source}: ${node} is damaged: its operands or attributes are not those of its operator`, {
        cause: error,
      });
    }
    throw error;
  }
}

/** The name of a node in messages. */
export const label = ({ op, name, outputs }: ForeignNode): string => `${op} "${name || (outputs[0] ?? '')}"`;

/** The names that a node and the graphs within it read from outside. */
export function* reads({ inputs, bodies, captures }: ForeignNode): Generator<string> {
  for (const input of inputs) if (input !== '') yield input;
  if (captures !== undefined) {
    for (const { value } of captures) yield value;
    return;
  }
  for (const body of Object.values(bodies ?? {})) yield* captured(body);
}

/** The names that a graph within a node reads from around it. */
export function* captured({ nodes, outputs, tensors, parameters = [] }: ForeignBody): Generator<string> {
  const own = new Set([...parameters, ...tensors.keys(), ...nodes.flatMap((node) => node.outputs)]);
  for (const node of nodes) for (const name of reads(node)) if (!own.has(name)) yield name;
  for (const output of outputs) if (!own.has(output)) yield output;
}
