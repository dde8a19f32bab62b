// Where the projections of every attention layer are among a network's parameters, packed in one matrix or apart.
import { dataflow, type Graph, type Operator, type OperatorOf } from '@logah/graph-ir';
import { InitializationError } from './error.js';

/** Consecutive rows of a linear layer's weight, seen as `[out, in]` however it is stored. */
export interface WeightRows {
  readonly parameter: string;
  readonly layout: OperatorOf<'linear'>['attributes']['layout'];
  /** The first row, how many there are, and how many the whole weight has. */
  readonly first: number;
  readonly count: number;
  readonly total: number;
  /** Columns: the features that the layer reads. */
  readonly inputs: number;
}

/** One attention layer: rows of its heads follow each other in query, key and value. */
export interface AttentionLayer {
  readonly name: string;
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly isCausal: boolean;
  readonly query: WeightRows;
  readonly key: WeightRows;
  readonly value: WeightRows;
  /** The projection behind it, all of whose rows are meant; undefined where no linear layer follows. */
  readonly out: WeightRows | undefined;
}

/**
 * The attention layers of a graph in their order, none for a graph without attention.
 * Throws {@link InitializationError} naming a layer whose queries, keys or values no linear layer gives.
 */
export function attentionLayers(graph: Graph): AttentionLayer[] {
  const { source, readers } = dataflow(graph);
  const shapes = new Map(graph.parameters.map(({ name, shape }) => [name, shape]));
  const allRows = ({ parameters, attributes: { layout } }: OperatorOf<'linear'>): WeightRows => {
    const [first, second] = shapes.get(parameters.weight) ?? [];
    const [total, inputs] = layout === 'out_in' ? [first, second] : [second, first];
    return { parameter: parameters.weight, layout, first: 0, count: total, total, inputs };
  };
  const projection = (attention: Operator, place: number): WeightRows => {
    const linear = source(attention.inputs[place]);
    if (linear?.type === 'linear') return allRows(linear);
    throw new InitializationError(
      `the attention "${attention.name}" reads what no linear layer gives: ` +
        `starts of attention want query, key and value projections`,
    );
  };
  return graph.operators.flatMap((operator): AttentionLayer[] => {
    if (operator.type !== 'attention' && operator.type !== 'grouped_attention') return [];
    const { heads, causal } = operator.attributes;
    const following = readers(operator.outputs[0]).find(({ operator: { type } }) => type === 'linear')?.operator;
    const out = following?.type === 'linear' ? allRows(following) : undefined;
    const common = { name: operator.name, heads, isCausal: causal, out };
    if (operator.type === 'grouped_attention') {
      const [query, key, value] = [0, 1, 2].map((place) => projection(operator, place));
      return [{ ...common, keyValueHeads: operator.attributes.keyValueHeads, query, key, value }];
    }
    const packed = projection(operator, 0);
    const count = packed.total / 3;
    const [query, key, value] = [0, 1, 2].map((part) => ({ ...packed, first: part * count, count }));
    return [{ ...common, keyValueHeads: heads, query, key, value }];
  });
}

/**
 * Sets the entries of rows in a weight's values, row-major in its own layout; `entry` is asked for rows counted from
 * the first of these.
 */
export function setRows(
  values: Float32Array,
  { layout, first, count, total, inputs }: WeightRows,
  entry: (row: number, column: number) => number,
): void {
  for (let row = 0; row < count; row++) {
    for (let column = 0; column < inputs; column++) {
      const index = layout === 'out_in' ? (first + row) * inputs + column : column * total + first + row;
      values[index] = entry(row, column);
    }
  }
}

/** The rows of one of several heads of equal size. */
export const headRows = (rows: WeightRows, head: number, heads: number): WeightRows => {
  const count = rows.count / heads;
  return { ...rows, first: rows.first + head * count, count };
};

/**
 * The attention layers of a graph that must have some: throws {@link InitializationError} naming the start that has
 * no meaning without.
 */
export function requiredAttentionLayers(graph: Graph, start: string): AttentionLayer[] {
  const layers = attentionLayers(graph);
  if (layers.length > 0) return layers;
  throw new InitializationError(
    `"${start}" is a start for attention, and "${graph.name}" has none: ` +
      `use it for a transformer (vit, gpt2, llama), or "orthogonal" here`,
  );
}
