// The name that was probably meant.
import { distance } from 'fastest-levenshtein';

/** Of a name's letters, so many may be wrong for another to be meant. */
const MOST_WRONG = 0.4;

/** `; did you mean "x"?` with the known name that is nearest to another, or nothing where none is near. */
export function didYouMean(name: string, known: Iterable<string>): string {
  let nearest: string | undefined;
  let least = Math.max(1, MOST_WRONG * name.length);
  for (const candidate of known) {
    const wrong = distance(name.toLowerCase(), candidate.toLowerCase());
    if (wrong <= least && (nearest === undefined || wrong < least)) [nearest, least] = [candidate, wrong];
  }
  return nearest === undefined ? '' : `; did you mean "${nearest}"?`;
}
