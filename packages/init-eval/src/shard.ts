// Which job of several makes which runs.
import { EvaluationError } from './errors.js';

/** One of several jobs that share the runs of a comparison. */
export interface Shard {
  /** From 1 to `count`. */
  readonly index: number;
  readonly count: number;
}

/** Reads a shard as `2/8`, the second of eight. Throws {@link EvaluationError} for any other text. */
export function parseShard(text: string): Shard {
  const [, index = Number.NaN, count = Number.NaN] = (/^(\d+)\/(\d+)$/.exec(text) ?? []).map(Number);
  checkShard({ index, count }, text);
  return { index, count };
}

function checkShard({ index, count }: Shard, text = `${index}/${count}`): void {
  if (!Number.isSafeInteger(index) || !Number.isSafeInteger(count) || index < 1 || index > count)
    throw new EvaluationError(`"${text}" is not a shard: it is i/n, such as 2/8, with i from 1 to n`);
}

/**
 * The items in the order in which a shard takes them: its own first, which are every n-th, then what others have left,
 * the next shard's first. Of another shard's items the last come first, since it begins with the others.
 * Throws {@link EvaluationError} for a shard that is none.
 */
export function inShardOrder<T>(items: readonly T[], shard: Shard): T[] {
  checkShard(shard);
  const { index, count } = shard;
  const shares = Array.from({ length: Math.min(count, items.length) }, (): T[] => []);
  items.forEach((item, i) => shares[i % count].push(item));
  const own = index - 1;
  const others = [...shares.slice(own + 1), ...shares.slice(0, own)];
  return [...(shares[own] ?? []), ...others.flatMap((share) => share.reverse())];
}
