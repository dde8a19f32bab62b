// What of a link was not taken.
import { byId, make } from './dom.js';

export interface LinkNote {
  add(untaken: readonly string[]): void;
  /** What is shown is no longer the link's. */
  clear(): void;
}

/** The part of the page that says so, which is hidden while all was taken. */
export function linkNote(): LinkNote {
  const holder = byId('link-note', HTMLDivElement);
  const list = byId('link-untaken', HTMLUListElement);
  return {
    add(untaken) {
      list.append(...untaken.map((text) => make('li', {}, text)));
      holder.hidden = list.childElementCount === 0;
    },
    clear() {
      list.replaceChildren();
      holder.hidden = true;
    },
  };
}
