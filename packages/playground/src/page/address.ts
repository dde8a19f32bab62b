// The address holds the state. Another network is a new entry of the history, which Back leaves; all else replaces the entry.
import type { DroppedFile } from '../worker/protocol.js';
import { formatState, type PageState, parseLink, withNetworkOf } from './state.js';

export interface Address {
  state(): PageState;
  /** Changes the state of the entry that is shown. */
  change(changes: Partial<PageState>): void;
  /** Goes to an entry of its own, with the files that are shown there. */
  enter(changes: Partial<PageState>, files?: readonly DroppedFile[]): void;
  /** Keeps the files of the entry that is shown: no link holds them. */
  hold(files: readonly DroppedFile[]): void;
  /** Undefined where the entry has none, or those of a page that was left. */
  files(): readonly DroppedFile[] | undefined;
}

export interface AddressOptions {
  readonly usual: PageState;
  /** Told what of the link was not taken. */
  readonly onUntaken: (untaken: readonly string[]) => void;
  /** Told that the reader went back or forward to another network. */
  readonly onReturn: () => void;
}

/** The address of this page, from now on that of what is shown. */
export function pageAddress({ usual, onUntaken, onReturn }: AddressOptions): Address {
  const files = new Map<string, readonly DroppedFile[]>();
  let count = 0;
  // Entries of this page may be there from before it was loaded again.
  const fresh = (): string => `${performance.timeOrigin} ${count++}`;
  let entry = entryOf(history.state) ?? fresh();
  const link = parseLink(location.hash, usual);
  let current = link.state;
  const target = (): string => {
    const hash = formatState(current, usual);
    return hash === '' ? location.pathname + location.search : `#${hash}`;
  };
  const change = (changes: Partial<PageState>): void => {
    current = { ...current, ...changes };
    history.replaceState({ entry }, '', target());
  };
  change({});
  onUntaken(link.untaken);

  addEventListener('popstate', ({ state }) => {
    const shown = entryOf(state);
    if (shown === undefined) return;
    entry = shown;
    change(withNetworkOf(current, parseLink(location.hash, usual).state));
    onReturn();
  });
  // A link of this page that is followed, or pasted into the address, is an entry that the page did not make.
  addEventListener('hashchange', () => {
    if (entryOf(history.state) === undefined) location.reload();
  });

  return {
    state: () => current,
    change,
    enter(changes, own) {
      entry = fresh();
      if (own !== undefined) files.set(entry, own);
      current = { ...current, ...changes };
      history.pushState({ entry }, '', target());
    },
    hold: (own) => void files.set(entry, own),
    files: () => files.get(entry),
  };
}

/** What an entry that this page made is known by; undefined for others. */
const entryOf = (state: unknown): string | undefined =>
  typeof state === 'object' && state !== null && 'entry' in state && typeof state.entry === 'string'
    ? state.entry
    : undefined;
