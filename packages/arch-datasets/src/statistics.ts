// How large the architectures of a data set are (arXiv 2405.16287, Fig. 8).
import { type ArchitectureEntry, DatasetError, type Split } from './dataset.js';

export interface ParameterHistogram {
  /** The edges of the bins, in parameters: one more than there are bins. */
  readonly edges: readonly number[];
  readonly counts: readonly number[];
}

export interface DatasetStatistics {
  readonly entries: Readonly<Record<Split, number>>;
  /** How many distinct architectures each part has. */
  readonly distinct: Readonly<Record<Split, number>>;
  readonly parameters: { readonly least: number; readonly mean: number; readonly most: number };
  readonly histogram: ParameterHistogram;
}

/** Sizes, spread and a histogram of parameter counts over all parts, in `bins` bins of equal width. Throws {@link DatasetError} for an empty data set. */
export function datasetStatistics(entries: readonly ArchitectureEntry[], bins = 10): DatasetStatistics {
  if (entries.length === 0) throw new DatasetError('a data set without entries has no statistics');
  const parameters = entries.map((entry) => entry.parameters);
  const [least, most] = [Math.min, Math.max].map((pick) => parameters.reduce((a, b) => pick(a, b)));
  const width = (most - least) / bins || 1;
  const counts = new Array<number>(bins).fill(0);
  for (const count of parameters) counts[Math.min(bins - 1, Math.floor((count - least) / width))]++;
  const perSplit = (count: (part: readonly ArchitectureEntry[]) => number): Record<Split, number> => {
    const of = (split: Split): number => count(entries.filter((entry) => entry.split === split));
    return { train: of('train'), validation: of('validation'), test: of('test') };
  };
  return {
    entries: perSplit((part) => part.length),
    distinct: perSplit((part) => new Set(part.map(({ architecture }) => architecture)).size),
    parameters: { least, mean: parameters.reduce((a, b) => a + b, 0) / parameters.length, most },
    histogram: { edges: Array.from({ length: bins + 1 }, (_, i) => least + i * width), counts },
  };
}
