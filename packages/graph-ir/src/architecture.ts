// Architectures as short text: a preset ("vit-s", "gpt2-large") or a preset with changes ("vit:layers=5,heads=3").
import { buildGpt2, type Gpt2Config } from './builders/gpt2.js';
import { buildLlama, type LlamaConfig } from './builders/llama.js';
import { buildVit, type VitConfig } from './builders/vit.js';
import { type Graph, GraphError } from './graph.js';

/** A network by its family and sizes. */
export type Architecture =
  | ({ readonly family: 'vit' } & VitConfig)
  | ({ readonly family: 'gpt2' } & Gpt2Config)
  | ({ readonly family: 'llama' } & LlamaConfig);

const CIFAR10 = { patch: 2, classes: 10, image: 32 };
const GPT2_TEXT = { vocab: 50257, context: 1024, tied: true };

/** LoGAH's Table 6, GPT-2's and Llama's published sizes. ViTs see CIFAR-10: 10 classes, images of 32, patches of 2; GPT-2 heads are tied. */
export const ARCHITECTURE_PRESETS = {
  vit: { family: 'vit', layers: 12, heads: 6, hidden: 384, mlp: 1536, ...CIFAR10 },
  'vit-s': { family: 'vit', layers: 12, heads: 6, hidden: 384, mlp: 1536, ...CIFAR10 },
  'vit-b': { family: 'vit', layers: 12, heads: 12, hidden: 768, mlp: 3072, ...CIFAR10 },
  'vit-l': { family: 'vit', layers: 24, heads: 16, hidden: 1024, mlp: 4096, ...CIFAR10 },
  gpt2: { family: 'gpt2', layers: 12, heads: 12, hidden: 768, ...GPT2_TEXT },
  'gpt2-medium': { family: 'gpt2', layers: 24, heads: 16, hidden: 1024, ...GPT2_TEXT },
  'gpt2-large': { family: 'gpt2', layers: 36, heads: 20, hidden: 1280, ...GPT2_TEXT },
  'gpt2-xl': { family: 'gpt2', layers: 48, heads: 25, hidden: 1600, ...GPT2_TEXT },
  llama: {
    family: 'llama',
    layers: 6,
    heads: 4,
    kvHeads: 4,
    hidden: 128,
    mlp: 512,
    vocab: 32000,
    context: 1024,
    tied: false,
  },
  'llama2-7b': {
    family: 'llama',
    layers: 32,
    heads: 32,
    kvHeads: 32,
    hidden: 4096,
    mlp: 11008,
    vocab: 32000,
    context: 4096,
    tied: false,
  },
  'llama3-8b': {
    family: 'llama',
    layers: 32,
    heads: 32,
    kvHeads: 8,
    hidden: 4096,
    mlp: 14336,
    vocab: 128256,
    context: 8192,
    tied: false,
  },
} as const satisfies Record<string, Architecture>;

/**
 * Reads `preset` or `preset:key=value,…`.
 * Throws {@link GraphError} naming what is unknown, and what is known, for a preset, a key or a value.
 */
export function parseArchitecture(text: string): Architecture {
  const colon = text.indexOf(':');
  const name = colon < 0 ? text : text.slice(0, colon);
  if (!isPreset(name)) {
    throw new GraphError(`unknown architecture "${name}"; known are ${Object.keys(ARCHITECTURE_PRESETS).join(', ')}`);
  }
  const preset: Architecture = ARCHITECTURE_PRESETS[name];
  const sizes: Record<string, number | boolean | string> = { ...preset };
  for (const change of colon < 0 ? [] : text.slice(colon + 1).split(',')) {
    const [key, value, ...rest] = change.split('=').map((part) => part.trim());
    if (key === 'family' || !Object.hasOwn(sizes, key)) {
      throw new GraphError(
        `"${text}": ${name} has no size "${key}"; known are ${Object.keys(sizes)
          .filter((k) => k !== 'family')
          .join(', ')}`,
      );
    }
    if (rest.length > 0) throw new GraphError(`"${text}": wanted ${key}=value, got "${change}"`);
    sizes[key] = typeof sizes[key] === 'boolean' ? parseFlag(text, key, value) : parseSize(text, key, value);
  }
  // The keys are those of the preset and the values have their types, as just checked.
  return sizes as unknown as Architecture;
}

/** The text that {@link parseArchitecture} reads back to the same architecture. */
export function formatArchitecture({ family, ...sizes }: Architecture): string {
  return `${family}:${Object.entries(sizes)
    .map(([key, value]) => `${key}=${value}`)
    .join(',')}`;
}

/** The graph of an architecture. Throws {@link GraphError} when its sizes do not fit each other. */
export function buildArchitecture(architecture: Architecture): Graph {
  switch (architecture.family) {
    case 'vit':
      return buildVit(architecture);
    case 'gpt2':
      return buildGpt2(architecture);
    case 'llama':
      return buildLlama(architecture);
  }
}

const isPreset = (name: string): name is keyof typeof ARCHITECTURE_PRESETS => Object.hasOwn(ARCHITECTURE_PRESETS, name);

function parseSize(text: string, key: string, value: string | undefined): number {
  const size = Number(value);
  if (!Number.isSafeInteger(size) || size < 1)
    throw new GraphError(`"${text}": ${key} is a positive integer, got "${value ?? ''}"`);
  return size;
}

function parseFlag(text: string, key: string, value: string | undefined): boolean {
  if (value !== 'true' && value !== 'false')
    throw new GraphError(`"${text}": ${key} is true or false, got "${value ?? ''}"`);
  return value === 'true';
}
