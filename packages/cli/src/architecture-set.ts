// Data sets of architectures by name or file.
import {
  type ArchitectureEntry,
  createDataset,
  datasetFromJsonLines,
  GPTS_1K_MAX_PARAMETERS,
  gpts1k,
  gptsSmall,
  type LanguageHeads,
  LLAMAS_1K_MAX_PARAMETERS,
  llamas1k,
  VITS_1K_MAX_PARAMETERS,
  vits1k,
  vitsSmall,
} from '@logah/arch-datasets';
import { didYouMean } from '@logah/graph-ir';
import { CliError } from './errors.js';
import { readTextFile } from './text-file.js';

export const ARCHITECTURE_SETS = ['vits-1k', 'gpts-1k', 'llamas-1k', 'vits-small', 'gpts-small'] as const;

export interface ArchitectureSetOptions {
  readonly seed: number;
  readonly patch?: number;
  readonly classes?: number;
  readonly image?: number;
  readonly widthStep?: number;
  readonly vocab?: number;
  readonly context?: number;
  readonly heads?: LanguageHeads;
}

/** Throws CliError for a name that is neither a data set of architectures nor a *.jsonl file. */
export function checkArchitectureSet(name: string): void {
  if (name.endsWith('.jsonl') || ARCHITECTURE_SETS.some((set) => set === name)) return;
  throw new CliError(
    `unknown data set of architectures "${name}"; known are ${ARCHITECTURE_SETS.join(', ')} and *.jsonl files${didYouMean(name, ARCHITECTURE_SETS)}`,
  );
}

const DRAWN_LANGUAGE_MODELS = ['gpts-1k', 'llamas-1k', 'gpts-small'];

/** Throws CliError where heads are asked for of architectures that are not drawn, or have no tokens. */
export function checkHeads(name: string, heads: LanguageHeads): void {
  if (heads === 'own' || DRAWN_LANGUAGE_MODELS.includes(name)) return;
  throw new CliError(`--heads ${heads} is for ${DRAWN_LANGUAGE_MODELS.join(', ')}; of ${name} it changes nothing`);
}

/** The entries of a named data set, drawn for a task, or of a JSON Lines file. Throws CliError or DatasetError naming what is wrong. */
export async function readArchitectureSet(name: string, options: ArchitectureSetOptions): Promise<ArchitectureEntry[]> {
  const {
    seed,
    patch = 2,
    classes = 10,
    image = 32,
    widthStep,
    vocab = 50257,
    context = 1024,
    heads = 'own',
  } = options;
  switch (name) {
    case 'vits-1k':
      return createDataset(vits1k({ image, patch, classes, ...(widthStep === undefined ? {} : { widthStep }) }), {
        seed,
        maxParameters: VITS_1K_MAX_PARAMETERS,
      });
    case 'gpts-1k':
      return createDataset(gpts1k({ vocab, context, heads }), { seed, maxParameters: GPTS_1K_MAX_PARAMETERS });
    case 'llamas-1k':
      return createDataset(llamas1k({ vocab, context, heads }), { seed, maxParameters: LLAMAS_1K_MAX_PARAMETERS });
    case 'vits-small':
      return createDataset(vitsSmall({ image, patch, classes }), { seed });
    case 'gpts-small':
      return createDataset(gptsSmall({ vocab, context, heads }), { seed });
  }
  checkArchitectureSet(name);
  const text = await readTextFile(name);
  return datasetFromJsonLines(text, name);
}
