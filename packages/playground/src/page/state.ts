// What a link to the page holds.
import { type Choice, LAYERS, nearestChoice, SEEDS, STEPS, WIDTHS } from '../digit-task.js';

export type ViewName = 'network' | 'computational' | 'distances';

/** Folds that are open, by the node at which each begins. */
export type OpenFolds = readonly number[] | 'all';

export interface PageState {
  /** As `logah` reads an architecture. */
  readonly network: string;
  /** The name of a dropped file, which is shown instead; no link holds the file itself. Empty where there is none. */
  readonly file: string;
  readonly view: ViewName;
  /** Of the network with its operators. */
  readonly open: OpenFolds;
  /** Of the network as a hypernetwork reads it, whose nodes are others. */
  readonly openRead: OpenFolds;
  /** Its name; empty for the one that fits best. */
  readonly hypernet: string;
  readonly seed: number;
  /** Of the network that reads digits. */
  readonly layers: number;
  readonly width: number;
  readonly steps: number;
  /** Of all starts; `best` is each start's own. */
  readonly rate: number | 'best';
}

/** Any start diverges at a larger one. */
const LARGEST_RATE = 1;

const VIEWS: readonly ViewName[] = ['network', 'computational', 'distances'];

/** The state of a link's part behind `#`: numbers that the page's fields do not have are the nearest that they have; what it leaves out, or what makes no sense, is as in `usual`. */
export function parseState(hash: string, usual: PageState): PageState {
  const fields = new URLSearchParams(hash.replace(/^#/, ''));
  const number = (key: string): number => Number(fields.get(key)?.trim() || Number.NaN);
  const chosen = (key: string, byDefault: number, choice: Choice): number => {
    const value = number(key);
    return Number.isNaN(value) ? byDefault : nearestChoice(value, choice);
  };
  const rate = number('rate');
  return {
    network: fields.get('network') || usual.network,
    file: fields.get('file') ?? usual.file,
    view: VIEWS.find((view) => view === fields.get('view')) ?? usual.view,
    open: parseOpen(fields.get('open')) ?? usual.open,
    openRead: parseOpen(fields.get('openRead')) ?? usual.openRead,
    hypernet: fields.get('hypernet') ?? usual.hypernet,
    seed: chosen('seed', usual.seed, SEEDS),
    layers: chosen('layers', usual.layers, LAYERS),
    width: chosen('width', usual.width, WIDTHS),
    steps: chosen('steps', usual.steps, STEPS),
    rate: rate > 0 ? Math.min(rate, LARGEST_RATE) : usual.rate,
  };
}

/** What is open in the view that is shown; its distances have no folds. */
export const openIn = ({ view, open, openRead }: PageState): OpenFolds =>
  view === 'network' ? open : view === 'computational' ? openRead : [];

/** The change of the state that opens these folds in its view. */
export const opening = ({ view }: PageState, folds: OpenFolds): Partial<PageState> =>
  view === 'network' ? { open: folds } : view === 'computational' ? { openRead: folds } : {};

/** The change of the state that folds everything: another network has other nodes. */
export const FOLDED: Partial<PageState> = { open: [], openRead: [] };

function parseOpen(text: string | null): OpenFolds | undefined {
  if (text === null || text === 'all') return text ?? undefined;
  const places = text.split(',').map(Number);
  return places.every((place) => Number.isSafeInteger(place) && place >= 0) ? places : undefined;
}

/** A link's part behind `#`: only what is not as in `usual`. Colons, commas and equals signs stay readable. */
export function formatState(state: PageState, usual: PageState): string {
  const fields = (Object.keys(usual) as Array<keyof PageState>).flatMap((key) => {
    const text = String(state[key]);
    return text === String(usual[key])
      ? []
      : [`${key}=${encodeURIComponent(text).replace(/%(3A|2C|3D)/g, decodeURIComponent)}`];
  });
  return fields.join('&');
}
