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

export interface Link {
  readonly state: PageState;
  /** What the link says that was not taken as it says it, in words. */
  readonly untaken: readonly string[];
}

/** A link's part behind `#`: numbers that the page's fields do not have are the nearest that they have; what it leaves out, or what makes no sense, is as in `usual`. */
export function parseLink(hash: string, usual: PageState): Link {
  const fields = new URLSearchParams(hash.replace(/^#/, ''));
  const untaken: string[] = [];
  const refuse = (key: string, why: string): void => void untaken.push(`${key}=${fields.get(key)}: ${why}`);
  const chosen = (key: 'seed' | 'layers' | 'width' | 'steps', choice: Choice): number => {
    const value = numberOf(fields.get(key));
    if (value === undefined) return usual[key];
    const taken = Number.isNaN(value) ? usual[key] : nearestChoice(value, choice);
    if (taken !== value) refuse(key, `${wordsOf(choice)} would be right; ${taken} is taken`);
    return taken;
  };
  const rateOf = (text: string | null): PageState['rate'] => {
    const value = text === 'best' ? undefined : numberOf(text);
    if (value === undefined) return text === 'best' ? 'best' : usual.rate;
    const taken = value > 0 ? Math.min(value, LARGEST_RATE) : usual.rate;
    if (taken !== value)
      refuse('rate', `"best" or a number above 0, up to ${LARGEST_RATE}, would be right; ${taken} is taken`);
    return taken;
  };
  const opened = (key: 'open' | 'openRead'): OpenFolds => {
    const text = fields.get(key);
    const folds = parseOpen(text);
    if (text !== null && folds === undefined)
      refuse(key, '"all" or numbers of nodes would be right; blocks are folded');
    return folds ?? usual[key];
  };
  const view = VIEWS.find((known) => known === fields.get('view'));
  if (view === undefined && fields.has('view'))
    refuse('view', `${VIEWS.join(', ')} would be right; ${usual.view} is taken`);
  const file = fields.get('file') ?? usual.file;
  if (fields.get('network') === '') refuse('network', `the name of one would be right; ${usual.network} is taken`);
  if (file !== '' && fields.get('network')) refuse('network', `the link is of a file, ${file}`);
  const state: PageState = {
    network: (file === '' && fields.get('network')) || usual.network,
    file,
    view: view ?? usual.view,
    open: opened('open'),
    openRead: opened('openRead'),
    hypernet: fields.get('hypernet') ?? usual.hypernet,
    seed: chosen('seed', SEEDS),
    layers: chosen('layers', LAYERS),
    width: chosen('width', WIDTHS),
    steps: chosen('steps', STEPS),
    rate: rateOf(fields.get('rate')),
  };
  // Without any field it is the name of a part of the page.
  for (const key of hash.includes('=') ? new Set(fields.keys()) : []) {
    if (!Object.hasOwn(usual, key)) refuse(key, 'no link of this page holds that');
    else if (fields.getAll(key).length > 1) refuse(key, 'it is there more than once; the first counts');
  }
  return { state, untaken };
}

/** Undefined where a field is not there, not a number where it says none. */
const numberOf = (text: string | null): number | undefined =>
  text === null ? undefined : Number(text.trim() || Number.NaN);

const wordsOf = ({ least, most, step }: Choice): string =>
  `${step === 1 ? 'a whole number' : `a multiple of ${step}`} from ${least} to ${most}`;

/** The state with another's network, shown as that shows it; the rest stays. */
export const withNetworkOf = (
  current: PageState,
  { network, file, view, open, openRead, hypernet }: PageState,
): PageState => ({ ...current, network, file, view, open, openRead, hypernet });

/** What is open in the view that is shown; its distances have no folds. */
export const openIn = ({ view, open, openRead }: PageState): OpenFolds =>
  view === 'network' ? open : view === 'computational' ? openRead : [];

/** The change of the state that opens these folds in its view. */
export const opening = ({ view }: PageState, folds: OpenFolds): Partial<PageState> =>
  view === 'network' ? { open: folds } : view === 'computational' ? { openRead: folds } : {};

/** What is open once the fold that begins at `origin` is opened or, where it is open, closed; `all` are the folds of the view. */
export function toggled(open: OpenFolds, origin: number, all: readonly number[]): readonly number[] {
  const listed = open === 'all' ? all : open;
  return listed.includes(origin) ? listed.filter((other) => other !== origin) : [...listed, origin];
}

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
