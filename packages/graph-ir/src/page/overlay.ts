// Nodes coloured by the statistics of their parameters.
import type { DrawnNode } from '../draw/drawing.js';
import { UNMARKED } from '../draw/styles.js';
import type { PageData, PageStatistics } from './data.js';
import { shortNumber } from './short-number.js';

/** What nodes can be coloured by: of an operator's first parameter, its weight. */
const MEASURES: Readonly<Record<string, (of: PageStatistics) => number | null>> = {
  'standard deviation': ({ std }) => std,
  mean: ({ mean }) => mean,
  'largest magnitude': ({ min, max }) => (min === null || max === null ? null : Math.max(-min, max)),
  'share of zeros': ({ zeros }) => zeros,
  'not finite': ({ notFinite }) => notFinite,
};

/** From few to much: dark words can be read on all of it. */
const FROM = [247, 251, 255] as const;
const TO = [255, 146, 84] as const;
const colourOf = (share: number): string =>
  `rgb(${FROM.map((from, i) => Math.round(from + share * (TO[i] - from))).join(' ')})`;

interface OverlayOptions {
  readonly label: HTMLElement;
  readonly choice: HTMLSelectElement;
  readonly scale: HTMLElement;
  readonly statistics: PageData['statistics'];
  /** Told whether the colours are those of values now. */
  onChange(isOfValues: boolean): void;
}

/** Sets up the choice, where there are statistics. Gives the colour that a node has by it, an empty one for that of the picture. */
export function overlay({ label, choice, scale, statistics, onChange }: OverlayOptions): (node: DrawnNode) => string {
  const all = Object.values(statistics);
  label.hidden = all.length === 0;
  for (const name of ['kind of operator', ...Object.keys(MEASURES)]) choice.append(new Option(name));
  let range = { min: 0, max: 1 };
  const measure = (): ((of: PageStatistics) => number | null) | undefined => MEASURES[choice.value];
  choice.addEventListener('change', () => {
    const by = measure();
    scale.hidden = by === undefined;
    if (by !== undefined) {
      const values = all.flatMap((of) => by(of) ?? []);
      range = { min: Math.min(...values), max: Math.max(...values) };
      const bar = document.createElement('i');
      bar.style.background = `linear-gradient(to right, ${colourOf(0)}, ${colourOf(1)})`;
      scale.replaceChildren(shortNumber(range.min), bar, shortNumber(range.max));
    }
    onChange(by !== undefined);
  });
  return ({ parameters = [] }) => {
    const by = measure();
    if (by === undefined) return '';
    const name = parameters.find((parameter) => Object.hasOwn(statistics, parameter.name))?.name;
    const value = name === undefined ? null : by(statistics[name]);
    if (value === null) return UNMARKED.fill;
    const span = range.max - range.min;
    return colourOf(span > 0 ? (value - range.min) / span : 0);
  };
}
