// Data sets of architectures: drawn from a sampler, split so that no architecture is in two parts.
import { type Architecture, buildArchitecture, formatArchitecture, parameterCount } from '@logah/graph-ir';
import { createRandom } from '@logah/random';
import type { ArchitectureSampler } from './samplers.js';

export type Split = 'train' | 'validation' | 'test';

/** One architecture, as text that `parseArchitecture` reads, with its number of parameters. */
export interface ArchitectureEntry {
  readonly architecture: string;
  readonly parameters: number;
  readonly split: Split;
}

export interface DatasetOptions {
  readonly seed: number;
  /** How many entries each part has; 1000, 100 and 100 by default. Small families repeat within a part, never across. */
  readonly sizes?: Readonly<Record<Split, number>>;
  /** Larger architectures are drawn again. */
  readonly maxParameters?: number;
}

const DEFAULT_SIZES = { train: 1000, validation: 100, test: 100 } as const;

/** The share of all distinct architectures that goes to each part. */
const SHARES: ReadonlyArray<{ readonly split: Split; readonly upTo: number }> = [
  { split: 'train', upTo: 0.8 },
  { split: 'validation', upTo: 0.9 },
  { split: 'test', upTo: 1 },
];

/** Draws before a part that stays empty is given up. */
const MAX_FRUITLESS_DRAWS = 10_000;

/** A data set that cannot be made or read; the message names the part, line or field. */
export class DatasetError extends Error {
  override readonly name = 'DatasetError';
}

/**
 * Draws a data set. The same sampler, seed and options give the same entries on every platform.
 * Throws {@link DatasetError} when a part stays empty: fewer distinct architectures than there are parts, or all above
 * `maxParameters`.
 */
export function createDataset(sampler: ArchitectureSampler, options: DatasetOptions): ArchitectureEntry[] {
  const { seed, sizes = DEFAULT_SIZES, maxParameters = Number.POSITIVE_INFINITY } = options;
  const known = new Map<string, ArchitectureEntry>();
  const draw = (splitOf: (architecture: string) => Split): ArchitectureEntry[] | Split => {
    const random = createRandom(seed);
    const entryOf = (architecture: Architecture): ArchitectureEntry => {
      const text = formatArchitecture(architecture);
      const parameters = known.get(text)?.parameters ?? parameterCount(buildArchitecture(architecture));
      const entry = { architecture: text, parameters, split: splitOf(text) };
      known.set(text, entry);
      return entry;
    };
    const parts: ArchitectureEntry[] = [];
    for (const { split } of SHARES) {
      const entries: ArchitectureEntry[] = [];
      for (let fruitless = 0; entries.length < sizes[split]; ) {
        const entry = entryOf(sampler(random));
        if (entry.split === split && entry.parameters <= maxParameters) {
          entries.push(entry);
          fruitless = 0;
        } else if (++fruitless > MAX_FRUITLESS_DRAWS) return split;
      }
      parts.push(...entries);
    }
    return parts;
  };
  const byHash = draw((text) => splitAt(placeOf(text, seed)));
  if (typeof byHash !== 'string') return byHash;
  // Of a small family a part may have got none.
  const eligible = [...known.values()].filter(({ parameters }) => parameters <= maxParameters);
  const byRank = eligible.length < SHARES.length ? byHash : draw(splitByRank(eligible, seed));
  if (typeof byRank !== 'string') return byRank;
  throw new DatasetError(
    `no architecture for the ${byRank} part in ${MAX_FRUITLESS_DRAWS} draws: ${known.size} distinct ones are known, at most ${maxParameters} parameters are allowed`,
  );
}

/** Where an architecture lies in [0, 1): a hash (32-bit FNV-1a) of its text and the seed, so that it does not depend on the order of draws. */
function placeOf(text: string, seed: number): number {
  let hash = 0x811c9dc5;
  for (const character of `${seed}:${text}`) hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193) >>> 0;
  // FNV mixes its last characters little: one round of a finaliser spreads them.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b) >>> 0;
  return ((hash ^ (hash >>> 13)) >>> 0) / 2 ** 32;
}

/** The part that has a place in [0, 1). */
const splitAt = (place: number): Split => SHARES.find(({ upTo }) => place < upTo)?.split ?? 'test';

/** Parts of a few architectures, three at least, in the order of their places: a tenth each to validate and test, one at least. */
function splitByRank(entries: readonly ArchitectureEntry[], seed: number): (architecture: string) => Split {
  const ranked = entries.map(({ architecture }) => architecture).sort((a, b) => placeOf(a, seed) - placeOf(b, seed));
  const tenth = Math.max(1, Math.floor(ranked.length / 10));
  const splits = new Map<string, Split>(
    ranked.slice(-2 * tenth).map((text, i) => [text, i < tenth ? 'validation' : 'test']),
  );
  return (text) => splits.get(text) ?? 'train';
}
