// How the paper draws its training architectures (arXiv 2405.16287 §4; the authors' code): small transformers of many shapes.
import type { Architecture } from '@logah/graph-ir';
import type { Random } from '@logah/random';

/** Draws one architecture. A sampler of your own is any function of this type. */
export type ArchitectureSampler = (random: Random) => Architecture;

/** What a ViT is to see. */
export interface VisionTask {
  /** Height and width of an image in pixels. */
  readonly image: number;
  readonly patch: number;
  readonly classes: number;
  /** Between widths that are drawn; 32 by default, as in the paper. It divides 32. */
  readonly widthStep?: number;
}

/** What a language model is to read. */
export interface LanguageTask {
  readonly vocab: number;
  readonly context: number;
  /** What gives the tokens; `own` by default, as in the paper. */
  readonly heads?: LanguageHeads;
}

/** A head with rows of its own, the token embedding, or by chance either. */
export type LanguageHeads = 'own' | 'tied' | 'both';

/** Whether the head of a language model that is drawn is its token embedding. */
const drawTied = (random: Random, heads: LanguageHeads = 'own'): boolean =>
  heads === 'both' ? random.choose([false, true]) : heads === 'tied';

/** The paper's caps: no architecture has more parameters. */
export const VITS_1K_MAX_PARAMETERS = 10_000_000;
export const GPTS_1K_MAX_PARAMETERS = 30_000_000;
export const LLAMAS_1K_MAX_PARAMETERS = 30_000_000;

/** Deep networks are narrow and shallow ones wide, so that their parameter counts spread evenly. Ends included. */
interface WidthRange {
  readonly from: number;
  readonly to: number;
  readonly step: number;
}

const drawWidth = (random: Random, { from, to, step }: WidthRange): number =>
  from + step * random.integer(0, (to - from) / step);

function vitWidths(layers: number, step: number): WidthRange {
  if (layers > 5) return { from: 128, to: 256, step };
  if (layers > 3) return { from: 256, to: 384, step };
  return { from: 384, to: 512, step };
}

function vitHeads(hidden: number): readonly number[] {
  if (hidden % 12 === 0) return [3, 6, 12];
  if (hidden % 6 === 0) return [3, 6];
  if (hidden % 3 === 0) return [3];
  return [4, 8];
}

/** VITS-1K: 3 to 9 layers, widths by depth in steps of 32. */
export function vits1k({ image, patch, classes, widthStep = 32 }: VisionTask): ArchitectureSampler {
  return (random) => {
    const layers = random.integer(3, 9);
    const hidden = drawWidth(random, vitWidths(layers, widthStep));
    const heads = random.choose(vitHeads(hidden));
    return { family: 'vit', layers, heads, hidden, mlp: 4 * hidden, patch, classes, image };
  };
}

/** Small enough to meta-train on in minutes: 2 to 4 layers and 4 heads, 32 to 96 features in steps of 8. */
const SMALL = { layers: { from: 2, to: 4 }, heads: 4, widths: { from: 32, to: 96, step: 8 } } as const;

/** Vision transformers of at most half a million parameters: 2 to 4 layers, widths from 32 to 96 in steps of 8, 4 heads. */
export function vitsSmall({ image, patch, classes }: VisionTask): ArchitectureSampler {
  return (random) => {
    const layers = random.integer(SMALL.layers.from, SMALL.layers.to);
    const hidden = drawWidth(random, SMALL.widths);
    return { family: 'vit', layers, heads: SMALL.heads, hidden, mlp: 4 * hidden, patch, classes, image };
  };
}

/** Language models of the sizes of {@link vitsSmall}, with a head of its own unless asked for another. */
export function gptsSmall({ vocab, context, heads: kind }: LanguageTask): ArchitectureSampler {
  return (random) => {
    const layers = random.integer(SMALL.layers.from, SMALL.layers.to);
    const hidden = drawWidth(random, SMALL.widths);
    return { family: 'gpt2', layers, heads: SMALL.heads, hidden, vocab, context, tied: drawTied(random, kind) };
  };
}

function gptWidths(layers: number): WidthRange {
  if (layers > 5) return { from: 72, to: 176, step: 8 };
  if (layers > 3) return { from: 128, to: 176, step: 8 };
  return { from: 176, to: 256, step: 8 };
}

/** GPTS-1K: 3 to 9 layers, widths by depth in steps of 8, 8 heads; its own head unless asked for another. */
export function gpts1k({ vocab, context, heads: kind }: LanguageTask): ArchitectureSampler {
  return (random) => {
    const layers = random.integer(3, 9);
    return {
      family: 'gpt2',
      layers,
      heads: 8,
      hidden: drawWidth(random, gptWidths(layers)),
      vocab,
      context,
      tied: drawTied(random, kind),
    };
  };
}

/** Heads and the range of head sizes, step 2 (the authors' extension of the paper). */
function llamaHeads(layers: number): { readonly heads: number; readonly sizes: WidthRange } {
  if (layers > 5) return { heads: 4, sizes: { from: 16, to: 32, step: 2 } };
  if (layers > 3) return { heads: 6, sizes: { from: 16, to: 32, step: 2 } };
  return { heads: 8, sizes: { from: 8, to: 16, step: 2 } };
}

/** LLAMAS-1K: 3 to 9 layers, as many key heads as heads, an MLP of four times the width; its own head unless asked for another. */
export function llamas1k({ vocab, context, heads: kind }: LanguageTask): ArchitectureSampler {
  return (random) => {
    const layers = random.integer(3, 9);
    const { heads, sizes } = llamaHeads(layers);
    const hidden = heads * drawWidth(random, sizes);
    return {
      family: 'llama',
      layers,
      heads,
      kvHeads: heads,
      hidden,
      mlp: 4 * hidden,
      vocab,
      context,
      tied: drawTied(random, kind),
    };
  };
}
