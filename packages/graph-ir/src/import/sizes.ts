// Models with numbers for the sizes that have names: what depends only on sizes is known in them, and can be tried at as many sizes as a proof wants.
import { recordOf } from '@logah/files';
import { GraphError } from '../graph.js';
import type { ForeignModel } from './foreign.js';
import { type ImportOptions, type Settled, settle } from './settle.js';

/** Models at other sizes keep values of at most as many elements: sizes, and not what is as large as texts are long. Others are worked out when they are asked for. */
const MOST_KEPT = 2 ** 10;

/** A model at other sizes than those that it is looked at with. */
export interface Trials {
  /** Sizes that have names, with the numbers that the model is looked at with. */
  readonly base: Readonly<Record<string, number>>;
  /** Names of sizes that are a picture's height or width. */
  readonly images: ReadonlySet<string>;
  /** The model with these sizes, the base's where they are not said. Undefined where it does not work with them. */
  readonly at: (sizes: Readonly<Record<string, number>>) => Settled | undefined;
}

/** A model with a small number for each size that has a name, and what it is with others; without trials where all sizes are fixed. */
export interface Sized {
  readonly settled: Settled;
  readonly trials?: Trials;
}

/** The model with a small number for each size that has a name. Undefined where the model does not work with these. */
export function withSizes(
  model: ForeignModel,
  settled: Settled,
  options: ImportOptions,
  turned: (settled: Settled) => Settled,
): Sized | undefined {
  const names = settled.inputs.flatMap(({ type }) =>
    type.shape.flatMap((size, axis) =>
      typeof size === 'string' ? [{ size, axis, isImage: type.shape.length === 4 && axis > 1 }] : [],
    ),
  );
  if (names.length === 0) return { settled: turned(settled) };
  // Sizes that are all different, from each other and from those that are fixed, tell axes apart; images are as large as networks for them often want.
  const fixed = settled.inputs.flatMap(({ type }) => type.shape.filter((size) => typeof size === 'number'));
  const choose = (areSquare: boolean): Record<string, number> => {
    const dimensions: Record<string, number> = recordOf([]);
    const taken = new Set<number>(fixed);
    let next = 5;
    for (const { size, axis, isImage } of names) {
      if (size in dimensions) continue;
      if (axis === 0 && !taken.has(2)) dimensions[size] = 2;
      else if (isImage) dimensions[size] = axis === 2 || areSquare ? 64 : 96;
      else {
        while (taken.has(next)) next++;
        dimensions[size] = next;
      }
      if (!isImage) taken.add(dimensions[size]);
    }
    return dimensions;
  };
  const images = new Set(names.flatMap(({ size, isImage }) => (isImage ? [size] : [])));
  for (const areSquare of [false, true]) {
    const base = choose(areSquare);
    const tried = new Map<string, Settled | undefined>();
    const at: Trials['at'] = (sizes) => {
      const all = { ...base, ...sizes };
      const key = JSON.stringify(all);
      if (!tried.has(key)) {
        const found = withDimensions(model, options, all, MOST_KEPT);
        tried.set(key, found && turned(found));
      }
      return tried.get(key);
    };
    const found = withDimensions(model, options, base);
    if (found) return { settled: turned(found), trials: { base, images, at } };
  }
  return undefined;
}

function withDimensions(
  model: ForeignModel,
  options: ImportOptions,
  dimensions: Readonly<Record<string, number>>,
  most?: number,
): Settled | undefined {
  const all = recordOf(Object.entries({ ...options.dimensions, ...dimensions }));
  try {
    return settle(model, { ...options, dimensions: all }, most);
  } catch (error) {
    if (error instanceof GraphError) return undefined;
    throw error;
  }
}
