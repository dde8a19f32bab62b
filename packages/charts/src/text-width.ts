// How wide words are where nothing measures them: as in DejaVu Sans, one of the widest fonts that a page's `system-ui` may be.

/** Advances in ems of letters by their shape; of all others {@link USUAL}. */
const ADVANCES: ReadonlyArray<readonly [letters: string, ems: number]> = [
  ["ijlIJ|.,:; '", 0.34],
  ['frt!()[]/\\-"°·', 0.46],
  ['DGHNOQUw&', 0.82],
  ['mMW%@+=<>~−×±≤≥–', 1],
];
const USUAL = 0.64;
/** Of scripts whose letters fill a square. */
const FIRST_SQUARE = 0x2e80;
const BOLDER = 1.12;

const EMS: ReadonlyMap<string, number> = new Map(
  ADVANCES.flatMap(([letters, ems]) => [...letters].map((letter) => [letter, ems] as const)),
);

/** The width of a line of text in pixels, at a size of letters in pixels: an estimate that errs on the wide side. */
export function textWidth(text: string, size: number, isBold = false): number {
  let ems = 0;
  for (const letter of text) ems += EMS.get(letter) ?? (letter >= String.fromCodePoint(FIRST_SQUARE) ? 1 : USUAL);
  return ems * size * (isBold ? BOLDER : 1);
}

/** The lines of a text that breaks between words where the next one would not fit a width in pixels. */
export function textLines(text: string, width: number, size: number, isBold = false): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const longer = `${lines.at(-1)} ${word}`;
    if (lines.length > 0 && textWidth(longer, size, isBold) <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}
