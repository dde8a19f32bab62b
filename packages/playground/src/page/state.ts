// What a link to the page holds.

export type ViewName = 'network' | 'computational' | 'distances';

export interface PageState {
  /** As `logah` reads an architecture. */
  readonly network: string;
  readonly view: ViewName;
  /** Folds that are open, by the node at which each begins. */
  readonly open: readonly number[] | 'all';
  /** Its name; empty for the one that fits best. */
  readonly hypernet: string;
  readonly seed: number;
  /** Of the network that reads digits. */
  readonly layers: number;
  readonly width: number;
  readonly steps: number;
  readonly rate: number;
}

const VIEWS: readonly ViewName[] = ['network', 'computational', 'distances'];

/** The state of a link's part behind `#`; what it leaves out, or what makes no sense, is as in `usual`. */
export function parseState(hash: string, usual: PageState): PageState {
  const fields = new URLSearchParams(hash.replace(/^#/, ''));
  const integer = (key: string, byDefault: number, least = 0): number => {
    const value = Number(fields.get(key) ?? Number.NaN);
    return Number.isSafeInteger(value) && value >= least ? value : byDefault;
  };
  const rate = Number(fields.get('rate') ?? Number.NaN);
  return {
    network: fields.get('network') || usual.network,
    view: VIEWS.find((view) => view === fields.get('view')) ?? usual.view,
    open: parseOpen(fields.get('open')) ?? usual.open,
    hypernet: fields.get('hypernet') ?? usual.hypernet,
    seed: integer('seed', usual.seed),
    layers: integer('layers', usual.layers, 1),
    width: integer('width', usual.width, 1),
    steps: integer('steps', usual.steps, 1),
    rate: rate > 0 && Number.isFinite(rate) ? rate : usual.rate,
  };
}

function parseOpen(text: string | null): PageState['open'] | undefined {
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
