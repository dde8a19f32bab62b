// The way of a foreign model to a graph: what is known is worked out, our operators are found, the rest is kept.
import { type Graph, GraphError } from '../graph.js';
import { assemble, type ImportedModel } from './assemble.js';
import { channelsFirst } from './channels-first.js';
import type { ForeignModel } from './foreign.js';
import { raise } from './raise.js';
import { type ImportOptions, type Settled, settle } from './settle.js';

/** How a format writes models. */
export interface Dialect {
  /** Images have their channels last: what is done to them is turned round. */
  readonly isChannelsLast?: boolean;
}

/** The graph of a foreign model. Throws {@link GraphError} naming the file and the node at fault. */
export function importModel(model: ForeignModel, options: ImportOptions, dialect: Dialect = {}): ImportedModel {
  const turned = dialect.isChannelsLast ? channelsFirst : (settled: Settled): Settled => settled;
  const settled = settle(model, options);
  const sized = withSizes(model, settled, options);
  const result = turned(settled);
  return assemble(result, model.outputs, raise(result, sized === settled ? result : sized && turned(sized)));
}

/** The model with a small number for each size that has a name. Undefined where the model does not work with these. */
function withSizes(model: ForeignModel, settled: Settled, options: ImportOptions): Settled | undefined {
  const names = settled.inputs.flatMap(({ type }) =>
    type.shape.flatMap((size, axis) =>
      typeof size === 'string' ? [{ size, axis, isImage: type.shape.length === 4 }] : [],
    ),
  );
  if (names.length === 0) return settled;
  const dimensions = { ...options.dimensions };
  // Sizes that are all different tell axes apart; images are as large as networks for them often want.
  for (const { size, axis, isImage } of names)
    if (!(size in dimensions))
      dimensions[size] = axis === 0 ? 2 : isImage && axis > 1 ? 64 : 5 + Object.keys(dimensions).length;
  try {
    return settle(model, { ...options, dimensions });
  } catch (error) {
    if (error instanceof GraphError) return undefined;
    throw error;
  }
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
