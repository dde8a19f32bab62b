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
const SHARES: ReadonlyArray<readonly [split: Split, upTo: number]> = [
  ['train', 0.8],
  ['validation', 0.9],
  ['test', 1],
];

/** Draws before a part that stays empty is given up. */
const MAX_FRUITLESS_DRAWS = 10_000;

/** A data set that cannot be made or read; the message names the part, line or field. */
export class DatasetError extends Error {
  override readonly name = 'DatasetError';
}

/**
 * Draws a data set. The same sampler, seed and options give the same entries on every platform.
 * Throws {@link DatasetError} when a part stays empty: too few distinct architectures, or all above `maxParameters`.
 */
export function createDataset(sampler: ArchitectureSampler, options: DatasetOptions): ArchitectureEntry[] {
  const { seed, sizes = DEFAULT_SIZES, maxParameters = Number.POSITIVE_INFINITY } = options;
  const random = createRandom(seed);
  const known = new Map<string, ArchitectureEntry>();
  const entryOf = (architecture: Architecture): ArchitectureEntry => {
    const text = formatArchitecture(architecture);
    const entry = known.get(text) ?? {
      architecture: text,
      parameters: parameterCount(buildArchitecture(architecture)),
      split: splitOf(text, seed),
    };
    known.set(text, entry);
    return entry;
  };
  return SHARES.flatMap(([split]) => {
    const entries: ArchitectureEntry[] = [];
    for (let fruitless = 0; entries.length < sizes[split]; ) {
      const entry = entryOf(sampler(random));
      if (entry.split === split && entry.parameters <= maxParameters) {
        entries.push(entry);
        fruitless = 0;
      } else if (++fruitless > MAX_FRUITLESS_DRAWS) {
        throw new DatasetError(
          `no architecture for the ${split} part in ${MAX_FRUITLESS_DRAWS} draws: ${known.size} distinct ones are known, at most ${maxParameters} parameters are allowed`,
        );
      }
    }
    return entries;
  });
}

/** Which part an architecture belongs to: by a hash (32-bit FNV-1a) of its text and the seed, so that it does not depend on the order of draws. */
function splitOf(text: string, seed: number): Split {
  let hash = 0x811c9dc5;
  for (const character of `${seed}:${text}`) hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193) >>> 0;
  // FNV mixes its last characters little: one round of a finaliser spreads them.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b) >>> 0;
  const place = (hash ^ (hash >>> 13)) >>> 0;
  const part = SHARES.find(([, upTo]) => place / 2 ** 32 < upTo);
  return part ? part[0] : 'test';
}
