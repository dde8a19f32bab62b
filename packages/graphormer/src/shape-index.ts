// From the sizes of a parameter to rows of the shape tables: only some sizes have a row of their own (GHN-3, ppuda's ShapeEncoder).

/** The sizes that have a row, ascending. The row after the last means "no parameter here". */
export interface ShapeVocabulary {
  readonly channels: readonly number[];
  readonly spatial: readonly number[];
}

/** Sizes of the vocabularies that only models of language know: those of Llama 2, GPT-2 and Llama 3. */
const LANGUAGE_VOCABULARIES = [32000, 50257, 128256];

const range = (from: number, to: number, step: number): number[] =>
  Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, i) => from + i * step);

const ascending = (sizes: readonly number[]): number[] => [...new Set(sizes)].sort((a, b) => a - b);

/** The sizes known for a number of classes and a largest kernel side. */
export function shapeVocabulary(
  classes: number,
  largestKernel: number,
  domain: 'vision' | 'language',
): ShapeVocabulary {
  return {
    channels: ascending([
      1,
      3,
      classes,
      ...range(8, 56, 8),
      ...range(64, 4080, 16),
      ...range(4096, 8192, 32),
      ...(domain === 'language' ? LANGUAGE_VOCABULARIES : []),
    ]),
    spatial: ascending([...range(1, Math.max(12, largestKernel) - 1, 2), 14, 16]),
  };
}

/** Four rows for a shape: out and in channels, kernel height and width. `null` is a node without a parameter. */
export function shapeRows(
  shape: readonly number[] | null,
  { channels, spatial }: ShapeVocabulary,
): [number, number, number, number] {
  if (shape === null) return [channels.length, channels.length, spatial.length, spatial.length];
  const [out, inputs, height, width] = toFourSizes(shape);
  // 4 to 7 channels count as 8 and a kernel of 2 as 3, whatever else is near.
  const channelRow = (size: number): number =>
    nearestRow(size >= 4 && size < 8 && !channels.includes(size) ? 8 : size, channels);
  const spatialRow = (size: number): number => nearestRow(size === 2 ? 3 : size, spatial);
  return [channelRow(out), channelRow(inputs), spatialRow(height), spatialRow(width)];
}

function toFourSizes(shape: readonly number[]): readonly number[] {
  const [a, b = 1, c = 1, d = 1] = shape;
  return [a, b, c, d];
}

/** The row of the nearest known size, the lower on a tie. */
function nearestRow(size: number, known: readonly number[]): number {
  let nearest = 0;
  for (let row = 1; row < known.length; row++) {
    if (Math.abs(known[row] - size) < Math.abs(known[nearest] - size)) nearest = row;
  }
  return nearest;
}
