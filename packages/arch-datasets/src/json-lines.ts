// Data sets as JSON Lines: one entry a line, written by us, by hand or by another tool.
import { parseJson, shortJson } from '@logah/files';
import { buildArchitecture, formatArchitecture, parameterCount, parseArchitecture } from '@logah/graph-ir';
import { type ArchitectureEntry, DatasetError, type Split } from './dataset.js';

const SPLITS: readonly Split[] = ['train', 'validation', 'test'];

/** The entries as JSON Lines. */
export const datasetToJsonLines = (entries: readonly ArchitectureEntry[]): string =>
  entries.map((entry) => `${JSON.stringify(entry)}\n`).join('');

/**
 * Reads JSON Lines: `architecture` is required, `split` is "train" by default, `parameters` is counted where it is missing and checked
 * where it is not. Empty lines are skipped. An architecture may be there more than once, but in one part only, however
 * it is written. Throws {@link DatasetError} naming `source`, the line and the field.
 */
export function datasetFromJsonLines(text: string, source = 'data set'): ArchitectureEntry[] {
  const counts = new Map<string, number>();
  const places = new Map<string, Place>();
  return text.split('\n').flatMap((line, index) => {
    if (line.trim() === '') return [];
    try {
      const entry = readEntry(line, counts);
      checkPart(entry, index + 1, places);
      return [entry];
    } catch (cause) {
      throw new DatasetError(
        `${source}, line ${index + 1}: ${cause instanceof Error ? cause.message : String(cause)}`,
        { cause },
      );
    }
  });
}

/** Where an architecture was first. */
interface Place {
  readonly line: number;
  readonly split: Split;
}

/** Networks that a part judges must not be in another: results would be too good. */
function checkPart({ architecture, split }: ArchitectureEntry, line: number, places: Map<string, Place>): void {
  const key = formatArchitecture(parseArchitecture(architecture));
  const first = places.get(key);
  if (first === undefined) places.set(key, { line, split });
  else if (first.split !== split)
    throw new DatasetError(
      `${architecture} is in the part "${split}", but in "${first.split}" on line ${first.line}; parts share no architecture`,
    );
}

function readEntry(line: string, counts: Map<string, number>): ArchitectureEntry {
  const json = parseJson(line, 'the entry', DatasetError);
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw new DatasetError('an entry is a JSON object');
  const { architecture, parameters, split = 'train' } = json as Record<string, unknown>;
  if (typeof architecture !== 'string') {
    throw new DatasetError(
      `architecture should be text such as "vit:layers=3,heads=4,hidden=128", got ${shortJson(architecture)}`,
    );
  }
  const part = SPLITS.find((known) => known === split);
  if (part === undefined) throw new DatasetError(`split should be ${SPLITS.join(', ')}, got ${shortJson(split)}`);
  const counted = counts.get(architecture) ?? parameterCount(buildArchitecture(parseArchitecture(architecture)));
  counts.set(architecture, counted);
  if (parameters !== undefined && parameters !== counted) {
    throw new DatasetError(`parameters is ${shortJson(parameters)}, but ${architecture} has ${counted}`);
  }
  return { architecture, parameters: counted, split: part };
}
