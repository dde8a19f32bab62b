// Networks to choose from, and the sizes that can be changed.
import { type Architecture, formatArchitecture, GraphError, parseArchitecture } from '@logah/graph-ir';

export interface PresetGroup {
  readonly title: string;
  readonly presets: ReadonlyArray<{ readonly label: string; readonly text: string }>;
}

/** All presets, those first that a shipped hypernetwork fills. */
export const PRESET_GROUPS: readonly PresetGroup[] = [
  {
    title: 'A shipped hypernetwork fills these',
    presets: [
      { label: 'small ViT, 32 pixels, patches of 8', text: 'vit:layers=3,heads=4,hidden=48,mlp=192,patch=8' },
      { label: 'ViT, 32 pixels, patches of 4', text: 'vit:layers=6,heads=4,hidden=192,mlp=768,patch=4' },
      { label: 'ViT-S, 32 pixels, patches of 4', text: 'vit-s:patch=4' },
      {
        label: 'GPT-2 over bytes',
        text: 'gpt2:layers=4,heads=8,hidden=128,vocab=257,context=128,tied=false',
      },
      { label: 'GPT-2', text: 'gpt2' },
    ],
  },
  {
    title: 'Vision transformers',
    presets: [
      { label: 'ViT-S, 32 pixels, patches of 2', text: 'vit-s' },
      { label: 'ViT-B, 32 pixels, patches of 2', text: 'vit-b' },
      { label: 'ViT-L, 32 pixels, patches of 2', text: 'vit-l' },
      { label: 'ViT-B/16 of ImageNet', text: 'vit-b:patch=16,classes=1000,image=224' },
    ],
  },
  {
    title: 'Language models',
    presets: [
      { label: 'GPT-2 Medium', text: 'gpt2-medium' },
      { label: 'GPT-2 Large', text: 'gpt2-large' },
      { label: 'GPT-2 XL', text: 'gpt2-xl' },
      { label: 'Llama, small', text: 'llama' },
      { label: 'Llama 2 7B', text: 'llama2-7b' },
      { label: 'Llama 3 8B', text: 'llama3-8b' },
    ],
  },
  {
    title: 'Convolutional networks',
    presets: [
      { label: 'ResNet-18', text: 'resnet18' },
      { label: 'ResNet-50', text: 'resnet50' },
      { label: 'VGG-16', text: 'vgg16' },
      { label: 'MobileNet V2', text: 'mobilenet_v2' },
      { label: 'DenseNet-121', text: 'densenet121' },
      { label: 'ConvNeXt Tiny', text: 'convnext_tiny' },
      { label: 'EfficientNet B0', text: 'efficientnet_b0' },
    ],
  },
];

export const FIRST_NETWORK = PRESET_GROUPS[0].presets[0].text;

/** How a network is called where there is room for a line. */
export interface NetworkLabel {
  readonly label: string;
  /** The text of the preset that it is; null where it is none. */
  readonly preset: string | null;
}

/** The preset that a text is, or the one that it is nearest to, "changed"; a text that is no architecture is its own label. */
export function labelOf(text: string): NetworkLabel {
  const wanted = architectureIn(text);
  if (wanted === undefined) return { label: text, preset: null };
  const sizes = new Map(Object.entries(wanted));
  let nearest: { readonly label: string; readonly difference: number } | undefined;
  for (const preset of PRESET_GROUPS.flatMap(({ presets }) => presets)) {
    const other = Object.entries(parseArchitecture(preset.text));
    if (new Map(other).get('family') !== wanted.family) continue;
    const difference = other.filter(([key, value]) => sizes.get(key) !== value).length;
    if (difference === 0) return { label: preset.label, preset: preset.text };
    if (nearest === undefined || difference < nearest.difference) nearest = { label: preset.label, difference };
  }
  return { label: nearest === undefined ? text : `${nearest.label.split(',')[0]}, changed`, preset: null };
}

/** Undefined for a text that is none: who opens it says why. */
function architectureIn(text: string): Architecture | undefined {
  try {
    return parseArchitecture(text);
  } catch (error) {
    if (error instanceof GraphError) return undefined;
    throw error;
  }
}

/** A size that can be changed: along a scale, or one of a few values. */
export interface SizeControl {
  readonly key: string;
  readonly label: string;
  readonly value: number;
  /** In their order; a slider's stops. */
  readonly values: readonly number[];
}

const range = (first: number, last: number, step = 1): number[] =>
  Array.from({ length: Math.floor((last - first) / step) + 1 }, (_, i) => first + i * step);

