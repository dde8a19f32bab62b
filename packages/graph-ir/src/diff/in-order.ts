// Equal items of two lists in their order.

/** Beyond so many pairs of items the exact search would take too long. */
const MOST_PAIRS = 4_000_000;

/**
 * Pairs of places of equal items, increasing in both lists: as many as there can be; in lists that differ over thousands of
 * items those that a walk finds that always takes the nearest.
 */
export function inOrderMatches(a: readonly string[], b: readonly string[]): Array<[number, number]> {
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
  const [middleA, middleB] = [a.slice(start, a.length - end), b.slice(start, b.length - end)];
  const find = middleA.length * middleB.length <= MOST_PAIRS ? longestCommon : nearest;
  return [
    ...Array.from({ length: start }, (_, i): [number, number] => [i, i]),
    ...find(middleA, middleB).map(([i, j]): [number, number] => [i + start, j + start]),
    ...Array.from({ length: end }, (_, i): [number, number] => [a.length - end + i, b.length - end + i]),
  ];
}

/** The longest common subsequence, by the lengths of those of all rests. */
function longestCommon(a: readonly string[], b: readonly string[]): Array<[number, number]> {
  const width = b.length + 1;
  const lengths = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      lengths[i * width + j] =
        a[i] === b[j]
          ? lengths[(i + 1) * width + j + 1] + 1
          : Math.max(lengths[(i + 1) * width + j], lengths[i * width + j + 1]);
  const pairs: Array<[number, number]> = [];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    if (a[i] === b[j]) pairs.push([i++, j++]);
    else if (lengths[(i + 1) * width + j] >= lengths[i * width + j + 1]) i++;
    else j++;
  }
  return pairs;
}

function nearest(a: readonly string[], b: readonly string[]): Array<[number, number]> {
  const places = new Map<string, number[]>();
  b.forEach((item, j) => {
    const known = places.get(item);
    if (known === undefined) places.set(item, [j]);
    else known.push(j);
  });
  /** How many places of an item lie behind the walk. */
  const passed = new Map<string, number>();
  const pairs: Array<[number, number]> = [];
  let next = 0;
  a.forEach((item, i) => {
    const known = places.get(item) ?? [];
    let skip = passed.get(item) ?? 0;
    while (skip < known.length && known[skip] < next) skip++;
    passed.set(item, skip);
    // One far ahead would leave nothing for what comes before it.
    if (skip === known.length || known[skip] - next > 2 * Math.abs(a.length - b.length) + 64) return;
    pairs.push([i, known[skip]]);
    next = known[skip] + 1;
  });
  return pairs;
}
