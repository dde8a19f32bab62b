// TensorFlow's strided slice: Python's x[1:3, None, ..., 0] as vectors of starts, ends and strides, and masks that say what to make of each.
import type { NodeDef } from './node-def.js';
import type { Translation } from './translation.js';

const MOST = 2 ** 31 - 1;

/** Axes are counted from the end after an ellipsis, since the rank is not known here. */
interface Cut {
  readonly axis: number;
  readonly index: number;
  readonly isOne: boolean;
}

/** False where the strides are computed. */
export function stridedSlice(t: Translation, node: NodeDef, outputs: readonly string[]): boolean {
  const strides = t.known(node.input(3));
  if (strides === undefined) return false;
  const mask = (name: string): ((i: number) => boolean) => {
    const bits = node.integer(name, 0);
    return (i) => ((bits >> i) & 1) === 1;
  };
  const [isNew, isEllipsis, isOne, isFromStart, isToEnd] = [
    'new_axis_mask',
    'ellipsis_mask',
    'shrink_axis_mask',
    'begin_mask',
    'end_mask',
  ].map(mask);
  const ellipsis = strides.findIndex((_, i) => isEllipsis(i));
  const cuts: Cut[] = [];
  const added: number[] = [];
  strides.forEach((_, i) => {
    if (i === ellipsis) return;
    if (isNew(i)) added.push(outputAxis(i));
    else cuts.push({ axis: inputAxis(i), index: i, isOne: isOne(i) });
  });

  function inputAxis(i: number): number {
    const reads = (j: number): boolean => j !== ellipsis && !isNew(j);
    const before = strides?.filter((_, j) => j < i && reads(j)).length ?? 0;
    if (ellipsis < 0 || i < ellipsis) return before;
    return -(strides?.filter((_, j) => j >= i && reads(j)).length ?? 0);
  }

  function outputAxis(i: number): number {
    const gives = (j: number): boolean => j !== ellipsis && (isNew(j) || !isOne(j));
    if (ellipsis < 0 || i < ellipsis) return strides?.filter((_, j) => j < i && gives(j)).length ?? 0;
    return -(strides?.filter((_, j) => j >= i && gives(j)).length ?? 0);
  }

  const [begin, end] = [numbers(t, node.input(1)), numbers(t, node.input(2))];
  const starts = cuts.map(({ index, isOne: one }) => {
    if (isFromStart(index) && !one) return strides[index] > 0 ? 0 : MOST;
    return begin(index);
  });
  const ends = cuts.map(({ index, isOne: one }, i) => {
    const start = starts[i];
    if (one)
      return typeof start === 'number' ? (start === -1 ? MOST : start + 1) : t.node('Add', [start, t.integers([1])]);
    if (isToEnd(index)) return strides[index] > 0 ? MOST : -MOST - 1;
    return end(index);
  });
  const steps = t.integers(cuts.map(({ index, isOne: one }) => (one ? 1 : strides[index])));
  const isWhole = cuts.every(
    ({ index, isOne: one }, i) => !one && starts[i] === 0 && ends[i] === MOST && strides[index] === 1,
  );
  let result = node.input(0);
  if (!isWhole)
    result = t.node('Slice', [
      result,
      vector(t, starts),
      vector(t, ends),
      t.integers(cuts.map(({ axis }) => axis)),
      steps,
    ]);
  const gone = cuts.filter((cut) => cut.isOne).map(({ axis }) => axis);
  if (gone.length > 0) result = t.node('Squeeze', [result, t.integers(gone)]);
  if (added.length > 0) result = t.node('Unsqueeze', [result, t.integers(added)]);
  t.node('Identity', [result], {}, outputs);
  return true;
}

/** Elements of a vector: numbers where they are known, otherwise values of one element. */
function numbers(t: Translation, name: string): (i: number) => number | string {
  const known = t.known(name);
  return known
    ? (i) => known[i]
    : (i) => t.node('Slice', [name, t.integers([i]), t.integers([i + 1]), t.integers([0])]);
}

function vector(t: Translation, elements: ReadonlyArray<number | string>): string {
  if (elements.every((element) => typeof element === 'number')) return t.integers(elements);
  const parts = elements.map((element) => (typeof element === 'number' ? t.integers([element]) : element));
  return parts.length === 1 ? parts[0] : t.node('Concat', parts, { axis: 0 });
}
