// Architectures as short text: a preset ("vit-s", "gpt2-large") or a preset with changes ("vit:layers=5,heads=3").
import { buildConvnext, type ConvnextConfig } from './builders/convnext.js';
import { buildDensenet, type DensenetConfig } from './builders/densenet.js';
import { buildEfficientnet, type EfficientnetConfig } from './builders/efficientnet.js';
import { buildGpt2, type Gpt2Config } from './builders/gpt2.js';
import { buildLlama, type LlamaConfig } from './builders/llama.js';
import { buildMobilenet, type MobilenetConfig } from './builders/mobilenet.js';
import { buildResnet, type ResnetConfig } from './builders/resnet.js';
import { buildVgg, type VggConfig } from './builders/vgg.js';
import { buildVit, type VitConfig } from './builders/vit.js';
import { type Graph, GraphError } from './graph.js';
import { didYouMean } from './nearest.js';

/** A network by its family and sizes. */
export type Architecture =
  | ({ readonly family: 'vit' } & VitConfig)
  | ({ readonly family: 'gpt2' } & Omit<Gpt2Config, 'head'>)
  | ({ readonly family: 'llama' } & Omit<LlamaConfig, 'head'>)
  | ({ readonly family: 'resnet' } & ResnetConfig)
  | ({ readonly family: 'vgg' } & VggConfig)
  | ({ readonly family: 'mobilenet' } & MobilenetConfig)
  | ({ readonly family: 'densenet' } & DensenetConfig)
  | ({ readonly family: 'convnext' } & ConvnextConfig)
  | ({ readonly family: 'efficientnet' } & EfficientnetConfig);

const CIFAR10 = { patch: 2, classes: 10, image: 32 };
const IMAGENET = { classes: 1000, image: 224 };
const GPT2_TEXT = { vocab: 50257, context: 1024, tied: true };

/**
 * LoGAH's Table 6, GPT-2's and Llama's published sizes. ViTs see CIFAR-10: 10 classes, images of 32, patches of 2; GPT-2 heads are tied;
 * convolutional networks see ImageNet: 1000 classes, images of 224.
 */
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
  resnet: { family: 'resnet', depth: 18, ...IMAGENET },
  resnet18: { family: 'resnet', depth: 18, ...IMAGENET },
  resnet34: { family: 'resnet', depth: 34, ...IMAGENET },
  resnet50: { family: 'resnet', depth: 50, ...IMAGENET },
  resnet101: { family: 'resnet', depth: 101, ...IMAGENET },
  vgg: { family: 'vgg', depth: 11, batchNorm: true, ...IMAGENET },
  vgg11_bn: { family: 'vgg', depth: 11, batchNorm: true, ...IMAGENET },
  vgg16: { family: 'vgg', depth: 16, batchNorm: false, ...IMAGENET },
  mobilenet: { family: 'mobilenet', ...IMAGENET },
  mobilenet_v2: { family: 'mobilenet', ...IMAGENET },
  densenet: { family: 'densenet', depth: 121, ...IMAGENET },
  densenet121: { family: 'densenet', depth: 121, ...IMAGENET },
  convnext: { family: 'convnext', depth: 9, width: 96, ...IMAGENET },
  convnext_tiny: { family: 'convnext', depth: 9, width: 96, ...IMAGENET },
  convnext_small: { family: 'convnext', depth: 27, width: 96, ...IMAGENET },
  convnext_base: { family: 'convnext', depth: 27, width: 128, ...IMAGENET },
  efficientnet: { family: 'efficientnet', ...IMAGENET },
  efficientnet_b0: { family: 'efficientnet', ...IMAGENET },
} as const satisfies Record<string, Architecture>;

/**
 * Reads `preset` or `preset:key=value,…`.
 * Throws {@link GraphError} naming what is unknown, and what is known, for a preset, a key or a value.
 */
export function parseArchitecture(text: string): Architecture {
  const colon = text.indexOf(':');
  const name = colon < 0 ? text : text.slice(0, colon);
  if (!isPreset(name)) {
    const known = Object.keys(ARCHITECTURE_PRESETS);
    throw new GraphError(`unknown architecture "${name}"; known are ${known.join(', ')}${didYouMean(name, known)}`);
  }
  const preset: Architecture = ARCHITECTURE_PRESETS[name];
  const sizes: Record<string, number | boolean | string> = { ...preset };
  const given = new Set<string>();
  for (const change of colon < 0 ? [] : text.slice(colon + 1).split(',')) {
    const [key, value, ...rest] = change.split('=').map((part) => part.trim());
    if (key === 'family' || !Object.hasOwn(sizes, key)) {
      const known = Object.keys(sizes).filter((k) => k !== 'family');
      throw new GraphError(
        `"${text}": ${name} has no size "${key}"; known are ${known.join(', ')}${didYouMean(key, known)}`,
      );
    }
    if (rest.length > 0) throw new GraphError(`"${text}": wanted ${key}=value, got "${change}"`);
    if (given.has(key)) throw new GraphError(`"${text}": ${key} is given twice`);
    given.add(key);
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
    case 'resnet':
      return buildResnet(architecture);
    case 'vgg':
      return buildVgg(architecture);
    case 'mobilenet':
      return buildMobilenet(architecture);
    case 'densenet':
      return buildDensenet(architecture);
    case 'convnext':
      return buildConvnext(architecture);
    case 'efficientnet':
      return buildEfficientnet(architecture);
  }
}

/** No tensor of any backend has a larger axis. */
const LARGEST_SIZE = 2 ** 31 - 1;

/** A layer has ten operators at least, and a graph 100,000 at most. */
const MOST_LAYERS = 10_000;

const isPreset = (name: string): name is keyof typeof ARCHITECTURE_PRESETS => Object.hasOwn(ARCHITECTURE_PRESETS, name);

function parseSize(text: string, key: string, value: string | undefined): number {
  const size = Number(value);
  const largest = key === 'layers' || key === 'depth' ? MOST_LAYERS : LARGEST_SIZE;
  if (!Number.isSafeInteger(size) || size < 1)
    throw new GraphError(`"${text}": ${key} is a positive integer, got "${value ?? ''}"`);
  if (size > largest) throw new GraphError(`"${text}": ${key} is at most ${largest}, got "${value ?? ''}"`);
  return size;
}

function parseFlag(text: string, key: string, value: string | undefined): boolean {
  if (value !== 'true' && value !== 'false')
    throw new GraphError(`"${text}": ${key} is true or false, got "${value ?? ''}"`);
  return value === 'true';
}
