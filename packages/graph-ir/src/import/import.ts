// The way of a foreign model to a graph: what is known is worked out, our operators are found, the rest is kept.
import type { Graph } from '../graph.js';
import { assemble, type ImportedModel } from './assemble.js';
import { channelsFirst } from './channels-first.js';
import type { ForeignModel } from './foreign.js';
import { naming } from './order.js';
import { raise } from './raise.js';
import { type ImportOptions, type Settled, settle } from './settle.js';
import { withSizes } from './sizes.js';

/** How a format writes models. */
export interface Dialect {
  /** Images have their channels last: what is done to them is turned round. */
  readonly isChannelsLast?: boolean;
}

/** The graph of a foreign model. Throws {@link GraphError} naming the file and the node at fault. */
export function importModel(model: ForeignModel, options: ImportOptions, dialect: Dialect = {}): ImportedModel {
  return naming(model.source, 'the model', () => imported(model, options, dialect));
}

function imported(model: ForeignModel, options: ImportOptions, dialect: Dialect): ImportedModel {
  const turned = dialect.isChannelsLast ? channelsFirst : (settled: Settled): Settled => settled;
  const settled = settle(model, options);
  const result = turned(settled);
  return assemble(
    result,
    model.outputs,
    raise(
      result,
      withSizes(model, settled, options, (other) => (other === settled ? result : turned(other))),
    ),
  );
}

export interface KeptOperator {
  /** Its name in ONNX. */
  readonly operator: string;
  readonly count: number;
}

/** The ONNX operators that a graph keeps since it has no operator of its own for them, the most frequent first. */
export function keptOperators(graph: Graph): KeptOperator[] {
  const counts = new Map<string, number>();
  for (const operator of graph.operators)
    if (operator.type === 'onnx')
      counts.set(operator.attributes.operator, (counts.get(operator.attributes.operator) ?? 0) + 1);
  return [...counts].map(([operator, count]) => ({ operator, count })).sort((a, b) => b.count - a.count);
}