/** The sizes of an architecture that can be changed, and the values that fit the others. */
export function sizeControls(text: string): SizeControl[] {
  const architecture = parseArchitecture(text);
  return Object.entries(sizesOf(architecture)).flatMap(([key, values]) => {
    const value = new Map(Object.entries(architecture)).get(key);
    if (typeof value !== 'number') return [];
    const stops = [...new Set([...values, value])].sort((a, b) => a - b);
    return [{ key, label: LABELS[key] ?? key, value, values: stops }];
  });
}

const LABELS: Readonly<Record<string, string>> = {
  layers: 'Layers',
  heads: 'Heads',
  kvHeads: 'Heads of keys and values',
  hidden: 'Width',
  mlp: 'Width of the MLP',
  patch: 'Patch, pixels',
  image: 'Image, pixels',
  classes: 'Classes',
  vocab: 'Vocabulary',
  context: 'Context, tokens',
  depth: 'Depth',
  width: 'Width of the first stage',
};

const HEADS = [1, 2, 3, 4, 6, 8, 12, 16, 20, 24, 25, 32];
const CLASSES = [2, 10, 100, 1000];
const VOCABULARIES = [257, 1024, 8192, 32000, 50257, 128256];
const CONTEXTS = [64, 128, 256, 512, 1024, 2048, 4096, 8192];
const IMAGES = [32, 64, 96, 128, 224, 384];
const WIDEST = 1600;

function sizesOf(architecture: Architecture): Readonly<Record<string, readonly number[]>> {
  switch (architecture.family) {
    case 'vit': {
      const { heads, hidden, image, patch } = architecture;
      return {
        layers: range(1, 32),
        heads: HEADS.filter((count) => hidden % count === 0),
        hidden: widths(heads),
        mlp: [1, 2, 3, 4, 6, 8].map((factor) => factor * hidden),
        patch: [2, 4, 7, 8, 14, 16, 32].filter((size) => image % size === 0),
        image: IMAGES.filter((size) => size % patch === 0),
        classes: CLASSES,
      };
    }
    case 'gpt2': {
      const { heads, hidden } = architecture;
      return {
        layers: range(1, 48),
        heads: HEADS.filter((count) => hidden % count === 0),
        hidden: widths(heads),
        vocab: VOCABULARIES,
        context: CONTEXTS,
      };
    }
    case 'llama': {
      const { heads, kvHeads, hidden } = architecture;
      return {
        layers: range(1, 32),
        heads: HEADS.filter((count) => hidden % (2 * count) === 0 && count % kvHeads === 0),
        kvHeads: HEADS.filter((count) => heads % count === 0),
        // Rotary embeddings turn pairs of features.
        hidden: widths(2 * heads, 4096),
        mlp: [2, 3, 4].map((factor) => factor * hidden),
        vocab: VOCABULARIES,
        context: CONTEXTS,
      };
    }
    case 'resnet':
      return { depth: [18, 34, 50, 101, 152], image: IMAGES, classes: CLASSES };
    case 'vgg':
      return { depth: [11, 13, 16, 19], image: IMAGES, classes: CLASSES };
    case 'densenet':
      return { depth: [121, 169, 201], image: IMAGES, classes: CLASSES };
    case 'convnext':
      return { depth: [3, 9, 18, 27], width: range(32, 192, 16), image: IMAGES, classes: CLASSES };
    case 'mobilenet':
    case 'efficientnet':
      return { image: IMAGES, classes: CLASSES };
  }
}

/** Widths that so many heads divide: about a hundred of them. */
function widths(heads: number, most = WIDEST): number[] {
  const step = heads * Math.max(1, Math.round(16 / heads));
  return range(step, most, step);
}

/**
 * The architecture with another size. Sizes that hang together change together: the width of the MLP keeps its ratio to the
 * width.
 */
export function withSize(text: string, key: string, value: number): string {
  const architecture = parseArchitecture(text);
  const [, own = ''] = /^[^:]*:(.*)$/.exec(formatArchitecture(architecture)) ?? [];
  const sizes = new Map(own.split(',').map((pair): [string, string] => [pair.split('=')[0], pair]));
  const change = (size: string, to: number): void => void sizes.set(size, `${size}=${to}`);
  change(key, value);
  if (key === 'hidden' && 'mlp' in architecture) {
    change('mlp', Math.round((architecture.mlp / architecture.hidden) * value));
  }
  return formatArchitecture(parseArchitecture(`${architecture.family}:${[...sizes.values()].join()}`));
}
