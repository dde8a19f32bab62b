// What a page holds of a network: what its script reads.
import type { Drawing } from '../draw/drawing.js';
import type { ValueStatistics } from './statistics.js';

/** As JSON has them: null where a number is not finite, as when all values are NaN. */
export type PageStatistics = { readonly [K in keyof ValueStatistics]: number | null };

export interface PageData {
  readonly drawing: Drawing;
  /** Of parameters by name, where values were at hand. */
  readonly statistics: Readonly<Record<string, PageStatistics>>;
}

/** Where the page has its data. */
export const DATA_ID = 'data';
