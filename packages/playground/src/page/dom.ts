// Elements of the page, found and made.

/** The element of an id. Throws TypeError where it is missing or of another kind: the page and its script do not fit. */
export function byId<T extends HTMLElement>(id: string, kind: new () => T): T {
  const element = document.getElementById(id);
  if (!(element instanceof kind)) throw new TypeError(`the page has no ${kind.name} "${id}"`);
  return element;
}

/** A new element with these attributes and children. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string>> = {},
  ...children: ReadonlyArray<Node | string>
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Shows a message, or hides its place where there is none. */
export function say(element: HTMLElement, message: string | null): void {
  element.textContent = message ?? '';
  element.hidden = message === null;
}

/** Whether the work of a button is going on. */
export const isBusy = (button: HTMLButtonElement): boolean => button.getAttribute('aria-disabled') === 'true';

/** Says that the work of a button is going on, or is over; unlike a disabled one it keeps the keyboard. */
export const setBusy = (button: HTMLButtonElement, busy: boolean): void =>
  button.setAttribute('aria-disabled', String(busy));

/** Hides a button; the keyboard, where it was there, goes to another. */
export function hideButton(button: HTMLButtonElement, next: HTMLButtonElement): void {
  // A hidden element loses it to the page.
  if (document.activeElement === button) next.focus();
  button.hidden = true;
}

/** What went wrong, in words. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** A progress bar and words beside it. */
export function progressIn(id: string): { show(share: number, text: string): void; hide(): void } {
  const holder = byId(id, HTMLDivElement);
  const [bar, words] = [holder.querySelector('progress'), holder.querySelector('span')];
  if (bar === null || words === null) throw new TypeError(`"${id}" shows no progress`);
  return {
    show(share, text) {
      holder.hidden = false;
      bar.value = share;
      words.textContent = text;
    },
    hide() {
      holder.hidden = true;
    },
  };
}
