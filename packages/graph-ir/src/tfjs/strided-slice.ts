// TensorFlow's strided slice: Python's x[1:3, None, ..., 0] as vectors of starts, ends and strides, and masks that say what to make of each entry.
import type { NodeDef } from './node-def.js';
import { MOST, type Translation } from './translation.js';

/** An entry is one of `...`, `None`, an index, or a range. */
type Entry = 'ellipsis' | 'new' | 'index' | 'range';

/** False where the strides are computed. */
export function stridedSlice(t: Translation, node: NodeDef, outputs: readonly string[]): boolean {
  const strides = t.known(node.input(3));
  if (strides === undefined) return false;
  const isMarked = (mask: string, i: number): boolean => ((node.integer(mask, 0) >> i) & 1) === 1;
  const entries = strides.map((_, i): Entry => {
    if (isMarked('ellipsis_mask', i)) return 'ellipsis';
    if (isMarked('new_axis_mask', i)) return 'new';
    return isMarked('shrink_axis_mask', i) ? 'index' : 'range';
  });
  const [begin, end] = [elements(t, node.input(1)), elements(t, node.input(2))];
  const starts: Element[] = [];
  const ends: Element[] = [];
  const axes: number[] = [];
  const steps: number[] = [];
  entries.forEach((entry, i) => {
    if (entry !== 'index' && entry !== 'range') return;
    const isForward = strides[i] > 0;
    const isWhole = entry === 'range' && isMarked('begin_mask', i);
    const start = isWhole ? (isForward ? 0 : MOST) : begin(i);
    starts.push(start);
    if (entry === 'index') ends.push(after(t, start));
    else ends.push(isMarked('end_mask', i) ? (isForward ? MOST : -MOST - 1) : end(i));
    axes.push(axisOf(entries, i, (other) => other === 'index' || other === 'range'));
    steps.push(entry === 'index' ? 1 : strides[i]);
  });
  const gone = axesOf(entries, 'index', (other) => other === 'index' || other === 'range');
  const added = axesOf(entries, 'new', (other) => other === 'new' || other === 'range');
  const isWhole = starts.every((start, i) => start === 0 && ends[i] === MOST && steps[i] === 1);
  let result = node.input(0);
  if (!isWhole)
    result = t.node('Slice', [result, vector(t, starts), vector(t, ends), t.integers(axes), t.integers(steps)]);
  if (gone.length > 0) result = t.node('Squeeze', [result, t.integers(gone)]);
  if (added.length > 0) result = t.node('Unsqueeze', [result, t.integers(added)]);
  t.node('Identity', [result], {}, outputs);
  return true;
}

/** The axis of an entry among those that count: from the start, or behind an ellipsis from the end, since the rank is not known here. */
function axisOf(entries: readonly Entry[], i: number, counts: (entry: Entry) => boolean): number {
  const ellipsis = entries.indexOf('ellipsis');
  return ellipsis < 0 || i < ellipsis
    ? entries.slice(0, i).filter(counts).length
    : -entries.slice(i).filter(counts).length;
}

const axesOf = (entries: readonly Entry[], kind: Entry, counts: (entry: Entry) => boolean): number[] =>
  entries.flatMap((entry, i) => (entry === kind ? [axisOf(entries, i, counts)] : []));

/** A number where it is known, otherwise the name of a vector of one element. */
type Element = number | string;

function elements(t: Translation, name: string): (i: number) => Element {
  const known = t.known(name);
  return known
    ? (i) => known[i]
    : (i) => t.node('Slice', [name, t.integers([i]), t.integers([i + 1]), t.integers([0])]);
}

/** The end of a range of the one element at `start`; behind the last one, which is -1, there is no index. */
function after(t: Translation, start: Element): Element {
  if (typeof start === 'string') return t.node('Add', [start, t.integers([1])]);
  return start === -1 ? MOST : start + 1;
}

function vector(t: Translation, parts: readonly Element[]): string {
  if (parts.every((part) => typeof part === 'number')) return t.integers(parts);
  const vectors = parts.map((part) => (typeof part === 'number' ? t.integers([part]) : part));
  return vectors.length === 1 ? vectors[0] : t.node('Concat', vectors, { axis: 0 });
}
