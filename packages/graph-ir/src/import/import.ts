// The way of a foreign model to a graph: what is known is worked out, our operators are found, the rest is kept.
import { recordOf } from '@logah/files';
import { type Graph, GraphError } from '../graph.js';
import { assemble, type ImportedModel } from './assemble.js';
import { channelsFirst } from './channels-first.js';
import type { ForeignModel } from './foreign.js';
import { naming } from './order.js';
import { raise } from './raise.js';
import { type ImportOptions, type Settled, settle } from './settle.js';

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
  // Sizes that are all different, from each other and from those that are fixed, tell axes apart; images are as large as networks for them often want.
  const fixed = settled.inputs.flatMap(({ type }) => type.shape.filter((size) => typeof size === 'number'));
  const choose = (areSquare: boolean): Record<string, number> => {
    const dimensions = recordOf(Object.entries(options.dimensions ?? {}));
    const taken = new Set<number>(fixed);
    let next = 5;
    for (const { size, axis, isImage } of names) {
      if (size in dimensions) continue;
      if (axis === 0 && !taken.has(2)) dimensions[size] = 2;
      else if (isImage && axis > 1) dimensions[size] = axis === 2 || areSquare ? 64 : 96;
      else {
        while (taken.has(next)) next++;
        dimensions[size] = next;
      }
      if (!isImage) taken.add(dimensions[size]);
    }
    return dimensions;
  };
  return withDimensions(model, options, choose(false)) ?? withDimensions(model, options, choose(true));
}

function withDimensions(
  model: ForeignModel,
  options: ImportOptions,
  dimensions: Readonly<Record<string, number>>,
): Settled | undefined {
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
